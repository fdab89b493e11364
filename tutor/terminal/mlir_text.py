"""Colours MLIR text, in which MAX prints a graph."""

import re

from rich.text import Text

# The terminal's own colours, of those that can be read on black and on white.
_STYLES = {"operation": "bold", "value": "cyan", "type": "green", "symbol": "magenta"}

# The first match counts, so what is inside a string or a type has no colour of its own. Types nest, three deep here:
# `!mo.list<!mo.tensor<[batch, 3], f32>>`. A name with a dot before ` =` is an attribute and no operation.
_TOKEN = re.compile(
    r"""
    "(?:[^"\\]|\\.)*"                                                # a string, as it is
    | \#[A-Za-z_][\w.]*                                              # an attribute, as it is
    | (?P<type>![A-Za-z_][\w.]*(?:<(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*>)?)
    | (?P<value>%[\w$.\#-]+)
    | (?P<symbol>@[\w$.-]+)
    | (?P<operation>(?<![\w.%@!#])[a-z_]\w*(?:\.\w+)+(?=\(|\s(?!=)|$))
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
