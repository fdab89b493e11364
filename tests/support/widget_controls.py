"""The interactive pictures as a test uses them: which one, its controls, its numbers, what a screen reader is told."""

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect


def shows(tag: str) -> pytest.MarkDecorator:
    """For tests of one picture: what the fixture `widget` is."""
    return pytest.mark.parametrize("widget", [tag], indirect=True, ids=[tag])


def values(table: Locator, rows: str = "tbody tr") -> np.ndarray:
    """The numbers of a table, unrounded."""
    code = "rows => rows.map(row => [...row.querySelectorAll('td[data-value]')].map(cell => cell.dataset.value))"
    return np.array([[float(value) for value in row] for row in table.locator(rows).evaluate_all(code)])


def expect_told(widget: Locator, text: str | re.Pattern[str]) -> None:
    """What a screen reader is told in the end."""
    expect(widget.locator("[aria-live=polite]")).to_have_text(text)


def token(widget: Locator, index: int) -> Locator:
    """The button of a token in the attention explorer."""
    return widget.locator(".token-button").nth(index)


def expect_row(widget: Locator, index: int) -> None:
    """One row is marked, and the buttons show the weights of its token."""
    expect(widget.locator("tr[aria-current=true]")).to_have_attribute("data-token", str(index))
    expect(widget.locator(".token-button[aria-pressed=true]")).to_have_count(1)
    expect(token(widget, index)).to_have_attribute("aria-pressed", "true")


def set_sampling(
    widget: Locator, *, prompt: int = 0, temperature: float, top_k: int | None, top_p: float | None
) -> None:
    """Chooses the settings of the sampling playground."""
    widget.get_by_label("Prompt").select_option(str(prompt))
    widget.get_by_label("temperature, exactly").fill(str(temperature))
    widget.get_by_label("top-k").set_checked(top_k is not None)
    if top_k is not None:
        widget.get_by_label("k", exact=True).fill(str(top_k))
    widget.get_by_label("top-p, exactly").fill(str(top_p or 1))
