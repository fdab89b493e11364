"""Fixtures of the interactive pictures: pages that hold their functions, each of them, and a book of all."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.support.browser import open_page
from tests.support.widget_pages import BOOK, WIDGETS, embedding, write_page, write_parts


@pytest.fixture(scope="module")
def functions(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page on which `course` has the functions."""
    url = write_page(tmp_path_factory.mktemp("functions"), '<script src="widgets/shared.js"></script>')
    with open_page(browser, url) as page:
        yield page


@pytest.fixture(scope="session")
def pages(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Page]]:
    """A page for each picture. To open one takes half a second, to load it again a tenth."""
    with ExitStack() as stack:
        yield {
            tag: stack.enter_context(open_page(browser, write_page(tmp_path_factory.mktemp(tag), embedding(tag))))
            for tag in WIDGETS
        }


@pytest.fixture
def widget(pages: dict[str, Page], request: pytest.FixtureRequest) -> Locator:
    """The picture that the test asks for by `@shows(tag)`, as it is when its page has just been loaded."""
    page = pages[request.param]
    page.reload()
    return page.locator(request.param)


@pytest.fixture(scope="module")
def small_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book by mdBook with one chapter a picture, as web pages."""
    beside_python = Path(sys.executable).with_name("mdbook")
    program = str(beside_python) if beside_python.exists() else shutil.which("mdbook")
    if program is None:
        pytest.skip("mdbook is not installed; it comes with the extra `book`")
    root = tmp_path_factory.mktemp("book")
    write_parts(root / "src")
    shutil.copytree(BOOK / "theme", root / "theme")
    (root / "book.toml").write_text(
        '[book]\ntitle = "t"\nsrc = "src"\n[output.html]\nadditional-css = ["theme/widgets.css"]\n'
    )
    (root / "src/SUMMARY.md").write_text("# Summary\n\n" + "".join(f"- [{tag}]({tag}.md)\n" for tag in WIDGETS))
    for tag in WIDGETS:
        # Two of a kind: a reader may meet a picture in two chapters, and the print page holds all chapters.
        text = f"# {tag}\n\nText before.\n\n{embedding(tag)}\nText between.\n\n{embedding(tag)}\nText after.\n"
        (root / f"src/{tag}.md").write_text(text)
    subprocess.run([program, "build", str(root)], check=True, capture_output=True, timeout=60)
    return root / "book"
