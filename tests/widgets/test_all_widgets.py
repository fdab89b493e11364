"""What is the same for all interactive pictures."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import open_page
from tests.support.widget_pages import WIDGETS, embedding, write_page


@pytest.mark.parametrize("tag", WIDGETS)
def test_a_picture_replaces_its_fallback_and_has_one_quiet_live_region(browser: Browser, tmp_path: Path, tag: str):
    with open_page(browser, write_page(tmp_path, embedding(tag))) as page:
        expect(page.get_by_text("Fallback text.")).to_have_count(0)
        region = page.locator(f"{tag} [aria-live]")
        expect(region).to_have_count(1)
        expect(region).to_have_text("")
        assert page.get_by_role("group", name=re.compile(tag.replace("-", " "), re.IGNORECASE)).count() == 1


@pytest.mark.parametrize("tag", [tag for tag, (_, data) in WIDGETS.items() if data])
def test_without_its_data_a_picture_leaves_the_fallback(browser: Browser, tmp_path: Path, tag: str):
    with open_page(browser, write_page(tmp_path, embedding(tag, with_data=False))) as page:
        expect(page.get_by_text("Fallback text.")).to_be_visible()
        assert page.locator(f"{tag} > *").count() == 0 and not page.locator(".course-widget").count()


@pytest.mark.parametrize("tag", WIDGETS)
def test_moving_a_picture_keeps_it_and_a_second_load_of_the_scripts_does_no_harm(
    browser: Browser, tmp_path: Path, tag: str
):
    with open_page(browser, write_page(tmp_path, embedding(tag) * 2)) as page:
        expect(page.locator(".course-widget")).to_have_count(2)
        page.locator("[aria-live]").last.evaluate("region => { region.textContent = 'kept' }")
        page.evaluate("tag => document.body.prepend(document.querySelectorAll(tag)[1])", tag)
        expect(page.locator("[aria-live]").first).to_have_text("kept")
        expect(page.locator("[aria-live]")).to_have_count(2)
        ids = page.locator("[id]").evaluate_all("elements => elements.map(element => element.id)")
        assert ids and len(ids) == len(set(ids))
