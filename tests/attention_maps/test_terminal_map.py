"""The map in the terminal: every number, straight columns, nothing wider than the window."""

import re

import numpy as np
import pytest
from rich.cells import cell_len

from tests.support.attention_maps import TEXT, some_weights, weights_of
from tests.support.workspaces import Tool
from tutor.attention_maps import terminal_map
from tutor.attention_maps.terminal_map import HeatMap
from tutor.attention_maps.weights import Reader
from tutor.learner.workspace import Workspace


def text_of(words: list[str], weights: np.ndarray, width: int) -> list[str]:
    return [line.plain for line in terminal_map.lines(HeatMap("a head", words, weights), width)]


def test_a_small_map_shows_every_number():
    weights = np.array([[1, 0, 0], [0.253, 0.747, 0], [0.004, 0.006, 0.99]])
    shown = text_of(["ROMEO", ":", "⏎"], weights, 80)
    assert shown[0] == "a head"
    assert [line.split() for line in shown[-4:]] == [
        ["0", "1", "2"], ["0", "ROMEO", "100"], ["1", ":", "25", "75"], ["2", "⏎", "·", "1", "99"],
    ]  # fmt: skip


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("count", [1, 2, 9, 24, 60, 100])
def test_no_line_is_wider_than_the_terminal(width: int, count: int):
    words = [("␣" + "wonderful" * (place % 3))[: place % 20 + 1] for place in range(count)]
    fits = terminal_map.fitting(words, width)
    assert fits == count or fits >= width - 20
    shown = text_of(words[:fits], some_weights(fits), width)
    table = shown[shown.index("") + 1 :]
    assert max(map(cell_len, table)) <= width
    rows = table[-fits:]
    assert len({cell_len(row) for row in rows}) == fits, "each row is longer than the last: the diagonal is straight"


def test_shades_tell_the_weight_where_numbers_do_not_fit():
    count = 40
    weights = np.zeros((count, count))
    weights[:, 0] = 1
    weights[-1, :5] = 0.76, 0.51, 0.26, 0.06, 0.01
    last = text_of(["x"] * count, weights, 60)[-1]
    assert last.split()[-1].startswith("█▓▒░·")


def test_wide_letters_keep_the_columns_straight():
    shown = text_of(["羅密歐", "é", "x" * 40], some_weights(3), 80)[-3:]
    starts = {cell_len(row) - 3 * (index + 1) for index, row in enumerate(shown)}
    assert len(starts) == 1
    assert "…" in shown[2]


def test_the_map_is_the_weights(reader: Reader, skeletons: Workspace, tutor: Tool, compiled: None):
    text = "To be, or not to be"
    ids, weights = weights_of(reader, text)
    result = tutor(skeletons, "attention", text, "--layer", "2", "--head", "1")
    assert result.returncode == 0 and result.stderr == "" and "\x1b" not in result.stdout
    assert "shakespeare, layer 2, head 1" in result.stdout
    rows = result.stdout.splitlines()[-len(ids) :]
    for query, row in enumerate(rows):
        shown = [0 if number == "·" else int(number) for number in row.split()[2:]]
        assert shown == [round(100 * float(weight)) for weight in weights[2, 1, query, : query + 1]]


def test_colours_are_for_terminals(skeletons: Workspace, tutor: Tool, compiled: None):
    words = ("attention", "To be, or not to be")
    coloured = tutor(skeletons, *words, FORCE_COLOR="1", TERM="xterm-256color").stdout
    assert "\x1b[30;43m" in coloured or "\x1b[37;44m" in coloured
    plain = tutor(skeletons, *words, FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color").stdout
    assert not re.search(r"\x1b\[[0-9;]*[34]\d", plain)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == tutor(skeletons, *words).stdout.split()


def test_what_does_not_fit_is_cut_and_said_so(skeletons: Workspace, tutor: Tool, compiled: None):
    result = tutor(skeletons, "attention", TEXT * 4, "--layer", "1")
    (count,) = re.findall(r"the text has (\d+) tokens; this is about the first (\d+)$", result.stderr.strip())
    assert result.returncode == 0 and result.stderr.count("\n") == 1
    assert (
        int(count[0]) > int(count[1]) == sum(bool(re.match(r" *\d+ \S", line)) for line in result.stdout.splitlines())
    )
    assert max(map(cell_len, result.stdout.splitlines())) <= 100


def test_the_default_head_tells_of_the_others(skeletons: Workspace, tutor: Tool, compiled: None):
    assert "--layer 0 to 3 and --head 0 to 5 show others" in tutor(skeletons, "attention", "A b").stdout
    assert "show others" not in tutor(skeletons, "attention", "A b", "--head", "0").stdout
