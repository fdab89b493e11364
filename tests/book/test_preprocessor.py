"""The preprocessor: formulas, directives, and chapters that do not build."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from book.api import api_url
from book.paths import SOURCE
from book.preprocessor import BookError, fill_in
from tests.support.repository import ENVIRONMENT
from tutor.checking.phrasebook import KEYWORDS, PAIRS
from tutor.course import COURSE
from tutor.learner.workspace import REPOSITORY


def test_formulas_become_mathml_and_code_stays():
    text = fill_in("A $a_1$ and `$b$` and\n```sh\n$ make\n```\n$$\\frac{a}{b}$$", "glossary.md")
    assert text.count("<math") == 2 and "`$b$`" in text and "$ make" in text and "_" not in text.split("`")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{number:nothing}}", "no number nothing"),
        ("{{figure:nothing Caption}}", "no figure nothing.svg"),
        ("{{api:F.nothing}}", "MAX has no F.nothing"),
        ("{{api:G.gelu}}", "does not say where G"),
        ("{{tasks}}", "only the chapter of a step has tasks"),
        ("{{left}}", "only the chapter of a step has steps after it"),
    ],
)
def test_what_is_not_there_is_an_error_that_names_it(text: str, message: str):
    with pytest.raises(BookError, match=message):
        fill_in(text, "glossary.md")


def test_how_many_steps_are_left_comes_from_the_course():
    labels = [step.label for step in COURSE]
    assert fill_in("{{left}} So", f"step_{labels[-1]}.md") == "This was the last step. So"
    assert fill_in("{{left}}", f"step_{labels[-2]}.md") == "One step is left."
    assert fill_in("{{left}}", f"step_{labels[-3]}.md") == "Two steps are left."
    assert fill_in("{{left}}", f"step_{labels[0]}.md") == f"{len(COURSE) - 1} steps are left."


def test_no_chapter_counts_the_steps_that_are_left_by_hand():
    counted = re.compile(
        r"\b(?:last step|steps? (?:is|are|remain|to go) left|steps? (?:remain|to go))\b", re.IGNORECASE
    )
    for step in COURSE:
        assert not counted.search((SOURCE / f"step_{step.label}.md").read_text()), step


def test_the_phrasebook_is_shown_whole():
    """Every pair and every keyword, in tables that Markdown reads, and with all of them linked from where they help."""
    text = fill_in((SOURCE / "from_pytorch.md").read_text(), "from_pytorch.md")
    for pair in PAIRS:
        assert f"| `{pair.theirs}` | `{pair.ours}` | {pair.note} |" in text
    for keyword in KEYWORDS:
        assert f"| `{keyword.theirs}=` |" in text
    assert "{{" not in text
    for page in ("introduction.md", "step_02.md", "SUMMARY.md"):
        assert "(from_pytorch.md)" in (SOURCE / page).read_text()


def test_operations_are_linked_to_the_page_of_their_module():
    assert api_url("F.softmax").endswith("/experimental.functional/")
    assert api_url("Tensor.reshape").endswith("/experimental.tensor/")


def test_a_broken_chapter_does_not_build(tmp_path: Path):
    """A directive that fails and an include that is not there are errors, not holes in a page."""
    for broken in ("{{number:nothing}}", "{{#include ../nowhere.txt}}"):
        copy = tmp_path / str(len(broken))
        for name in ("book", "tutor", "steps", "solutions"):
            shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("build", "__pycache__"))
        (copy / "book/src/glossary.md").write_text(f"# Glossary\n\n{broken}\n")
        build = [sys.executable, "-m", "book", "build", "--output", str(copy / "html")]
        environment = ENVIRONMENT | {"PYTHONPATH": str(copy)}
        built = subprocess.run(build, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert built.returncode == 1 and "does not build" in built.stderr and "no" in built.stderr, built.stdout
        assert "Traceback" not in built.stderr
