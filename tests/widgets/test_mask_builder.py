"""The mask builder: its masks are NumPy's, its verdicts true, and it works by mouse and keys."""

import itertools
import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.support.widget_controls import expect_told, shows, values
from tests.support.widget_numbers import band_part


def setting(widget: Locator, **settings: str) -> None:
    """Chooses settings of the mask by their labels."""
    for name, value in settings.items():
        widget.get_by_label(name).select_option(value)


def call(widget: Locator) -> str:
    return widget.locator(".call").inner_text()


CAUSAL = "This is the causal mask of step 02: every query sees its own position and all before it."


@pytest.mark.parametrize(
    ("preset", "arguments", "sizes", "row", "verdict"),
    [
        (
            "causal, no cache",
            "num_lower=None, num_upper=0",
            (5, 0),
            "Query 2 is at position 2. It may see keys 0 to 2, and not keys 3 and 4.",
            CAUSAL,
        ),
        (
            "causal with a cache",
            "num_lower=None, num_upper=3",
            (4, 3),
            "Query 1 is at position 4. It may see keys 0 to 4, and not keys 5 and 6.",
            CAUSAL,
        ),
        (
            "the trap",
            "num_lower=None, num_upper=0",
            (4, 3),
            "Query 1 is at position 4. It may see keys 0 and 1, and not keys 2 to 6.",
            "This is not the causal mask of step 02. The past is hidden: queries 0 to 3 do not see all keys up to "
            "their own position. num_upper is 0 and num_tokens is 3: the diagonal has to move right by 3.",
        ),
        (
            "sliding window",
            "num_lower=2, num_upper=0",
            (6, 0),
            "Query 4 is at position 4. It may see keys 2 to 4, and not keys 0, 1 and 5.",
            "This is a sliding window: every query sees its own position and at most 2 before it.",
        ),
    ],
)
@shows("mask-builder")
def test_the_presets_of_the_mask(
    widget: Locator, preset: str, arguments: str, sizes: tuple[int, int], row: str, verdict: str
):
    button = widget.get_by_role("button", name=preset)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(widget.locator("[aria-pressed=true]")).to_have_count(1)
    assert call(widget) == f"F.band_part(mask, {arguments}, exclude=True)"
    limits = [None if text == "None" else int(text) for text in re.findall(r"=(\w+)", arguments)]
    sequence_length, num_tokens = sizes
    expected = band_part(sequence_length, sum(sizes), *limits, True, -np.inf)
    np.testing.assert_array_equal(values(widget.locator("table")), expected)
    assert widget.locator("thead th.cached[scope=col]").count() == num_tokens
    expect(widget.locator(".sentence")).to_have_text(row)
    expect(widget.locator(".verdict")).to_have_text(verdict)
    expect_told(widget, f"{verdict} {row}")


# Makes many settings in one go, as a reader would, one control after the other, and tells what is shown then.
MANY_MASKS = """(widget, cases) => cases.map(settings => {
    const controls = widget.querySelectorAll(".fields select, .fields input");
    settings.forEach((setting, index) => {
        controls[index][index === 4 ? "checked" : "value"] = setting;
        controls[index].dispatchEvent(new Event("change", {bubbles: true}));
    });
    const rows = [...widget.querySelectorAll("tbody tr")];
    return {
        mask: rows.map(row => [...row.querySelectorAll("td")].map(cell => Number(cell.dataset.value))),
        call: widget.querySelector(".call").innerText,
        verdict: widget.querySelector(".verdict").innerText,
    };
})"""


@shows("mask-builder")
def test_the_mask_and_its_verdict_for_many_settings(widget: Locator):
    limits = ["None", "0", "1", "2", "5"]
    sizes = [("1", "0"), ("3", "0"), ("4", "2")]
    cases = [
        (length, cached, lower, upper, exclude)
        for (length, cached), lower, upper, exclude in itertools.product(sizes, limits, limits, [True, False])
    ]
    for case, shown in zip(cases, widget.evaluate(MANY_MASKS, cases), strict=True):
        length, cached, lower, upper, exclude = case
        rows, num_tokens = int(length), int(cached)
        columns = rows + num_tokens
        num_lower, num_upper = (None if limit == "None" else int(limit) for limit in (lower, upper))
        expected = band_part(rows, columns, num_lower, num_upper, exclude, -np.inf)
        np.testing.assert_array_equal(shown["mask"], expected, err_msg=str(case))
        assert shown["call"] == f"F.band_part(mask, {num_lower=}, {num_upper=}, {exclude=})"

        i, j = np.indices(expected.shape)
        causal = np.where(j <= num_tokens + i, 0.0, -np.inf)
        verdict = shown["verdict"]
        assert verdict.startswith(CAUSAL) == np.array_equal(expected, causal), case
        assert ("nothing: a row of −∞ alone becomes NaN" in verdict) == np.isinf(expected).all(axis=1).any(), case
        if verdict.startswith("This is a sliding window"):
            most = int(re.search(r"at most (\d+) before", verdict)[1])
            np.testing.assert_array_equal(expected == 0, (causal == 0) & (j >= num_tokens + i - most), str(case))
        elif not verdict.startswith(CAUSAL):
            assert ("The future shows" in verdict) == ((expected == 0) & (causal != 0)).any(), case
            assert ("The past is hidden" in verdict) == ((expected != 0) & (causal == 0)).any(), case
        assert ("MAX refuses num_lower" in verdict) == (num_lower is not None and num_lower >= rows), case
        assert ("MAX refuses num_upper" in verdict) == (num_upper is not None and num_upper >= columns), case


@pytest.mark.parametrize(("num_lower", "num_upper"), [(4, 0), (0, 6), (3, 5)])
def test_max_refuses_the_limits_that_the_picture_says_it_refuses(num_lower: int, num_upper: int):
    from max.dtype import DType
    from max.graph import DeviceRef, Graph, TensorType, ops

    rows, columns = 4, 6
    too_large = next((n for n, size in ((num_lower, rows), (num_upper, columns)) if n >= size), None)
    with Graph("mask", input_types=[TensorType(DType.float32, [rows, columns], DeviceRef.CPU())]) as graph:
        if too_large is None:
            ops.band_part(graph.inputs[0].tensor, num_lower=num_lower, num_upper=num_upper, exclude=True)
        else:
            with pytest.raises(ValueError, match=rf"={too_large} is out of bounds"):
                ops.band_part(graph.inputs[0].tensor, num_lower=num_lower, num_upper=num_upper, exclude=True)


@shows("mask-builder")
def test_a_query_that_sees_nothing_is_told(widget: Locator):
    setting(widget, num_lower="0", num_upper="1")
    widget.get_by_label("exclude").uncheck()
    setting(widget, num_upper="None", num_lower="None")
    row = "Query 2 is at position 2. It may see no key at all."
    expect(widget.locator(".sentence")).to_have_text(row)
    blind = "Queries 0 to 4 see nothing: a row of −∞ alone becomes NaN in the softmax."
    expect_told(widget, re.compile(f"{blind} {row}$"))


@shows("mask-builder")
def test_a_shorter_sequence_takes_the_chosen_row_with_it(widget: Locator):
    widget.get_by_label("4 at 4").check()
    setting(widget, sequence_length="2")
    expect(widget.locator(".sentence")).to_have_text(
        "Query 1 is at position 1. It may see keys 0 and 1, all there are."
    )


@shows("mask-builder")
def test_the_mask_works_by_keys_alone(widget: Locator):
    keyboard = widget.page.keyboard
    for _ in range(3):
        keyboard.press("Tab")
    keyboard.press("Enter")
    expect(widget.get_by_role("button", name="the trap")).to_be_focused()
    assert call(widget) == "F.band_part(mask, num_lower=None, num_upper=0, exclude=True)"
    for _ in range(5):
        keyboard.press("Tab")
    expect(widget.get_by_label("num_upper")).to_be_focused()
    for _ in range(3):
        keyboard.press("ArrowDown")
    assert call(widget) == "F.band_part(mask, num_lower=None, num_upper=3, exclude=True)"
    expect(widget.locator(".verdict")).to_have_text(CAUSAL)
    keyboard.press("Tab")
    keyboard.press("Space")
    assert call(widget).endswith("exclude=False)")
    keyboard.press("Space")
    keyboard.press("Tab")
    expect(widget.locator(".scroller")).to_be_focused()
    keyboard.press("Tab")
    expect(widget.get_by_label("1 at 4")).to_be_focused()
    keyboard.press("ArrowDown")
    expect(widget.get_by_label("2 at 5")).to_be_focused()
    expect(widget.get_by_label("2 at 5")).to_be_checked()
    expect_told(widget, "Query 2 is at position 5. It may see keys 0 to 5, and not key 6.")


@shows("mask-builder")
def test_a_row_of_the_mask_can_be_clicked(widget: Locator):
    widget.locator("tbody tr").nth(3).locator("td").last.click()
    expect(widget.get_by_label("3 at 3")).to_be_checked()
    widget.get_by_text("0 at 0").click()
    expect(widget.locator("tr[aria-current=true]")).to_have_attribute("data-query", "0")
