"""The book: its parts agree with the course, and everything that it shows is computed anew."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from filelock import FileLock

from book import captures, export, notebook, plots
from book.api import api_url
from book.paths import EXAMPLES, FIGURES, NUMBERS, OUTPUTS, SOURCE
from book.preprocessor import BookError, fill_in, tasks_of
from tests.approximate import assert_same_text
from tests.test_repository import README, TASKS, known_commands
from tutor.course import COURSE, Step
from tutor.learner.workspace import REPOSITORY

SECTIONS = [
    "What you will build",
    "Why it exists",
    "The idea",
    "The formula",
    "Shapes",
    "MAX operations",
    "Tasks",
    "The step file",
    "Run it",
    "Common errors",
    "Check your understanding",
    "The solution",
    "In production",
    "Next",
]

PAGES = sorted(path.name for path in SOURCE.glob("*.md") if path.name != "SUMMARY.md")
ENVIRONMENT = dict(os.environ)

every_step = pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)
every_page = pytest.mark.parametrize("page", PAGES)


def chapter(step: Step) -> str:
    return (SOURCE / f"step_{step.label}.md").read_text()


def section(text: str, heading: str) -> str:
    return re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]


@pytest.fixture(scope="session")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built book. The test processes share it."""
    base = tmp_path_factory.getbasetemp()
    # Each process of a parallel run has a folder of its own inside the run's.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "book"
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "index.html").exists():
            build = [sys.executable, "-m", "book", "build", "--output", str(folder)]
            built = subprocess.run(build, cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, check=False)
            assert built.returncode == 0, built.stderr
    return folder


# --- the book and the course ------------------------------------------------------------------


def test_summary_lists_the_parts_and_steps_of_the_course():
    expected = []
    for index, step in enumerate(COURSE):
        if index == 0 or COURSE[index - 1].part != step.part:
            expected.append(f"# {step.part}")
        expected.append(f"- [{step.label} {step.title}](step_{step.label}.md)")
    summary = (SOURCE / "SUMMARY.md").read_text()
    listed = [line for line in summary.splitlines() if re.match(r"# |- \[\d\d", line)]
    assert [line for line in listed if line not in ("# Summary", "# Reference")] == expected
    assert set(re.findall(r"\(([\w.-]+\.md)\)", summary)) == set(PAGES), "each page is in the summary"


@every_step
def test_chapter_has_the_steps_title_and_each_section_in_order(step: Step):
    text = chapter(step)
    assert text.startswith(f"# Step {step.label}: {step.title}\n")
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == SECTIONS
    for heading in SECTIONS:
        assert section(text, heading).strip(), f"{heading} is empty"


@every_step
def test_chapter_includes_its_files_and_what_they_print(step: Step):
    text = chapter(step)
    assert f"{{{{#include ../../steps/step_{step.label}.py}}}}" in section(text, "The step file")
    assert f"{{{{#include ../../solutions/solution_{step.label}.py}}}}" in section(text, "The solution")
    assert "<details>" in section(text, "The solution"), "the solution is folded away"
    assert "{{tasks}}" in section(text, "Tasks")
    assert f"../captured/step_{step.label}_example.txt" in section(text, "The idea")
    run = " ".join(section(text, "Run it").split())
    assert f"`pixi run s{step.label}`" in run and f"`make s{step.label}`" in run
    for name in ("first", "pass"):
        assert f"{{{{#include ../captured/step_{step.label}_{name}.txt}}}}" in run
    assert section(text, "Common errors").count("../captured/") >= 2
    questions = section(text, "Check your understanding")
    assert 3 <= questions.count("<details>") <= 5 and questions.count("<summary>") == questions.count("<details>")


@every_step
def test_chapter_links_to_the_next_and_to_the_operations_that_the_solution_uses(step: Step):
    text = chapter(step)
    if step is not COURSE[-1]:
        assert f"(step_{step.number + 1:02d}.md)" in section(text, "Next")
    solution = (REPOSITORY / f"solutions/solution_{step.label}.py").read_text()
    used = set(re.findall(r"\bF\.\w+", solution.partition('"""\n\n')[2]))
    linked = set(re.findall(r"\{\{api:([\w.]+)\}\}", section(text, "MAX operations")))
    assert used <= linked, f"not explained: {used - linked}"


@every_step
def test_tasks_are_read_from_the_step_file(step: Step):
    tasks = tasks_of(step.number)
    assert len(tasks) >= 2 and all(task.endswith((".", "?", "`.")) for task in tasks)


@every_page
def test_listings_are_included_and_never_pasted(page: str):
    text = (SOURCE / page).read_text()
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        if language == "sh":
            continue  # commands to type; the next test looks them up
        assert re.fullmatch(r"\{\{#include [^}]+\}\}\n", body), body


@every_page
def test_commands_in_the_text_exist(page: str):
    text = (SOURCE / page).read_text()
    blocks = [line for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
              for line in block.splitlines()]  # fmt: skip
    makefile = (REPOSITORY / "Makefile").read_text()
    for command in [*re.findall(r"`((?:make|pixi run|python -m) [^`]+)`", text), *blocks]:
        words = command.split()
        if words[0] == "make":
            assert words[1] in TASKS or re.search(rf"^{words[1]}\b", makefile, flags=re.MULTILINE), command
        elif words[:2] == ["pixi", "run"]:
            assert words[2] in TASKS or "NN" in words[2], command
        elif words[:3] == ["python", "-m", "tutor"]:
            assert words[3] in known_commands() or "NN" in words[3], command


@every_page
def test_lines_are_short_and_words_are_the_courses(page: str):
    text = (SOURCE / page).read_text()
    for line in text.splitlines():
        if "](" not in line and not line.startswith(("|", "{{figure", "$$", "<details>")):
            assert len(line) <= 110, line
    for word in ("Let's", "magic", "hidden_size", "num_heads", "sequence length of", "amazing"):
        # The attention lab speaks of functions that are not GPT-2's, whose arguments have PyTorch's names.
        assert word not in text or (word == "num_heads" and page in ("step_18.md", "step_19.md"))


def test_readme_names_the_books_commands():
    assert "make book" in README


# --- what it shows is computed ----------------------------------------------------------------


@pytest.fixture(scope="session")
def fresh_examples() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    return captures.examples()


def test_each_chapter_has_its_computed_file():
    assert {file.stem for file in captures.computed_files()} >= {f"step_{step.label}" for step in COURSE}


@pytest.mark.parametrize("file", captures.computed_files(), ids=lambda file: file.stem)
def test_example_prints_what_the_book_shows(file: Path, fresh_examples):
    printed, numbers = fresh_examples
    if file.stem in printed:
        assert_same_text(printed[file.stem], captures.output_file(file.stem, "example").read_text())
    kept = json.loads(NUMBERS.read_text())[file.stem]
    assert kept.keys() == numbers[file.stem].keys()
    for name, value in numbers[file.stem].items():
        assert_same_text(value, kept[name])


@every_page
def test_every_number_asked_for_is_used_and_there(page: str):
    numbers = json.loads(NUMBERS.read_text()).get(Path(page).stem, {})
    every_text = "\n".join((SOURCE / name).read_text() for name in PAGES)
    for name in numbers:
        used = f"{{{{number:{name}}}}}" in (SOURCE / page).read_text()
        assert used or f"{{{{number:{Path(page).stem}.{name}}}}}" in every_text, f"{name} is shown nowhere"


@pytest.mark.parametrize(
    ("chapter", "name", "capture"), list(captures.all_captures()), ids=lambda value: value if type(value) is str else ""
)
def test_captured_output_is_what_the_tool_prints(chapter: str, name: str, capture, compiled: None):
    assert_same_text(captures.run_capture(chapter, capture), captures.output_file(chapter, name).read_text())


def test_every_captured_file_is_shown_and_comes_from_a_command():
    text = "\n".join((SOURCE / page).read_text() for page in PAGES)
    made = {captures.output_file(chapter, name) for chapter, name, _ in captures.all_captures()}
    made |= {captures.output_file(file.stem, "example") for file in captures.computed_files()}
    for file in OUTPUTS.glob("*.txt"):
        assert file in made, f"nothing makes {file.name}"
        assert f"../captured/{file.name}" in text, f"{file.name} is shown nowhere"


def test_figures_are_drawn_from_the_shipped_data():
    drawn = plots.figures()
    assert {file.stem for file in FIGURES.glob("*.svg")} == set(drawn)
    text = "\n".join((SOURCE / page).read_text() for page in PAGES)
    for name, svg in drawn.items():
        assert svg == (FIGURES / f"{name}.svg").read_text(), f"{name}: python -m book refresh figures"
        assert f"{{{{figure:{name} " in text, f"the figure {name} is shown nowhere"


def test_example_files_stand_for_one_chapter_each():
    assert all((SOURCE / f"{file.stem}.md").exists() for file in EXAMPLES.glob("[!_]*.py"))


# --- the preprocessor ---------------------------------------------------------------------------


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
        ("{{tasks}}", "only the chapter of a step"),
    ],
)
def test_what_is_not_there_is_an_error_that_names_it(text: str, message: str):
    with pytest.raises(BookError, match=message):
        fill_in(text, "glossary.md")


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


# --- the built pages ----------------------------------------------------------------------------


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


# --- the numbers behind the pictures --------------------------------------------------------------


@pytest.fixture(scope="session")
def from_max(compiled: None) -> dict:
    """What MAX computes for the pictures, now."""
    return export.compute()


def test_the_pages_data_is_what_max_computes(from_max: dict):
    for name in ("attention", "sampling"):
        kept, live = export.load(name), from_max[name]
        assert kept.keys() == live.keys()
        assert_close(kept, live, np.testing.assert_allclose)


def test_the_graph_with_the_insides_is_the_model(from_max: dict):
    inside = from_max["max"]
    np.testing.assert_allclose(inside["logits"], inside["logits_step_13"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(inside["attended"], inside["attended_step_08"], rtol=0, atol=1e-5)


def assert_close(kept, live, compare) -> None:
    if isinstance(live, dict):
        assert kept.keys() == live.keys()
        for key in live:
            assert_close(kept[key], live[key], compare)
    elif isinstance(live, list) and live and isinstance(live[0], dict):
        assert len(kept) == len(live)
        for pair in zip(kept, live, strict=True):
            assert_close(*pair, compare)
    elif isinstance(live, str) or (isinstance(live, list) and live and isinstance(live[0], str)):
        assert kept == live
    else:
        compare(kept, live, rtol=1e-4, atol=1e-4)


def test_max_fuses_step_08_into_flash_attention_on_a_cpu(compiled: None):
    """As chapter 08 says: the kernel is in what MAX compiled, though no step names it."""
    from tutor.checking.loader import StepModules
    from tutor.checks.step_08 import THREE_HEADS
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.trace import trace
    from tutor.learner.workspace import Workspace, cache_folder

    view = StepModules(Workspace(REPOSITORY), own=[])
    traced = trace(lambda: THREE_HEADS.build(view), list(THREE_HEADS.inputs.values()), find_device("cpu"))
    assert "flash" not in traced.text.lower()
    file, _ = CompileCache(cache_folder())._find(traced)
    assert b"FlashAttention" in file.read_bytes()


def test_max_gets_a_mask_wrong_that_it_computes_inside_of_its_attention(compiled: None):
    """As chapter 16 says of `mask_of`. If this fails, MAX has mended it: take out what the chapter and the step say."""
    from max.dtype import DType
    from max.experimental import functional as F
    from max.experimental.tensor import Tensor

    from tutor.checking.loader import StepModules
    from tutor.checks.numpy import gpt2 as numpy_gpt2
    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.tensor_spec import TensorSpec
    from tutor.graphs.trace import trace
    from tutor.learner.workspace import Workspace, cache_folder

    step = StepModules(Workspace(REPOSITORY), own=[])[16]

    def attention(mask_of):
        def forward(query, keys, values):
            positions = F.arange(0, query.shape[2], dtype=DType.int64, device=query.device)
            visible = F.unsqueeze(positions, 0) <= F.unsqueeze(positions, 1)
            return step.attend(query, keys, values, mask_of(visible))

        return lambda: forward

    def no_table(visible):
        zero, hidden = (Tensor(number, dtype=DType.float32, device=visible.device) for number in (0.0, -np.inf))
        return F.where(visible, zero, hidden)

    heads = [TensorSpec("float32", ("batch", 2, "seq_len", 16))] * 3
    traced = [trace(attention(mask), heads, find_device("cpu")) for mask in (step.mask_of, no_table)]
    inputs = np.random.default_rng(16).standard_normal((3, 1, 2, 5, 16), dtype=np.float32)
    (table,), (inside,) = (run({}, *inputs) for run in CompileCache(cache_folder()).load(traced))
    np.testing.assert_allclose(table, numpy_gpt2.attention(*inputs), atol=1e-5)
    np.testing.assert_allclose(inside, numpy_gpt2.attention(*inputs, sees="everything"), atol=1e-5)


# --- the notebook -----------------------------------------------------------------------------------


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, compiled: None):
    assert notebook.make() == notebook.make()
    book_folder = tmp_path / "book" / "build"
    file = book_folder / "notebook.ipynb"
    notebook.write(file)
    for name in ("steps", "solutions", "checkpoints", "tutor"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    execute = [sys.executable, "-m", "jupyter", "execute", "--inplace", str(file)]
    environment = ENVIRONMENT | {"PYTHONPATH": str(REPOSITORY)}
    ran = subprocess.run(execute, cwd=book_folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    outputs = [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in nbformat.read(file, as_version=4).cells
        if cell.cell_type == "code"
    ]
    for step in COURSE:
        assert any(f"Step {step.label} is right" in text for text in outputs)
        # The worked example of the chapter prints in its own cell.
        shown = captures.output_file(f"step_{step.label}", "example").read_text()
        assert any(shown.splitlines()[0] in text for text in outputs), step.label
