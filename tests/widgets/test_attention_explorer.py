"""The attention explorer: its numbers are NumPy's, and it works by mouse, keys and touch."""

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.support.browser import open_page
from tests.support.widget_controls import expect_row, expect_told, shows, token, values
from tests.support.widget_numbers import softmax
from tests.support.widget_pages import (
    DATA,
    HEAD_DIM,
    N_HEAD,
    N_LAYER,
    TOKENS,
    embedding,
    write_page,
)


def stages(layer: int, head: int) -> list[np.ndarray]:
    """The matrices of the five steps, by NumPy."""
    data = DATA["attention.js"][1]["layers"][layer]
    query, key, value = (np.array(data[name][head]) for name in ("query", "key", "value"))
    scores = query @ key.T
    scaled = scores / math.sqrt(HEAD_DIM)
    masked = np.where(np.tri(len(TOKENS), dtype=bool), scaled, -np.inf)
    weights = softmax(masked)
    return [scores, scaled, masked, weights, weights @ value]


def shown_weights(widget: Locator) -> list[float]:
    return widget.locator(".token-button").evaluate_all("buttons => buttons.map(b => Number(b.dataset.weight))")


@shows("attention-explorer")
def test_the_explorer_shows_the_numbers_of_every_step(widget: Locator):
    for layer, head in itertools.product(range(N_LAYER), range(N_HEAD)):
        widget.get_by_label("Layer", exact=True).select_option(str(layer))
        widget.get_by_label("Head", exact=True).select_option(str(head))
        for step, expected in enumerate(stages(layer, head), 1):
            widget.locator(f"input[value='{step}']").check()
            np.testing.assert_allclose(values(widget.locator("table")), expected, rtol=1e-9, atol=1e-12)


@shows("attention-explorer")
def test_the_explorer_rounds_what_it_shows_and_heads_rows_and_columns(widget: Locator):
    widget.get_by_label("3 mask").check()
    expected = stages(0, 0)[2]
    cell = widget.locator("tbody tr").nth(4).locator("td")
    assert cell.nth(1).inner_text() == f"{expected[4, 1]:.2f}".replace("-", "−")
    assert cell.nth(5).inner_text() == "−∞"
    assert widget.locator("thead th").all_inner_texts()[7].split() == ["7", "␣my"]
    assert widget.locator("tbody th").all_inner_texts()[2].split() == ["2", "⏎"]
    assert widget.locator("thead th[scope=col]").count() == widget.locator("tbody th[scope=row]").count() == len(TOKENS)


@shows("attention-explorer")
def test_a_token_under_the_mouse_is_shown_until_the_mouse_leaves(widget: Locator):
    weights = stages(0, 0)[3]
    token(widget, 3).click()
    token(widget, 5).hover()
    expect_row(widget, 5)
    np.testing.assert_allclose(shown_weights(widget), weights[5], rtol=1e-9)
    widget.locator("legend").hover()
    expect_row(widget, 3)
    np.testing.assert_allclose(shown_weights(widget), weights[3], rtol=1e-9)
    expect_told(widget, re.compile(r"^Token 3 \(Good\) attends most to: "))
    assert [text.split()[-1] for text in widget.locator(".token-button").all_inner_texts()] == [
        f"{weight:.3f}" if index <= 3 else "later" for index, weight in enumerate(weights[3])
    ]


@shows("attention-explorer")
def test_a_mouse_that_rests_on_a_token_leaves_the_keys_free(widget: Locator):
    token(widget, 3).click()
    widget.page.keyboard.press("ArrowRight")
    expect_row(widget, 4)


@shows("attention-explorer")
def test_a_row_of_the_table_can_be_clicked(widget: Locator):
    widget.locator("tbody tr").nth(2).locator("td").first.click()
    expect_row(widget, 2)


@shows("attention-explorer")
def test_the_explorer_works_by_keys_alone(widget: Locator):
    keyboard = widget.page.keyboard
    weights = stages(1, 0)[3]
    keyboard.press("Tab")
    expect(widget.get_by_label("Layer")).to_be_focused()
    keyboard.press("ArrowDown")
    keyboard.press("Tab")
    keyboard.press("Tab")  # past the heads; the row of tokens is one stop
    expect(token(widget, 6)).to_be_focused()
    keyboard.press("ArrowRight")
    expect_row(widget, 7)
    np.testing.assert_allclose(shown_weights(widget), weights[7], rtol=1e-9)
    keyboard.press("Home")
    keyboard.press("ArrowLeft")
    expect_row(widget, 0)
    expect_told(widget, "Token 0 (JULIET) attends to: 0 (JULIET) 1.000.")
    keyboard.press("End")
    keyboard.press("ArrowRight")
    expect_row(widget, 8)
    expect(widget.locator(".token-button[tabindex='0']")).to_have_count(1)
    keyboard.press("Tab")
    expect(widget.get_by_label("1 scores")).to_be_focused()
    keyboard.press("ArrowRight")
    expect(widget.get_by_label("2 scale")).to_be_checked()
    keyboard.press("Tab")
    keyboard.press("Tab")
    expect(widget.get_by_role("button", name="Next step")).to_be_focused()
    for _ in range(5):
        keyboard.press("Enter")
    expect(widget.get_by_label("5 blend")).to_be_checked()
    expect(widget.get_by_role("button", name="Next step")).to_have_attribute("aria-disabled", "true")
    expect(widget.get_by_role("button", name="Next step")).to_be_focused()
    expect_told(widget, re.compile(r"^The output of query 8 \(␣lord\) is "))
    keyboard.press("Tab")
    expect(widget.locator(".scroller")).to_be_focused()


@shows("attention-explorer")
def test_the_sentence_of_each_step_holds_the_numbers_of_the_row(widget: Locator):
    scores, scaled, masked, weights, output = stages(0, 0)
    value = np.array(DATA["attention.js"][1]["layers"][0]["value"][0])
    sentence = widget.locator(".sentence")
    token(widget, 4).click()

    def minus(number: float, digits: int) -> str:
        return f"{number:.{digits}f}".replace("-", "−")

    best = int(scores[4].argmax())
    visible = int(masked[4].argmax())
    total = np.exp(masked[4]).sum()
    names = ["JULIET", ":", "⏎", "Good", "␣m", "orrow", ",", "␣my", "␣lord"]
    key = f"{best} ({names[best]})"
    expect(sentence).to_have_text(
        "Query 4 (␣m) meets every key. A score is the sum of 4 products, one for each dimension. "
        f"The largest is {minus(scores[4, best], 2)}, with key {key}."
    )
    weight = f"{weights[4, visible]:.3f}"
    steps = [
        "head_dim is 4, so each score is divided by √4 = 2.000. "
        f"With key {key}, {minus(scores[4, best], 2)} becomes {minus(scaled[4, best], 2)}.",
        "Query 4 (␣m) may see keys 0 to 4. The scores of the 4 later keys become −∞.",
        f"Each score s becomes exp(s), divided by the sum of the row, {total:.4g}. "
        f"For key {visible} ({names[visible]}): exp({minus(masked[4, visible], 4)}) / {total:.4g} = {weight}. "
        "The weights sum to 1; exp(−∞) is 0.",
        f"The output of query 4 (␣m) is {weight} × value {visible} + …: values 0 to 4, each times its weight. "
        f"Its first number is {weight} × {minus(value[visible, 0], 3)} + … = {minus(output[4, 0], 3)}.",
    ]
    for text in steps:
        widget.get_by_role("button", name="Next step").click()
        expect(sentence).to_have_text(text)
        expect_told(widget, text)
    bars = widget.locator(".bars li").evaluate_all("items => items.map(item => Number(item.dataset.value))")
    np.testing.assert_allclose(bars, output[4], rtol=1e-9)
    widget.get_by_role("button", name="Previous step").click()
    expect(widget.locator(".bars")).to_be_hidden()


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (0, "Query 0 (JULIET) may see key 0 alone. The scores of the 8 later keys become −∞."),
        (7, "Query 7 (␣my) may see keys 0 to 7. The score of the one later key becomes −∞."),
        (8, "Query 8 (␣lord) is the last. No key is later, so its row stays as it is."),
    ],
)
@shows("attention-explorer")
def test_the_first_and_the_last_rows_of_the_mask_read_well(widget: Locator, index: int, text: str):
    widget.get_by_label("3 mask").check()
    token(widget, index).click()
    expect(widget.locator(".sentence")).to_have_text(text)


def test_the_explorer_works_by_touch(browser: Browser, tmp_path: Path):
    with open_page(browser, write_page(tmp_path, embedding("attention-explorer")), width=360, touch=True) as page:
        widget = page.locator("attention-explorer")
        token(widget, 2).tap()
        expect_row(widget, 2)
        widget.get_by_text("4 softmax").tap()
        expect_told(widget, re.compile(r"^Each score s becomes exp"))
        token(widget, 5).tap()
        expect_row(widget, 5)
