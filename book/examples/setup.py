"""The set-up chapter: the first commands."""

from book.captures import Capture

CAPTURES = {
    "s00": Capture("s00", skeleton=True, step=0),
    "hint": Capture("hint 00", skeleton=True, step=0),
    "generate": Capture("generate ROMEO: --seed 3 --max-new-tokens 50"),
}
