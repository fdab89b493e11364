"""Writes the attention weights of one head as a picture: SVG for paper and web, HTML with all numbers, or PNG."""

import html
import io
import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.cells import cell_len

from tutor.attention_maps.terminal_map import HeatMap, percent
from tutor.errors import PictureError
from tutor.files import check_new_file, write_new_file

# More tokens than this make no picture that can be read.
MOST_TOKENS = 128

# The colours on a light and on a dark page. Ink on the strongest heat has a contrast of more than 4.5:1.
LIGHT = {"page": "#ffffff", "ink": "#1a1a1a", "heat": "#3d80c6", "on": "#000000", "edge": "#8a8a8a"}
DARK = {"page": "#15181c", "ink": "#e4e4e4", "heat": "#2a69ae", "on": "#ffffff", "edge": "#737373"}

_READS = "Each row is a token that looks, each column a token that it looks at. The stronger a cell, the more weight."
_MONO = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
_LONGEST_LABEL = 18


def check(file: Path, *, overwrite: bool) -> None:
    """Sees to it, before any work is done, that a picture can be written.

    Raises:
        PictureError: it cannot; the message says what to change.
    """
    if file.suffix.lower() not in WRITERS:
        known = ", ".join(WRITERS)
        raise PictureError(f"{file}: the end of the name says what to write, and it must be one of {known}")
    check_new_file(file, overwrite=overwrite)
    if file.suffix.lower() == ".png":
        try:
            import matplotlib  # noqa: F401 - only asked for
        except ModuleNotFoundError:
            raise PictureError(
                "a PNG is drawn by matplotlib, which comes with the book: `make build-book` installs it; "
                ".svg and .html need nothing more"
            ) from None


def write(file: Path, heat_map: HeatMap, *, overwrite: bool) -> None:
    """Writes the picture as a whole or not at all.

    Raises:
        PictureError: it cannot be written; the message says why.
    """
    check(file, overwrite=overwrite)
    write_new_file(file, WRITERS[file.suffix.lower()](heat_map), overwrite=overwrite)


def _told(heat_map: HeatMap) -> str:
    """The picture in words."""
    query, key = heat_map.strongest()
    words, share = heat_map.words, percent(heat_map.weights[query, key])
    return (
        f"The attention weights of {len(words)} tokens: {' '.join(words)}. {_READS} The largest weight on another "
        f"token: token {query}, {words[query]}, gives {share} % to token {key}, {words[key]}."
    )


def _label(word: str) -> str:
    return word if len(word) <= _LONGEST_LABEL else word[: _LONGEST_LABEL - 1] + "…"


# --- SVG --------------------------------------------------------------------------------------


def svg(heat_map: HeatMap) -> bytes:
    """The map as SVG. It follows the page into the dark; programs that do not know how show it light."""
    count = len(heat_map.words)
    numbered = count <= 24
    cell = 30 if numbered else 14 if count <= 64 else 10
    font = 13 if numbered else cell - 2
    labels = [_label(word) for word in heat_map.words]
    margin = math.ceil(max(cell_len(label) for label in labels) * font * 0.63) + 14
    side, top = count * cell, 64
    width, height = max(margin + side + 12, 420), top + side + margin
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="title description" font-family="system-ui, sans-serif" font-size="13">',
        f'<title id="title">{html.escape(heat_map.title)}</title>',
        f'<desc id="description">{html.escape(_told(heat_map))}</desc>',
        "<style>@media (prefers-color-scheme: dark) {"
        + " ".join(f".{name} {{ fill: {colour}; }}" for name, colour in DARK.items() if name != "edge")
        + f" .edge {{ stroke: {DARK['edge']}; }} }}</style>",
        f'<rect class="page" width="{width}" height="{height}" fill="{LIGHT["page"]}"/>',
        f'<g class="ink" fill="{LIGHT["ink"]}">',
        f'<text x="12" y="22" font-size="15" font-weight="bold">{html.escape(heat_map.title)}</text>',
        '<text x="12" y="42" font-size="12">Rows look at columns; in percent of the row.</text>',
        "</g>",
        *_svg_scale(width),
        f'<g class="heat" fill="{LIGHT["heat"]}">',
        *(
            f'<rect x="{margin + key * cell}" y="{top + query * cell}" width="{cell}" height="{cell}" '
            f'fill-opacity="{weight:.3f}"/>'
            for query in range(count)
            for key, weight in enumerate(heat_map.weights[query, : query + 1])
            if weight >= 0.0005
        ),
        "</g>",
        _svg_lines(_svg_grid(margin, top, cell, count)),
        f'<g class="ink" fill="{LIGHT["ink"]}" font-family="{_MONO}" font-size="{font}" text-anchor="end">',
        *(
            f'<text x="{margin - 6}" y="{top + (place + 0.5) * cell:g}" dy="0.35em">{html.escape(label)}</text>'
            for place, label in enumerate(labels)
        ),
        *(
            f'<text transform="translate({margin + (place + 0.5) * cell:g} {top + side + 6}) rotate(-90)" dy="0.35em">'
            f"{html.escape(label)}</text>"
            for place, label in enumerate(labels)
        ),
        "</g>",
    ]
    if numbered:
        parts += [
            f'<g class="on" fill="{LIGHT["on"]}" font-size="11" text-anchor="middle">',
            *(
                f'<text x="{margin + (key + 0.5) * cell:g}" y="{top + (query + 0.5) * cell:g}" dy="0.35em">'
                f"{percent(weight)}</text>"
                for query in range(count)
                for key, weight in enumerate(heat_map.weights[query, : query + 1])
                if percent(weight)
            ),
            "</g>",
        ]
    return "\n".join([*parts, "</svg>\n"]).encode()


def _svg_scale(width: int) -> list[str]:
    """The scale from 0 to 100 % in the upper right corner."""
    left = width - 12 - 150
    return [
        f'<g class="heat" fill="{LIGHT["heat"]}">',
        *(
            f'<rect x="{left + 30 * step}" y="32" width="30" height="14" fill-opacity="{step / 4}"/>'
            for step in range(1, 5)
        ),
        "</g>",
        _svg_lines("".join(f"M{left + 30 * step} 32h30v14h-30z" for step in range(5))),
        f'<g class="on" fill="{LIGHT["on"]}" font-size="10" text-anchor="middle">',
        *(f'<text x="{left + 30 * step + 15}" y="42.5">{25 * step}</text>' for step in range(5)),
        "</g>",
    ]


def _svg_lines(path: str) -> str:
    return f'<path class="edge" fill="none" stroke="{LIGHT["edge"]}" stroke-width="0.5" d="{path}"/>'


def _svg_grid(left: int, top: int, cell: int, count: int) -> str:
    """The outlines of the cells that a token may look at."""
    across = [f"M{left} {top + row * cell}h{min(row + 1, count) * cell}" for row in range(count + 1)]
    down = [
        f"M{left + column * cell} {top + max(column - 1, 0) * cell}V{top + count * cell}" for column in range(count + 1)
    ]
    return "".join(across + down)


# --- HTML -------------------------------------------------------------------------------------


def page(heat_map: HeatMap) -> bytes:
    """The map as a web page: a table, so that it can be read aloud and copied. Nothing else is loaded."""
    title = html.escape(heat_map.title)
    words = [html.escape(word) for word in heat_map.words]
    colours = [";".join(f"--{name}:{colour}" for name, colour in scheme.items()) for scheme in (LIGHT, DARK)]
    head = "".join(f'<th scope="col"><span>{key} {word}</span></th>' for key, word in enumerate(words))
    rows = "\n".join(
        f'<tr><th scope="row">{query} {word}</th>'
        + "".join(
            f'<td style="--weight:{weight:.3f}">{percent(weight)}</td>'
            for weight in heat_map.weights[query, : query + 1]
        )
        + "<td></td>" * (len(words) - query - 1)
        + "</tr>"
        for query, word in enumerate(words)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; {colours[0]} }}
@media (prefers-color-scheme: dark) {{ :root {{ {colours[1]} }} }}
body {{ margin: 1.5rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.3rem; }}
p {{ max-width: 44rem; }}
.scroll {{ overflow: auto; max-width: 100%; }}
table {{ border-collapse: collapse; font-size: 0.8rem; font-variant-numeric: tabular-nums; }}
th {{ font: 0.85rem {_MONO}; background: var(--page); white-space: pre; }}
th[scope="row"] {{ position: sticky; left: 0; text-align: right; padding: 0 0.5rem; }}
th[scope="col"] {{ vertical-align: bottom; padding: 0.3rem 0; }}
th span {{ writing-mode: vertical-rl; transform: rotate(180deg); }}
td {{ min-width: 2rem; height: 1.7rem; padding: 0; text-align: center; }}
td[style] {{
  border: 1px solid var(--edge);
  color: var(--on);
  background: color-mix(in srgb, var(--heat) calc(var(--weight) * 100%), var(--page));
}}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{_READS} The numbers are percent of the row's weight; a row sums to 100, but for rounding.</p>
<div class="scroll" role="region" aria-label="attention weights" tabindex="0">
<table>
<thead><tr><td></td>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</body>
</html>
""".encode()


# --- PNG --------------------------------------------------------------------------------------


def png(heat_map: HeatMap) -> bytes:
    """The map as PNG, on white, drawn by matplotlib."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    count = len(heat_map.words)
    numbered = count <= 24
    cell = 0.32 if numbered else 0.15
    size = max(4.2, count * cell + 1.6)
    figure = Figure(figsize=(size, size + 0.4), dpi=200, layout="constrained")
    axes = figure.add_subplot()
    colours = LinearSegmentedColormap.from_list("heat", [LIGHT["page"], LIGHT["heat"]])
    image = axes.imshow(heat_map.weights, cmap=colours, vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, shrink=0.5).ax.tick_params(labelsize=8)
    axes.set_title(heat_map.title, fontsize=11)
    labels = [_label(word) for word in heat_map.words]
    font = {"fontfamily": "monospace", "fontsize": 8 if numbered else 6, "parse_math": False}
    axes.set_xticks(range(count), labels, rotation=90, **font)
    axes.set_yticks(range(count), labels, **font)
    axes.tick_params(length=0)
    if numbered:
        for query in range(count):
            for key in range(query + 1):
                if shown := percent(heat_map.weights[query, key]):
                    axes.text(key, query, str(shown), ha="center", va="center", fontsize=7, color=LIGHT["on"])
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a letter that the font lacks is drawn as a box
        figure.savefig(
            content,
            format="png",
            bbox_inches="tight",
            metadata={"Title": heat_map.title, "Description": _told(heat_map)},
        )
    return content.getvalue()


WRITERS: Mapping[str, Callable[[HeatMap], bytes]] = {".svg": svg, ".html": page, ".png": png}
