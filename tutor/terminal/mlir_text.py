"""Colours MLIR text, in which MAX prints a graph."""

import re

from rich.text import Text

# The terminal's own colours, of those that can be read on black and on white.
_STYLES = {"operation": "bold", "value": "cyan", "type": "green", "symbol": "magenta"}

# What is matched first is taken, so a type within a string, or a name within a type, has no colour of its own.
# Types nest: `!mo.tensor<[batch, 3], f32>` and `#mosh<ape[seq_len] : !mosh.ape>`, `!mo.opaque<"a", {b = !mo.c<d>}>`.
_TOKEN = re.compile(
    r"""
    "(?:[^"\\]|\\.)*"                                                # a string, as it is
    | \#[A-Za-z_][\w.]*                                              # an attribute, as it is
    | (?P<type>![A-Za-z_][\w.]*(?:<(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*>)?)
    | (?P<value>%[\w$.\#-]+)
    | (?P<symbol>@[\w$.-]+)
    | (?P<operation>(?<![\w.%@!#])[a-z_]\w*(?:\.\w+)+(?=[\s(]|$))
    """,
    re.VERBOSE | re.MULTILINE,
)


def coloured(text: str) -> Text:
    """MLIR text with its operations, values, types and names of graphs set apart."""
    result = Text(text)
    for match in _TOKEN.finditer(text):
        if match.lastgroup is not None:
            result.stylize(_STYLES[match.lastgroup], match.start(), match.end())
    return result
