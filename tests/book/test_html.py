"""The built pages: links, ids, and nothing from the network."""

import re
from pathlib import Path

from bs4 import BeautifulSoup


def test_every_internal_link_and_anchor_resolves(html: Path):
    pages = {file: BeautifulSoup(file.read_text(), "html.parser") for file in html.glob("*.html")}
    ids = {file: {tag["id"] for tag in page.find_all(id=True)} for file, page in pages.items()}
    checked = 0
    for file, page in pages.items():
        if file.name == "404.html":
            continue  # its links start at the site's root
        for tag in page.find_all(["a", "img", "script", "link"]):
            target = tag.get("href") or tag.get("src") or ""
            if re.match(r"\w+:", target) or not target:
                continue
            path, _, anchor = target.partition("#")
            there = (file.parent / path).resolve() if path else file
            assert there.exists(), f"{file.name}: {target}"
            if anchor and there.suffix == ".html":
                assert anchor in ids[there], f"{file.name}: {target}"
            checked += 1
    assert checked > 500


def test_nothing_is_loaded_from_the_network(html: Path):
    for file in html.glob("*.html"):
        page = BeautifulSoup(file.read_text(), "html.parser")
        for tag in page.find_all(["img", "script", "link", "iframe", "source", "video", "object"]):
            assert not re.match(r"(\w+:)?//", tag.get("src") or tag.get("href") or ""), f"{file.name}: {tag}"
    for file in [*html.rglob("*.css"), *html.rglob("*.js")]:
        assert not re.search(r"(url\(|@import\s+)['\"]?(https?:)?//", file.read_text(errors="replace")), file


def test_ids_are_unique_within_a_page(html: Path):
    for file in html.glob("step_*.html"):
        ids = [tag["id"] for tag in BeautifulSoup(file.read_text(), "html.parser").find_all(id=True)]
        assert len(ids) == len(set(ids)), {name for name in ids if ids.count(name) > 1}
