"""What `show` prints."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from tests.line_by_line.conftest import Run, TextRun
from tests.support.workspaces import Tool
from tutor.errors import CaseError
from tutor.learner.workspace import Workspace
from tutor.line_by_line.numbers import number_format, range_in_words
from tutor.line_by_line.run import LineRun
from tutor.terminal.line_pages import LinePrinter


def printed(run: LineRun, *, width: int = 80, deep: bool = False, line: int | None = None, **options: bool) -> str:
    out = io.StringIO()
    printer = LinePrinter(Console(file=out, width=width, highlight=False, **options))
    if line is None:
        printer.lines(run, deep=deep)
    else:
        printer.line(run, line)
    return out.getvalue()


def below(text: str, code: str) -> list[str]:
    """What is printed under a line of code, without the bar."""
    rows = text.splitlines()
    (start,) = [index for index, row in enumerate(rows) if code in row and re.match(r" +\d+  ", row)]
    found = []
    for row in rows[start + 1 :]:
        if "│" not in row:
            break
        found.append(row.partition("│")[2].strip())
    return found


def test_small_values_are_printed_whole_under_their_line(solution: Run):
    run = solution(8)
    text = printed(run)
    rows = below(text, "weights = F.softmax")
    start = rows.index("weights  (batch=1, 1, seq_len=4, seq_len=4)  float32")
    numbers = np.array([[float(number) for number in row.split()] for row in rows[start + 1 : start + 5]])
    (line,) = [line for line in run.lines if line.text.startswith("weights = ")]
    np.testing.assert_allclose(numbers, line.values[0].array[0, 0], atol=5.1e-5)
    assert below(text, "mask = causal_mask")[1].split() == ["0", "-inf", "-inf", "-inf"]
    assert "calls causal_mask of step 02; --deep shows the lines" in text
    assert "solution_02" not in text


def test_large_values_are_a_heat_map_and_a_corner(solution: Run):
    run = solution(8, case=1)
    rows = below(printed(run), "return weights @ value")
    assert rows[0] == "the result  (batch=2, n_head=3, seq_len=5, head_dim=12)  float32"
    assert rows[1].startswith("[0, 0] of 6 tables; ")
    (line,) = [line for line in run.lines if line.file == run.file and line.text.startswith("return ")]
    table = line.values[0].array
    assert len(rows) == 7
    shades, *corner = rows[2].removesuffix(" …").split()
    assert len(shades) == 12
    np.testing.assert_allclose([float(number) for number in corner], table[0, 0, 0, :4], atol=1e-3)
    part = np.abs(table[0, 0, 0]) / np.abs(table).max()
    assert shades == "".join("·░▒▓█"[np.searchsorted([0.02, 0.25, 0.5, 0.75], each, "right")] for each in part)


def test_infinities_and_nans_can_be_seen_in_a_heat_map(solution: Run):
    text = printed(solution(16, case=11))
    assert re.search(r"│ +·{8}x{8} .*\n.*│ +·{9}x{7} ", text)  # query i of 9 sees the 7 old keys, and i + 1 new ones
    assert "x is -inf" in text and "nan" not in text
    assert range_in_words(np.array([1.0, np.nan, -np.inf, np.inf])) == "1.0000 to 1.0000, 1 is -inf, 1 is inf, 1 is nan"


def test_deep_shows_the_lines_of_earlier_steps(solution: Run):
    text = printed(solution(8), deep=True)
    assert "solutions/solution_02.py" in text and "--deep" not in text
    assert any(row.startswith("mask  (seq_len=4, seq_len=4)") for row in below(text, "mask = F.broadcast_to"))


def test_one_line_is_printed_with_all_numbers(solution: Run):
    run = solution(8, case=1)
    (line,) = [line for line in run.lines if line.text.startswith("scores = ")]
    text = printed(run, line=line.number)
    start = text.index("scores  (batch=2, n_head=3")
    numbers = re.findall(r"-?\d+\.\d+", text[start:])
    np.testing.assert_allclose([float(number) for number in numbers], line.values[0].array.reshape(-1), atol=6e-5 * 10)
    with pytest.raises(CaseError, match=f"{line.number}"):
        printed(run, line=1)


def test_tokens_stand_beside_rows_and_above_columns(on_text: TextRun):
    run = on_text(8)
    text = printed(run)
    assert "on “To be, or not to be”: queries, keys and values of head 4 in block 0" in text.replace("\n  ", " ")
    rows = below(text, "weights = F.softmax")
    start = rows.index("weights  (batch=1, 1, seq_len=7, seq_len=7)  float32")
    tokens = ["To", "␣be", ",", "␣or", "␣not", "␣to", "␣be"]
    assert rows[start + 1].split() == tokens
    (line,) = [line for line in run.lines if line.text.startswith("weights = ")]
    for row, token, numbers in zip(rows[start + 2 :], tokens, line.values[0].array[0, 0], strict=False):
        label, *shown = row.split()
        assert label == token
        np.testing.assert_allclose([float(number) for number in shown], numbers, atol=5.1e-5)
    # A heat map has them too.
    assert [row.split()[0] for row in below(text, "return weights @ value")[2:]] == tokens


def test_the_largest_logits_have_their_tokens(on_text: TextRun):
    run = on_text(13)
    rows = below(printed(run), "return self.lm_head")
    start = rows.index("the largest in each row, and their tokens")
    (line,) = [line for line in run.lines if line.file == run.file and line.text.startswith("return self.lm_head")]
    assert run.on_text is not None
    names, logits = run.on_text.labels["vocab_size"], line.values[0].array[0]
    for row, token, numbers in zip(rows[start + 1 :], run.on_text.labels["seq_len"], logits, strict=False):
        label, *told = row.split()
        best = np.argsort(-numbers)[:3]
        assert label == token and told[::2] == [names[id_] for id_ in best]
        np.testing.assert_allclose([float(number) for number in told[1::2]], numbers[best], atol=1e-3)


def test_a_terminal_without_unicode_gets_other_signs(on_text: TextRun):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    LinePrinter(Console(file=out, width=80)).lines(on_text(8), deep=False)
    out.seek(0)
    text = out.read()
    assert 'on "To be, or not to be"' in text and "_not" in text and "?" not in text


def test_the_first_wrong_line_is_marked_in_words(changed: Run):
    text = printed(changed(8, "/ math.sqrt(head_dim)", "/ head_dim"))
    assert below(text, "scores = ")[-1] == "✗ the first wrong line"
    assert text.count("✗") == 1
    assert re.search(r"Line \d+ is the first whose result", text)


def test_a_line_that_fails_is_marked_in_words(changed: Run):
    text = printed(changed(8, "return weights @ value", "return value @ weights"))
    assert below(text, "return value @ weights")[-1].startswith("✗ it failed here: ")
    assert "weights  (batch=1, 1, seq_len=4, seq_len=4)" in text


def test_no_row_of_numbers_is_wider_than_the_terminal(solution: Run, on_text: TextRun):
    for run in (
        *map(solution, (3, 8, 9, 13, 16)),
        *map(on_text, (3, 8, 13, 16, 18)),
        on_text(8, "incomprehensible " * 9),
    ):
        for width in (80, 120):
            for row in printed(run, width=width).splitlines():
                bar = row.partition("│")[2]
                # The terminal wraps headings with long names.
                assert not bar or len(row) <= width or "(" in bar or "calls" in bar, row


def test_colours_are_of_the_16_and_tell_nothing_alone(solution: Run):
    coloured = printed(solution(8, case=1), force_terminal=True)
    codes = {code for found in re.findall(r"\x1b\[([\d;]+)m", coloured) for code in found.split(";")}
    assert codes <= {"0", "1", "2", "31", "32", "33", "34", "36"}, codes
    plain = printed(solution(8, case=1), no_color=True)
    words = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert words.replace("; blue is negative", "").split() == plain.split()


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ([0.0, -1.5, 2.0], ["0", "-1.5000", "2.0000"]),
        ([123.456, 0.01], ["123.46", "0.01"]),
        ([1e-5, 2e-6], ["1.000e-05", "2.000e-06"]),
        ([3e7, 1.0], ["3.000e+07", "1.000e+00"]),
        ([np.nan, -np.inf, np.inf], ["nan", "-inf", "inf"]),
        ([True, False], ["True", "False"]),
        ([3, -4], ["3", "-4"]),
    ],
)
def test_numbers_of_one_table_are_written_alike(numbers: list[float], shown: list[str]):
    array = np.array(numbers)
    assert [number_format(array)(number) for number in array] == shown


@pytest.mark.parametrize("step", ["00", "01", "14", "15"])
def test_plain_python_has_nothing_to_show(filled: Workspace, tutor: Tool, step: str):
    result = tutor(filled, "show", step)
    assert result.returncode == 0
    assert result.stdout.strip() == f"Step {step} is plain Python: there is no graph to show line by line."


def test_the_command(skeletons: Workspace, tutor: Tool):
    shown = tutor(skeletons, "show", "08", "--solutions")
    assert shown.returncode == 0 and shown.stdout.startswith("Step 08, line by line"), shown.stderr
    unfilled = tutor(skeletons, "show", "08")
    assert unfilled.returncode == 1 and "not filled in yet" in unfilled.stdout
    assert "def scaled_dot_product_attention" in unfilled.stdout and not unfilled.stderr
    refused = tutor(skeletons, "show", "08", "--case", "9")
    assert refused.returncode == 1 and "there is no case 9" in refused.stderr and "large logits" in refused.stderr
