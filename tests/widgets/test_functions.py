"""The book's interactive pictures: their functions against NumPy and the course's code, and each by mouse and keys."""

import itertools
import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import open_page

from solutions.solution_14 import choose_token

BOOK = Path(__file__).parents[2] / "book"
WIDGETS = {
    "attention-explorer": ("attention_explorer.js", "attention.js"),
    "mask-builder": ("mask_builder.js", None),
    "sampling-playground": ("sampling.js", "sampling.js"),
}
THEMES = ("light", "rust", "coal", "navy", "ayu")
LEAST_CONTRAST = 4.5
LEAST_TARGET = 24
TOKENS = ["JULIET", ":", "\n", "Good", " m", "orrow", ",", " my", " lord"]
N_LAYER, N_HEAD, HEAD_DIM = 2, 3, 4
VOCAB_SIZE = 40


# --- stand-in data and pages ----------------------------------------------------------------


def attention_data() -> dict[str, Any]:
    """Random queries, keys and values, in the shape of the book's data."""
    rng = np.random.default_rng(0)

    def heads() -> list[Any]:
        return rng.normal(size=(N_HEAD, len(TOKENS), HEAD_DIM)).astype(np.float32).tolist()

    layers = [{"query": heads(), "key": heads(), "value": heads()} for _ in range(N_LAYER)]
    return {
        "text": "".join(TOKENS),
        "tokens": TOKENS,
        "n_layer": N_LAYER,
        "n_head": N_HEAD,
        "head_dim": HEAD_DIM,
        "layers": layers,
    }


def sampling_data() -> dict[str, Any]:
    """A small vocabulary and two prompts with random logits."""
    rng = np.random.default_rng(1)
    tokens = [" the", "\n", *(f"w{index}" for index in range(2, VOCAB_SIZE))]
    prompts = [
        {"text": text, "logits": rng.normal(scale=2, size=VOCAB_SIZE).astype(np.float32).tolist()}
        for text in ("First Citizen:\n", "I will")
    ]
    return {"tokens": tokens, "prompts": prompts}


DATA = {"attention.js": ("attention", attention_data()), "sampling.js": ("sampling", sampling_data())}
SAMPLING = DATA["sampling.js"][1]


def write_parts(folder: Path) -> None:
    """Puts the scripts and the stand-in data into a folder, where the chapters expect them."""
    shutil.copytree(BOOK / "src/widgets", folder / "widgets", dirs_exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    for file, (name, data) in DATA.items():
        (folder / "data" / file).write_text(
            f"window.courseData = window.courseData || {{}};\nwindow.courseData.{name} = {json.dumps(data)};\n"
        )


def embedding(tag: str, *, with_data: bool = True) -> str:
    """What a chapter holds to show a picture, in Markdown."""
    script, data = WIDGETS[tag]
    sources = [f"data/{data}"] if data and with_data else []
    sources += ["widgets/shared.js", f"widgets/{script}"]
    scripts = "\n".join(f'<script src="{source}"></script>' for source in sources)
    return f"{scripts}\n<{tag}>\n\nFallback text.\n\n</{tag}>\n"


def write_page(folder: Path, body: str) -> str:
    """Writes a page without mdBook around it and returns its address."""
    write_parts(folder)
    (folder / "page.html").write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>{body}')
    return (folder / "page.html").as_uri()


@pytest.fixture(scope="module")
def functions(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page on which `course` has the functions."""
    url = write_page(tmp_path_factory.mktemp("functions"), '<script src="widgets/shared.js"></script>')
    with open_page(browser, url) as page:
        yield page


@pytest.fixture(scope="module")
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


def shows(tag: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("widget", [tag], indirect=True, ids=[tag])


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


# --- the functions --------------------------------------------------------------------------


def softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def band_part(rows: int, columns: int, lower: int | None, upper: int | None, exclude: bool, value: float) -> np.ndarray:
    i, j = np.indices((rows, columns))
    in_band = np.ones((rows, columns), dtype=bool)
    if lower is not None and lower >= 0:
        in_band &= i - j <= lower
    if upper is not None and upper >= 0:
        in_band &= j - i <= upper
    return np.where(in_band ^ exclude, value, 0.0)


@pytest.mark.parametrize("scores", [[0.0], [1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0], [-1e5, -1e5], [2.0, -math.inf]])
def test_softmax_is_numpys(functions: Page, scores: list[float]):
    np.testing.assert_allclose(functions.evaluate("s => course.softmax(s)", scores), softmax(np.array(scores)))


def test_softmax_of_a_row_that_sees_nothing_is_not_a_number(functions: Page):
    assert np.isnan(functions.evaluate("() => course.softmax([-Infinity, -Infinity])")).all()


def test_band_part_is_numpys_for_all_sizes_and_limits(functions: Page):
    limits = [None, -1, 0, 1, 2, 7]
    cases = list(itertools.product([1, 3, 6], [1, 4, 7], limits, limits, [False, True], [1.0, -math.inf]))
    results = functions.evaluate(
        """cases => cases.map(([rows, columns, numLower, numUpper, exclude, value]) =>
            course.bandPart(rows, columns, {numLower, numUpper, exclude, value}))""",
        cases,
    )
    for case, result in zip(cases, results, strict=True):
        np.testing.assert_array_equal(result, band_part(*case), err_msg=str(case))


def test_band_part_keeps_all_by_default_and_refuses_what_max_refuses(functions: Page):
    assert functions.evaluate("() => course.bandPart(2, 3)") == [[1, 1, 1], [1, 1, 1]]
    for name in ("numLower", "numUpper"):
        message = functions.evaluate(
            f"() => {{ try {{ course.bandPart(2, 2, {{{name}: -2}}) }} catch (e) {{ return `${{e}}` }} }}"
        )
        assert message.startswith(f"RangeError: {name} (-2)")


@pytest.mark.parametrize(("sequence_length", "num_tokens"), [(1, 0), (4, 0), (1, 5), (3, 2), (7, 4)])
def test_causal_mask_is_the_formula_of_step_02(functions: Page, sequence_length: int, num_tokens: int):
    result = functions.evaluate("([s, n]) => course.causalMask(s, n)", [sequence_length, num_tokens])
    i, j = np.indices((sequence_length, sequence_length + num_tokens))
    np.testing.assert_array_equal(result, np.where(j <= num_tokens + i, 0.0, -np.inf))


@pytest.mark.parametrize("cached", [0, 3])
@pytest.mark.parametrize("scale", [None, 1, 0.1])
@pytest.mark.parametrize("masked", [True, False])
def test_attention_is_numpys_at_every_stage(functions: Page, cached: int, scale: float | None, masked: bool):
    rng = np.random.default_rng(cached)
    query, key, value = rng.normal(size=(5, 8)), rng.normal(size=(5 + cached, 8)), rng.normal(size=(5 + cached, 8))
    result = functions.evaluate(
        "([q, k, v, options]) => course.attention(q, k, v, options)",
        [
            query.tolist(),
            key.tolist(),
            value.tolist(),
            {"masked": masked} | ({} if scale is None else {"scale": scale}),
        ],
    )
    scores = query @ key.T
    scaled = scores / math.sqrt(8) if scale is None else scores * scale
    after_mask = scaled + band_part(5, 5 + cached, None, cached, True, -np.inf) if masked else scaled
    weights = softmax(after_mask)
    expected = {"scores": scores, "scaled": scaled, "masked": after_mask, "weights": weights, "output": weights @ value}
    assert set(result) == set(expected)
    for stage, numbers in expected.items():
        np.testing.assert_allclose(result[stage], numbers, rtol=1e-9, atol=1e-12, err_msg=stage)


class CapturingRng:
    """Stands in for a random generator: keeps the probabilities that it is asked to draw from."""

    def choice(self, size: int, p: np.ndarray) -> int:
        assert len(p) == size
        self.probabilities = p
        return int(p.argmax())


def distribution(logits: np.ndarray, **options: Any) -> np.ndarray:
    """The probabilities that the solution of step 14 draws from."""
    rng = CapturingRng()
    token = choose_token(logits, rng=rng, **options)
    return rng.probabilities if options["temperature"] else np.eye(len(logits))[token]


TIED = [1.0, 3.0, 3.0, 2.0, 2.0, 2.0, -1.0, 3.0]
EVEN = [0.5] * 8  # eight times exactly 1/8: where top-p cuts is not a matter of rounding
LOGITS = {
    "random": np.random.default_rng(3).normal(scale=3, size=1024).astype(np.float32),
    "tied": np.array(TIED, dtype=np.float32),
    "even": np.array(EVEN, dtype=np.float32),
    "one": np.array([2.0], dtype=np.float32),
}


@pytest.mark.parametrize("name", LOGITS)
def test_next_token_distribution_is_that_of_choose_token(functions: Page, name: str):
    logits = LOGITS[name]
    grid = list(itertools.product([0, 1e-6, 0.3, 1, 2.5], [None, 1, 2, 5, 40, 1024, 5000], [None, 0.01, 0.5, 0.93, 1]))
    results = functions.evaluate(
        """([logits, grid]) => grid.map(([temperature, topK, topP]) =>
            course.nextTokenDistribution(logits, {temperature, topK, topP}))""",
        [logits.tolist(), grid],
    )
    for (temperature, top_k, top_p), result in zip(grid, results, strict=True):
        expected = distribution(logits, temperature=temperature, top_k=top_k, top_p=top_p)
        message = f"{temperature=} {top_k=} {top_p=}"
        np.testing.assert_array_equal(np.array(result) > 0, expected > 0, err_msg=message)
        np.testing.assert_allclose(result, expected, rtol=1e-11, err_msg=message)


def test_ties_with_the_kth_logit_stay(functions: Page):
    result = functions.evaluate("l => course.nextTokenDistribution(l, {temperature: 1, topK: 2})", TIED)
    assert np.flatnonzero(result).tolist() == [1, 2, 7]


def test_a_removed_token_names_the_rule_that_removed_it_first(functions: Page):
    removed = functions.evaluate("l => course.cutLogits(l, {temperature: 1, topK: 2, topP: 0.5}).removedBy", TIED)
    assert removed == ["top-k", None, None, *["top-k"] * 4, "top-p"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{temperature: -1}", "temperature (-1) must be 0 or a positive number"),
        ("{temperature: Infinity}", "temperature (Infinity) must be 0 or a positive number"),
        ("{temperature: 1, topK: 0}", "topK (0) must be at least 1"),
        ("{temperature: 1, topP: 0}", "topP (0) must be above 0 and at most 1"),
        ("{temperature: 1, topP: 1.1}", "topP (1.1) must be above 0 and at most 1"),
    ],
)
def test_options_that_choose_token_refuses_are_refused(functions: Page, options: str, message: str):
    code = f"() => {{ try {{ course.nextTokenDistribution([1, 2], {options}) }} catch (e) {{ return `${{e}}` }} }}"
    assert functions.evaluate(code) == f"RangeError: {message}"


def test_the_random_generator_repeats_itself_and_is_even(functions: Page):
    code = "([seed, n]) => { const next = course.randomGenerator(seed); return Array.from({length: n}, next) }"
    numbers = np.array(functions.evaluate(code, [7, 20_000]))
    assert numbers[:100].tolist() == functions.evaluate(code, [7, 100])
    assert numbers[:100].tolist() != functions.evaluate(code, [8, 100])
    assert numbers.min() >= 0 and numbers.max() < 1
    counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
    # Chi-squared with 19 degrees of freedom: above 43.8 one time in a thousand; the seed is fixed.
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.03


def test_draw_takes_the_token_that_numpy_takes(functions: Page):
    probabilities = [0.0, 0.25, 0.0, 0.5, 0.25, 0.0]
    randoms = [0.0, 0.2499, 0.25, 0.7499, 0.75, 0.999999]
    drawn = functions.evaluate("([p, r]) => r.map(random => course.draw(p, random))", [probabilities, randoms])
    assert drawn == np.searchsorted(np.cumsum(probabilities), randoms, side="right").tolist()


def test_entropy_is_numpys(functions: Page):
    p = softmax(np.random.default_rng(0).normal(size=50))
    assert functions.evaluate("p => course.entropy(p)", p.tolist()) == pytest.approx(-(p * np.log(p)).sum())
    assert functions.evaluate("() => course.entropy([0, 1, 0])") == 0


def test_tokens_and_numbers_can_be_read(functions: Page):
    assert functions.evaluate("() => [' the', '\\n', '\\t', '', 'a b'].map(course.visibleToken)") == [
        "␣the",
        "⏎",
        "⇥",
        "(empty)",
        "a␣b",
    ]
    numbers = "[1.005, -2, -0.001, -Infinity, NaN, 0]"
    assert functions.evaluate(f"() => {numbers}.map(n => course.formatNumber(n, 2))") == [
        "1.00",
        "−2.00",
        "0.00",
        "−∞",
        "NaN",
        "0.00",
    ]
    runs = "[[4], [0, 1], [0, 1, 2], [0, 2, 5, 6, 7], []]"
    assert functions.evaluate(f"() => {runs}.map(course.listRuns)") == ["4", "0 and 1", "0 to 2", "0, 2 and 5 to 7", ""]


# --- what is the same for all three -----------------------------------------------------------


def values(table: Locator, rows: str = "tbody tr") -> np.ndarray:
    """The numbers of a table, unrounded."""
    code = "rows => rows.map(row => [...row.querySelectorAll('td[data-value]')].map(cell => cell.dataset.value))"
    return np.array([[float(value) for value in row] for row in table.locator(rows).evaluate_all(code)])


def expect_told(widget: Locator, text: str | re.Pattern[str]) -> None:
    """What a screen reader is told in the end."""
    expect(widget.locator("[aria-live=polite]")).to_have_text(text)


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


# --- attention-explorer -----------------------------------------------------------------------


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


def token(widget: Locator, index: int) -> Locator:
    return widget.locator(".token-button").nth(index)


def expect_row(widget: Locator, index: int) -> None:
    """One row is marked, and the buttons show the weights of its token."""
    expect(widget.locator("tr[aria-current=true]")).to_have_attribute("data-token", str(index))
    expect(widget.locator(".token-button[aria-pressed=true]")).to_have_count(1)
    expect(token(widget, index)).to_have_attribute("aria-pressed", "true")


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


# --- mask-builder -------------------------------------------------------------------------------


def setting(widget: Locator, **settings: str) -> None:
    """Chooses settings of the mask by their labels."""
    for name, value in settings.items():
        widget.get_by_label(name).select_option(value)


def call(widget: Locator) -> str:
    return widget.locator(".call").inner_text()


CAUSAL = "This is the causal mask of step 02: every query sees its own position and all before it."


@pytest.mark.parametrize(
    ("preset", "arguments", "sizes", "row", "verdict"),
    [
        (
            "causal, no cache",
            "num_lower=None, num_upper=0",
            (5, 0),
            "Query 2 is at position 2. It may see keys 0 to 2, and not keys 3 and 4.",
            CAUSAL,
        ),
        (
            "causal with a cache",
            "num_lower=None, num_upper=3",
            (4, 3),
            "Query 1 is at position 4. It may see keys 0 to 4, and not keys 5 and 6.",
            CAUSAL,
        ),
        (
            "the trap",
            "num_lower=None, num_upper=0",
            (4, 3),
            "Query 1 is at position 4. It may see keys 0 and 1, and not keys 2 to 6.",
            "This is not the causal mask of step 02. The past is hidden: queries 0 to 3 do not see all keys up to "
            "their own position. num_upper is 0 and num_tokens is 3: the diagonal has to move right by 3.",
        ),
        (
            "sliding window",
            "num_lower=2, num_upper=0",
            (6, 0),
            "Query 4 is at position 4. It may see keys 2 to 4, and not keys 0, 1 and 5.",
            "This is a sliding window: every query sees its own position and at most 2 before it.",
        ),
    ],
)
@shows("mask-builder")
def test_the_presets_of_the_mask(
    widget: Locator, preset: str, arguments: str, sizes: tuple[int, int], row: str, verdict: str
):
    button = widget.get_by_role("button", name=preset)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(widget.locator("[aria-pressed=true]")).to_have_count(1)
    assert call(widget) == f"F.band_part(mask, {arguments}, exclude=True)"
    limits = [None if text == "None" else int(text) for text in re.findall(r"=(\w+)", arguments)]
    sequence_length, num_tokens = sizes
    expected = band_part(sequence_length, sum(sizes), *limits, True, -np.inf)
    np.testing.assert_array_equal(values(widget.locator("table")), expected)
    assert widget.locator("thead th.cached[scope=col]").count() == num_tokens
    expect(widget.locator(".sentence")).to_have_text(row)
    expect(widget.locator(".verdict")).to_have_text(verdict)
    expect_told(widget, f"{verdict} {row}")


# Makes many settings in one go, as a reader would, one control after the other, and tells what is shown then.
MANY_MASKS = """(widget, cases) => cases.map(settings => {
    const controls = widget.querySelectorAll(".fields select, .fields input");
    settings.forEach((setting, index) => {
        controls[index][index === 4 ? "checked" : "value"] = setting;
        controls[index].dispatchEvent(new Event("change", {bubbles: true}));
    });
    const rows = [...widget.querySelectorAll("tbody tr")];
    return {
        mask: rows.map(row => [...row.querySelectorAll("td")].map(cell => Number(cell.dataset.value))),
        call: widget.querySelector(".call").innerText,
        verdict: widget.querySelector(".verdict").innerText,
    };
})"""


@shows("mask-builder")
def test_the_mask_and_its_verdict_for_many_settings(widget: Locator):
    limits = ["None", "0", "1", "2", "5"]
    sizes = [("1", "0"), ("3", "0"), ("4", "2")]
    cases = [
        (length, cached, lower, upper, exclude)
        for (length, cached), lower, upper, exclude in itertools.product(sizes, limits, limits, [True, False])
    ]
    for case, shown in zip(cases, widget.evaluate(MANY_MASKS, cases), strict=True):
        length, cached, lower, upper, exclude = case
        rows, num_tokens = int(length), int(cached)
        columns = rows + num_tokens
        num_lower, num_upper = (None if limit == "None" else int(limit) for limit in (lower, upper))
        expected = band_part(rows, columns, num_lower, num_upper, exclude, -np.inf)
        np.testing.assert_array_equal(shown["mask"], expected, err_msg=str(case))
        assert shown["call"] == f"F.band_part(mask, {num_lower=}, {num_upper=}, {exclude=})"

        i, j = np.indices(expected.shape)
        causal = np.where(j <= num_tokens + i, 0.0, -np.inf)
        verdict = shown["verdict"]
        assert verdict.startswith(CAUSAL) == np.array_equal(expected, causal), case
        assert ("nothing: a row of −∞ alone becomes NaN" in verdict) == np.isinf(expected).all(axis=1).any(), case
        if verdict.startswith("This is a sliding window"):
            most = int(re.search(r"at most (\d+) before", verdict)[1])
            np.testing.assert_array_equal(expected == 0, (causal == 0) & (j >= num_tokens + i - most), str(case))
        elif not verdict.startswith(CAUSAL):
            assert ("The future shows" in verdict) == ((expected == 0) & (causal != 0)).any(), case
            assert ("The past is hidden" in verdict) == ((expected != 0) & (causal == 0)).any(), case
        assert ("MAX refuses num_lower" in verdict) == (num_lower is not None and num_lower >= rows), case
        assert ("MAX refuses num_upper" in verdict) == (num_upper is not None and num_upper >= columns), case


@pytest.mark.parametrize(("num_lower", "num_upper"), [(4, 0), (0, 6), (3, 5)])
def test_max_refuses_the_limits_that_the_picture_says_it_refuses(num_lower: int, num_upper: int):
    from max.dtype import DType
    from max.graph import DeviceRef, Graph, TensorType, ops

    rows, columns = 4, 6
    too_large = next((n for n, size in ((num_lower, rows), (num_upper, columns)) if n >= size), None)
    with Graph("mask", input_types=[TensorType(DType.float32, [rows, columns], DeviceRef.CPU())]) as graph:
        if too_large is None:
            ops.band_part(graph.inputs[0].tensor, num_lower=num_lower, num_upper=num_upper, exclude=True)
        else:
            with pytest.raises(ValueError, match=rf"={too_large} is out of bounds"):
                ops.band_part(graph.inputs[0].tensor, num_lower=num_lower, num_upper=num_upper, exclude=True)


@shows("mask-builder")
def test_a_query_that_sees_nothing_is_told(widget: Locator):
    setting(widget, num_lower="0", num_upper="1")
    widget.get_by_label("exclude").uncheck()
    setting(widget, num_upper="None", num_lower="None")
    row = "Query 2 is at position 2. It may see no key at all."
    expect(widget.locator(".sentence")).to_have_text(row)
    blind = "Queries 0 to 4 see nothing: a row of −∞ alone becomes NaN in the softmax."
    expect_told(widget, re.compile(f"{blind} {row}$"))


@shows("mask-builder")
def test_a_shorter_sequence_takes_the_chosen_row_with_it(widget: Locator):
    widget.get_by_label("4 at 4").check()
    setting(widget, sequence_length="2")
    expect(widget.locator(".sentence")).to_have_text(
        "Query 1 is at position 1. It may see keys 0 and 1, all there are."
    )


@shows("mask-builder")
def test_the_mask_works_by_keys_alone(widget: Locator):
    keyboard = widget.page.keyboard
    for _ in range(3):
        keyboard.press("Tab")
    keyboard.press("Enter")
    expect(widget.get_by_role("button", name="the trap")).to_be_focused()
    assert call(widget) == "F.band_part(mask, num_lower=None, num_upper=0, exclude=True)"
    for _ in range(5):
        keyboard.press("Tab")
    expect(widget.get_by_label("num_upper")).to_be_focused()
    for _ in range(3):
        keyboard.press("ArrowDown")
    assert call(widget) == "F.band_part(mask, num_lower=None, num_upper=3, exclude=True)"
    expect(widget.locator(".verdict")).to_have_text(CAUSAL)
    keyboard.press("Tab")
    keyboard.press("Space")
    assert call(widget).endswith("exclude=False)")
    keyboard.press("Space")
    keyboard.press("Tab")
    expect(widget.locator(".scroller")).to_be_focused()
    keyboard.press("Tab")
    expect(widget.get_by_label("1 at 4")).to_be_focused()
    keyboard.press("ArrowDown")
    expect(widget.get_by_label("2 at 5")).to_be_focused()
    expect(widget.get_by_label("2 at 5")).to_be_checked()
    expect_told(widget, "Query 2 is at position 5. It may see keys 0 to 5, and not key 6.")


@shows("mask-builder")
def test_a_row_of_the_mask_can_be_clicked(widget: Locator):
    widget.locator("tbody tr").nth(3).locator("td").last.click()
    expect(widget.get_by_label("3 at 3")).to_be_checked()
    widget.get_by_text("0 at 0").click()
    expect(widget.locator("tr[aria-current=true]")).to_have_attribute("data-query", "0")


# --- sampling-playground --------------------------------------------------------------------------


def set_sampling(
    widget: Locator, *, prompt: int = 0, temperature: float, top_k: int | None, top_p: float | None
) -> None:
    widget.get_by_label("Prompt").select_option(str(prompt))
    widget.get_by_label("temperature, exactly").fill(str(temperature))
    widget.get_by_label("top-k").set_checked(top_k is not None)
    if top_k is not None:
        widget.get_by_label("k", exact=True).fill(str(top_k))
    widget.get_by_label("top-p, exactly").fill(str(top_p or 1))


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


# --- in a book ------------------------------------------------------------------------------------

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
