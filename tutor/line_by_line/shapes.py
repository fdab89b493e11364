"""Shapes with the names of their sizes, and what stands at the places along them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tutor.checking.numbers import Given
from tutor.line_by_line.on_text import Labels


def sizes_by_name(given: Given) -> dict[int, str]:
    """The names of the sizes that are plain numbers in the graph: what the case is made with.

    A number that two sizes share has no name, and neither has 1.
    """
    settings = dict(given.subject.settings)
    for part in given.subject.name.split(", "):
        name, _, size = part.partition("=")
        if size.isdigit():
            settings.setdefault(name, int(size))
    sizes = {name: size for name, size in settings.items() if isinstance(size, int) and name not in _NO_SIZES}
    embd, heads = sizes.get("n_embd", sizes.get("embed_dim")), sizes.get("n_head", sizes.get("num_heads"))
    if embd and heads and not embd % heads:
        sizes.setdefault("head_dim", embd // heads)
    if embd and embd == sizes.get("dim"):
        del sizes["n_embd"]
    elif embd:
        sizes["3 n_embd"] = 3 * embd
        if "n_inner" not in sizes and "intermediate_size" not in sizes:
            sizes["4 n_embd"] = 4 * embd
    names: dict[int, list[str]] = {}
    for name, size in sizes.items():
        names.setdefault(size, []).append(name)
    return {size: some[0] for size, some in names.items() if len(some) == 1 and size > 1}


_NO_SIZES = ("n_layer", "seed", "num_tokens", "way")


def shape_in_words(dims: Sequence[object], array: np.ndarray, names: Mapping[int, str]) -> str:
    """The shape of a value with the names of its sizes: "(batch=2, n_head=3, seq_len=5, head_dim=12)"."""
    parts = []
    for dim, size in zip(dims, array.shape, strict=True):
        name = names.get(size, "") if isinstance(dim, int) else dim
        parts.append(f"{name}={size}" if name else str(size))
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


@dataclass(frozen=True)
class TableLabels:
    """What stands beside a table of the last two axes of a value; nothing where places have no names.

    Args:
        rows, columns: one after another, perhaps for the first places alone.
        is_vocabulary: each column stands for a token that may come next.
    """

    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    is_vocabulary: bool = False


def table_labels(dims: Sequence[object], array: np.ndarray, names: Mapping[int, str], labels: Labels) -> TableLabels:
    """Finds what stands beside the tables of a value, by the names of its last two axes."""
    sizes = zip(dims, array.shape, strict=True)
    axes = [names.get(size, "") if isinstance(dim, int) else str(dim) for dim, size in sizes]
    rows, columns = ["", "", *axes][-2:]
    return TableLabels(labels.get(rows, ()), labels.get(columns, ()), columns == "vocab_size")


def largest_in_row(row: np.ndarray, columns: Sequence[str], count: int = 3) -> list[tuple[str, np.generic]]:
    """The largest numbers of a row, and the columns that they are in."""
    order = np.argsort(-row, kind="stable")[:count].tolist()
    return [(columns[index], row[index]) for index in order]
