"""A browser for the tests, through Playwright, and pages that say what went wrong in them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

# A browser that is installed already; no test downloads one. The switches keep it from calling home.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MS = 10_000

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}

# In the frame that mdBook puts around the pages, and sets again by script.
MDBOOKS_OWN = {("aria-allowed-attr", "#mdbook-sidebar-toggle")}


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """Runs a browser that is installed; skips the test where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser is installed: none of {', '.join(PROGRAMS)}")
    with sync_playwright() as playwright:
        # The environment by hand: MAX changes this process's behind Python's back.
        browser = playwright.chromium.launch(executable_path=program, args=list(SWITCHES), env=dict(os.environ))
        yield browser
        browser.close()


@contextmanager
def open_page(
    browser: Browser, url: str, *, width: int = 1000, theme: str = "light", touch: bool = False
) -> Iterator[Page]:
    """Opens a page and fails, at the end, if it logged an error or could not load something.

    Args:
        browser: the fixture.
        url: a file:// or http:// address.
        width: of the window, in pixels.
        theme: the theme that the reader of an mdBook page has chosen: light, rust, coal, navy or ayu.
        touch: the window is a touch screen, for `page.tap`.

    Yields:
        The page, alone in its browser context.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, has_touch=touch)
    context.set_default_timeout(TIMEOUT_MS)
    context.add_init_script(f"try {{ localStorage.setItem('mdbook-theme', '{theme}'); }} catch (error) {{}}")
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: message.type == "error" and problems.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"exception: {error}"))
    page.on("requestfailed", lambda request: problems.append(f"not loaded: {request.url} ({request.failure})"))
    page.on(
        "response", lambda response: response.status >= 400 and problems.append(f"{response.status}: {response.url}")
    )
    try:
        page.goto(url)
        yield page
        if problems:
            pytest.fail(f"{url}:\n" + "\n".join(problems), pytrace=False)
    finally:
        context.close()


def assert_accessible(page: Page) -> None:
    """A page breaks none of the rules of WCAG 2.1, level AA, that axe can check."""
    violations = Axe().run(page, options=RULES).response["violations"]
    told = [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in violations
        for node in violation["nodes"]
        if (violation["id"], *node["target"]) not in MDBOOKS_OWN
    ]
    assert not told, f"{len(told)} violations\n" + "\n".join(told[:8])
