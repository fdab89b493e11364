"""The keys of `learn`, for the screen and for plain lines."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """A key.

    Args:
        key: what is pressed.
        name: in one word, for the last line of the screen.
        purpose: what it does.
    """

    key: str
    name: str
    purpose: str


KEYS = (
    Key("h", "hint", "shows the next hint"),
    Key("d", "diff", "shows your file against the solution"),
    Key("s", "show", "shows your code, and under each line what it makes"),
    Key("g", "graph", "shows the MAX graph that your code builds"),
    Key("n", "next", "goes to the next step that is not right, once this one is"),
    Key("l", "list", "lists the steps, to choose one"),
    Key("c", "chapter", "opens the step's chapter, or says where it is"),
    Key("r", "reset", "restores the skeleton, if you confirm it; your file is kept"),
    Key("a", "again", "checks again without a save"),
    Key("q", "quit", "ends this"),
)

# These show what the command of the same name prints.
COMMANDS = {"h": "hint", "d": "diff", "s": "show", "g": "graph"}
