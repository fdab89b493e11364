"""Draws a picture with matplotlib, and makes its SVG fit for a page."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

from book.plots.colours import AXIS, TEXT, VARIABLES

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

_SETTINGS: "dict[RcKeyType, object]" = {
    "svg.fonttype": "none",
    "font.size": 13,
    "text.color": TEXT,
    "axes.edgecolor": AXIS,
    "axes.labelcolor": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 2,
}

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Picture:
    """A figure, and a description of what it shows."""

    figure: Figure
    title: str
    description: str


def _style(style: str) -> str:
    """Leaves the font to the page, except for its size and weight."""
    mono = "monospace" in style
    # The fonts' names are matplotlib's, and mitred joins do not show on lines as thin as these.
    style = re.sub(r"(font-family: [^;]*|stroke-linejoin: miter)(; |$)", "", style).removesuffix("; ")
    return f"{style}; font-family: var(--mono-font, monospace)" if mono else style


def _short(numbers: str) -> str:
    """Shortens numbers to at most two decimals, on one line."""
    numbers = re.sub(r"-?\d+\.\d+", lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), numbers)
    return " ".join(re.sub(r"-0(?![.\d])", "0", numbers).split())


def _clean(element: ElementTree.Element) -> None:
    """Removes what a page does not need, and what it must not have: styles that would affect the whole page."""
    for child in list(element):
        _clean(child)
        empty_definitions = child.tag == f"{_SVG}defs" and not len(child)
        if child.tag in (f"{_SVG}metadata", f"{_SVG}style") or empty_definitions:
            element.remove(child)
    if "style" in element.attrib:
        element.set("style", _style(element.attrib["style"]))
    if element.attrib.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    if _LINK in element.attrib:
        element.set("href", element.attrib.pop(_LINK))
    for key in ("d", "x", "y", "transform"):
        if key in element.attrib:
            element.set(key, _short(element.attrib[key]))


def _unwrap(element: ElementTree.Element) -> None:
    """Removes groups without attributes, and keeps what is in them."""
    for child in list(element):
        _unwrap(child)
    children: list[ElementTree.Element] = []
    for child in element:
        children += child if child.tag == f"{_SVG}g" and not child.attrib else [child]
    element[:] = children


def _rename_ids(root: ElementTree.Element, name: str) -> None:
    """Keeps the ids that something refers to, under names unique to this figure; removes bare groups."""
    used = {element.attrib["href"].removeprefix("#"): None for element in root.iter() if "href" in element.attrib}
    numbers = count(1)
    new = {old: f"figure-{name}-{next(numbers)}" for old in used}
    for element in root.iter():
        if "href" in element.attrib:
            element.set("href", "#" + new[element.attrib["href"].removeprefix("#")])
        if (id_ := element.attrib.pop("id", None)) in new:
            element.set("id", new[id_])
    _unwrap(root)


def _name_root(root: ElementTree.Element, name: str, picture: Picture) -> None:
    """Gives the figure its size, its role, its title and its description."""
    view_box = root.attrib["viewBox"]
    width = view_box.split()[2]
    ids = {"title": f"figure-{name}-title", "desc": f"figure-{name}-desc"}
    root.attrib.clear()
    root.attrib.update(
        {
            "viewBox": view_box,
            "role": "img",
            "aria-labelledby": " ".join(ids.values()),
            "style": f"max-width:{width}px;width:100%;height:auto;stroke-linejoin:round",
        }
    )
    for index, (tag, text) in enumerate((("title", picture.title), ("desc", picture.description))):
        words = ElementTree.Element(f"{_SVG}{tag}", {"id": ids[tag]})
        words.text = text
        root.insert(index, words)


def to_svg(name: str, draw: Callable[[], Picture]) -> str:
    """Draws a figure and makes its SVG fit for a page."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        matplotlib.rc("svg", hashsalt=name)
        picture = draw()
        for artist in picture.figure.findobj():
            artist.set_clip_on(False)
        file = io.StringIO()
        picture.figure.savefig(file, format="svg", metadata={"Date": None})
    ElementTree.register_namespace("", _SVG.strip("{}"))
    root = ElementTree.fromstring(file.getvalue())
    _clean(root)
    _rename_ids(root, name)
    _name_root(root, name, picture)
    ElementTree.indent(root, space="")
    text = ElementTree.tostring(root, encoding="unicode")
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    return f"{text}\n"
