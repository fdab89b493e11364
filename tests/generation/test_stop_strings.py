"""Stop strings: the text ends before the first of them, wherever it is cut into pieces."""

import pytest

from tests.support.workspaces import Tool
from tutor.learner.workspace import Workspace


@pytest.mark.parametrize(
    ("pieces", "stops", "expected"),
    [
        (["one ", "two ", "three"], ["two"], "one "),
        (["one t", "w", "o three"], ["two"], "one "),  # the stop is spread over pieces
        (["one t", "w", "in"], ["two"], "one twin"),  # held back, then let go
        (["ab", "cd"], ["cx", "d"], "abc"),
        (["aab"], ["ab"], "a"),
        (["a", "a", "b"], ["ab"], "a"),
        (["xyz"], [], "xyz"),
        (["end of tw"], ["two"], "end of tw"),  # what was held back at the end belongs to the text
        (["two"], ["two"], ""),
    ],
)
def test_stop_strings(pieces: list[str], stops: list[str], expected: str):
    from tutor.generation.stop_strings import StopStrings

    stopper = StopStrings(stops)
    assert "".join([*map(stopper.add, pieces), stopper.rest()]) == expected


def test_the_stop_string_ends_the_text(skeletons: Workspace, tutor: Tool, compiled: None):
    whole = tutor(skeletons, "generate", "ROMEO:", "--seed", "3", "--max-new-tokens", "40").stdout
    word = whole.split()[4]
    stopped = tutor(skeletons, "generate", "ROMEO:", "--seed", "3", "--max-new-tokens", "40", "--stop", word).stdout
    assert stopped == whole[: whole.index(word)] + "\n"
    empty = tutor(skeletons, "generate", "ROMEO:", "--stop", "")
    assert empty.returncode == 2 and "the text must not be empty" in empty.stderr
