"""The sampling playground: it draws from what step 14 draws from, and works by mouse and keys."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.support.browser import open_page
from tests.support.widget_controls import expect_told, set_sampling, shows
from tests.support.widget_numbers import distribution
from tests.support.widget_pages import (
    SAMPLING,
    VOCAB_SIZE,
    embedding,
    write_page,
)

# As for the masks: many settings in one go.
MANY_DISTRIBUTIONS = """(widget, cases) => cases.map(([prompt, temperature, topK, topP]) => {
    const find = (selector) => widget.querySelector(selector);
    const set = (control, property, value, event) => {
        control[property] = value;
        control.dispatchEvent(new Event(event, {bubbles: true}));
    };
    set(find("select"), "value", prompt, "change");
    set(find("input[aria-label^=temperature]"), "value", temperature, "input");
    set(find("input[type=checkbox]"), "checked", topK !== null, "change");
    set(find("input[aria-label=k]"), "value", topK ?? 1, "input");
    set(find("input[aria-label^=top-p]"), "value", topP ?? 1, "input");
    const rows = [...widget.querySelectorAll("tbody tr")].map(row => ({...row.dataset}));
    return {rows, others: find("tfoot tr").dataset.probability, ...widget.dataset};
})"""


@shows("sampling-playground")
def test_the_playground_shows_what_choose_token_draws_from(widget: Locator):
    cases = list(itertools.product([0, 1], [0, 0.4, 1, 3], [None, 6, 30], [None, 0.85]))
    for case, shown in zip(cases, widget.evaluate(MANY_DISTRIBUTIONS, cases), strict=True):
        prompt, temperature, top_k, top_p = case
        logits = np.array(SAMPLING["prompts"][prompt]["logits"], dtype=np.float32)
        expected = distribution(logits, temperature=temperature, top_k=top_k, top_p=top_p)
        ids = [int(row["tokenId"]) for row in shown["rows"]]
        assert ids == np.argsort(-logits, kind="stable")[:15].tolist()
        probabilities = [float(row["probability"]) for row in shown["rows"]]
        np.testing.assert_allclose(probabilities, expected[ids], rtol=1e-11, err_msg=str(case))
        assert ["removed" not in row for row in shown["rows"]] == [p > 0 for p in probabilities], case
        assert float(shown["others"]) == pytest.approx(1 - sum(probabilities), abs=1e-12)
        p = expected[expected > 0]
        assert int(shown["left"]) == len(p), case
        assert float(shown["entropy"]) == pytest.approx(-(p * np.log(p)).sum(), abs=1e-12)


@shows("sampling-playground")
def test_the_playground_says_what_is_left_in_words(widget: Locator):
    set_sampling(widget, temperature=1, top_k=3, top_p=None)
    logits = np.array(SAMPLING["prompts"][0]["logits"], dtype=np.float32)
    p = distribution(logits, temperature=1, top_k=3, top_p=None)
    kept = p[p > 0]
    best = SAMPLING["tokens"][int(p.argmax())]
    told = (
        f"3 of 40 tokens are left; the best is {best} with {100 * p.max():.2f}%. "
        f"Entropy {-(kept * np.log(kept)).sum():.2f} nats."
    )
    expect(widget.locator(".sentence")).to_have_text(told)
    expect_told(widget, told)
    cells = widget.locator("tbody td.number").all_inner_texts()
    assert cells == [f"{100 * number:.2f}%" for number in np.sort(kept)[::-1]] + ["cut: top-k"] * 12
    set_sampling(widget, temperature=0, top_k=3, top_p=None)
    expect(widget.locator(".sentence")).to_have_text(re.compile(rf"^Temperature 0 is greedy: always {best},"))


@shows("sampling-playground")
def test_draws_repeat_with_the_seed_and_begin_anew_with_other_settings(widget: Locator):
    set_sampling(widget, temperature=1, top_k=5, top_p=None)
    draw = widget.get_by_role("button", name="Draw", exact=True)
    draws = widget.locator(".draws li")

    def ids() -> list[int]:
        return draws.evaluate_all("items => items.map(item => Number(item.dataset.tokenId))")

    draw.click()
    expect_told(widget, f"Drew {draws.first.inner_text()}.")
    for _ in range(22):
        draw.click()
    expect(draws).to_have_count(20)
    expect(widget.get_by_text("23 drawn, the last 20 are:")).to_be_visible()
    first = ids()
    logits = np.array(SAMPLING["prompts"][0]["logits"], dtype=np.float32)
    possible = np.flatnonzero(distribution(logits, temperature=1, top_k=5, top_p=None))
    assert set(first) <= set(possible) and len(set(first)) > 1

    widget.get_by_role("button", name="Start again").click()
    expect(draws).to_have_count(0)
    for _ in range(23):
        draw.click()
    assert ids() == first
    widget.get_by_label("seed").fill("5")
    expect(draws).to_have_count(0)
    widget.get_by_role("button", name="Draw 20").click()
    expect_told(widget, f"Drew 20 tokens, the last {draws.last.inner_text()}.")
    other = ids()
    widget.get_by_label("temperature, exactly").fill("0")
    widget.get_by_role("button", name="Draw 20").click()
    assert ids() == [int(logits.argmax())] * 20
    set_sampling(widget, temperature=1, top_k=5, top_p=None)
    widget.get_by_role("button", name="Draw 20").click()
    assert ids() == other


@shows("sampling-playground")
def test_the_playground_works_by_keys_alone(widget: Locator):
    keyboard = widget.page.keyboard
    keyboard.press("Tab")
    keyboard.press("ArrowDown")
    expect(widget.get_by_label("Prompt")).to_have_value("1")
    keyboard.press("Tab")
    expect(widget.get_by_label("temperature", exact=True)).to_be_focused()
    keyboard.press("ArrowLeft")
    expect(widget.get_by_label("temperature, exactly")).to_have_value("0.95")
    keyboard.press("Home")
    expect(widget.locator(".sentence")).to_have_text(re.compile("^Temperature 0 is greedy"))
    keyboard.press("Tab")
    keyboard.press("Control+a")
    keyboard.type("0.5")
    expect(widget.get_by_label("temperature", exact=True)).to_have_value("0.5")
    keyboard.press("Tab")
    keyboard.press("Space")
    expect(widget).to_have_attribute("data-left", "10")
    keyboard.press("Tab")
    keyboard.press("ArrowUp")
    expect(widget).to_have_attribute("data-left", "11")
    keyboard.press("Tab")
    expect(widget.get_by_label("top-p", exact=True)).to_be_focused()
    keyboard.press("Home")
    expect(widget).to_have_attribute("data-left", "1")
    expect_told(widget, re.compile(r"^1 of 40 tokens is left; .* with 100\.00%\. Entropy 0\.00 nats\.$"))
    keyboard.press("Tab")
    keyboard.press("Tab")
    expect(widget.locator(".scroller")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    keyboard.press("Space")
    expect(widget.locator(".draws li")).to_have_count(2)


@pytest.mark.parametrize(
    ("label", "entry", "corrected"),
    [
        ("temperature, exactly", "7", "3"),
        ("temperature, exactly", "", "1"),
        ("temperature, exactly", "-1", "0"),
        ("top-p, exactly", "0", "0.01"),
        ("k", "0", "1"),
        ("k", "2.5", "3"),
        ("k", "99", "40"),
        ("seed", "-3", "0"),
    ],
)
@shows("sampling-playground")
def test_an_entry_out_of_range_is_marked_and_then_corrected(widget: Locator, label: str, entry: str, corrected: str):
    widget.get_by_label("top-k").check()
    before = [widget.get_attribute("data-left"), widget.get_attribute("data-entropy")]
    field = widget.get_by_label(label, exact=True)
    field.fill(entry)
    expect(field).to_have_attribute("aria-invalid", "true")
    assert [widget.get_attribute("data-left"), widget.get_attribute("data-entropy")] == before
    field.press("Tab")
    expect(field).to_have_value(corrected)
    expect(field).to_have_attribute("aria-invalid", "false")


def test_the_playground_begins_with_a_prompt_that_leaves_a_choice(browser: Browser, tmp_path: Path):
    url = write_page(tmp_path, embedding("sampling-playground"))
    sure = {"text": "sure", "logits": [20.0, *[0.0] * (VOCAB_SIZE - 1)]}
    data = {"tokens": SAMPLING["tokens"], "prompts": [sure, *SAMPLING["prompts"]]}
    (tmp_path / "data/sampling.js").write_text(f"window.courseData = {{sampling: {json.dumps(data)}}};")
    with open_page(browser, url) as page:
        expect(page.get_by_label("Prompt")).to_have_value("1")
