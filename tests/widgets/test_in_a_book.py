"""The interactive pictures in a book by mdBook: contrast, narrow pages, keys, print."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import open_page
from tests.support.widget_controls import expect_row, set_sampling, token
from tests.support.widget_pages import WIDGETS

THEMES = ("light", "rust", "coal", "navy", "ayu")
LEAST_CONTRAST = 4.5
LEAST_TARGET = 24
# For each text on the page: its contrast with the colour behind it. A canvas turns every notation into bytes.
CONTRASTS = """() => {
    const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const bytes = (colour) => {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        return context.getImageData(0, 0, 1, 1).data;
    };
    const luminance = (colour) => {
        const [r, g, b] = [...bytes(colour)].slice(0, 3).map((byte) => {
            const part = byte / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        const colour = getComputedStyle(element).backgroundColor;
        return bytes(colour)[3] === 255 ? colour : behind(element.parentElement);
    };
    return [...document.querySelectorAll(".course-widget *")]
        .filter((element) => element.checkVisibility() && !element.matches(".visually-hidden, option"))
        .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
            || element.matches("select, input[type=number]"))
        .map((element) => {
            const light = [getComputedStyle(element).color, behind(element)].map(luminance).sort((a, b) => b - a);
            return [(light[0] + 0.05) / (light[1] + 0.05), element.outerHTML.slice(0, 120)];
        });
}"""


def each_view(page: Page, tag: str) -> Iterator[str]:
    """Brings the first picture of a page into each state that looks different."""
    widget = page.locator(tag).first
    if tag == "attention-explorer":
        for step in range(1, 6):
            widget.locator(f"input[value='{step}']").check()
            yield f"step {step}"
    elif tag == "mask-builder":
        for preset in widget.locator("button").all():
            preset.click()
            yield preset.inner_text()
    else:
        yield "all tokens"
        set_sampling(widget, temperature=1, top_k=10, top_p=0.8)
        widget.get_by_role("button", name="Draw 20").click()
        yield "cut"


@pytest.mark.parametrize("tag", WIDGETS)
def test_all_text_stands_out_in_every_theme(browser: Browser, small_book: Path, tag: str):
    with open_page(browser, (small_book / f"{tag}.html").as_uri(), theme="navy") as page:
        assert "navy" in page.locator("html").get_attribute("class").split()
        backgrounds = set()
        for view in each_view(page, tag):
            for theme in THEMES:
                page.evaluate("theme => { document.documentElement.className = `js ${theme}` }", theme)
                backgrounds.add(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
                contrasts = page.evaluate(CONTRASTS)
                assert len(contrasts) > 20
                assert min(contrasts)[0] >= LEAST_CONTRAST, f"{theme}, {view}: {min(contrasts)}"
        assert len(backgrounds) == len(THEMES)


@pytest.mark.parametrize("tag", WIDGETS)
def test_a_narrow_page_does_not_scroll_sideways_and_fingers_find_the_controls(
    browser: Browser, small_book: Path, tag: str
):
    with open_page(browser, (small_book / f"{tag}.html").as_uri(), width=360, touch=True) as page:
        for view in each_view(page, tag):
            for part in ("document.documentElement", "document.querySelector('.content')"):
                assert page.evaluate(f"{part}.scrollWidth - {part}.clientWidth") <= 0, view
            small = page.locator(".course-widget").evaluate_all(
                """(widgets, least) => widgets.flatMap(widget =>
                    [...widget.querySelectorAll("button, select, input")]
                        .map(control => control.closest("label") ?? control)
                        .filter(target => target.checkVisibility())
                        .filter(target => Math.min(target.offsetWidth, target.offsetHeight) < least)
                        .map(target => target.outerHTML))""",
                LEAST_TARGET,
            )
            assert not small


@pytest.mark.parametrize("tag", WIDGETS)
def test_axe_finds_nothing_to_object_to(browser: Browser, small_book: Path, tag: str):
    from axe_playwright_python.sync_playwright import Axe

    with open_page(browser, (small_book / f"{tag}.html").as_uri()) as page:
        for view in each_view(page, tag):
            # One picture: two of the same name are a matter of the print page, where nobody uses them.
            results = Axe().run(page, context=f"{tag}:nth-of-type(1)", options={"preload": False})
            assert results.violations_count == 0, f"{view}: {results.generate_report()}"


def test_arrow_keys_in_a_picture_do_not_turn_the_page(browser: Browser, small_book: Path):
    with open_page(browser, (small_book / "attention-explorer.html").as_uri()) as page:
        token(page.locator("attention-explorer").first, 3).focus()
        page.keyboard.press("ArrowRight")
        expect_row(page.locator("attention-explorer").first, 4)
        page.locator(".scroller").first.focus()
        page.keyboard.press("ArrowRight")
        assert page.url.endswith("attention-explorer.html")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**/mask-builder.html")


def test_the_print_page_has_all_pictures_and_prints_them_without_controls(browser: Browser, small_book: Path):
    with open_page(browser, (small_book / "print.html").as_uri(), theme="navy") as page:
        # mdBook opens the print dialog; a headless browser has none.
        expect(page.locator(".course-widget")).to_have_count(2 * len(WIDGETS))
        ids = page.locator(".course-widget [id]").evaluate_all("elements => elements.map(element => element.id)")
        assert len(ids) == len(set(ids))
        names = page.locator(".course-widget input[type=radio]").evaluate_all("inputs => inputs.map(i => i.name)")
        assert len(set(names)) == 4, "two explorers and two masks: no radio button belongs to another picture's group"
        page.emulate_media(media="print")
        for table in page.locator(".course-widget table").all():
            expect(table).to_be_visible()
        for control in page.locator(".controls, .course-widget input, .course-widget select").all():
            expect(control).to_be_hidden()
        assert min(page.evaluate(CONTRASTS))[0] >= LEAST_CONTRAST
