"""The built book in a browser: it loads, fits narrow screens, can be read in light and dark, and computes like MAX."""

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import assert_accessible, open_page
from tests.support.pages import PAGES
from tutor.course import COURSE

NARROW, WIDE = 360, 1200
# mdBook's own light and dark theme.
THEMES = ("light", "navy")
every_page = pytest.mark.parametrize("page", [page.replace(".md", ".html") for page in PAGES])


def overflow(page: Page) -> int:
    """By how many pixels the page scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@every_page
@pytest.mark.parametrize("theme", THEMES)
def test_page_loads_and_can_be_read_in_light_and_dark(browser: Browser, site: str, page: str, theme: str):
    with open_page(browser, f"{site}/{page}", width=WIDE, theme=theme) as opened:
        assert theme in opened.evaluate("document.documentElement.className").split()
        opened.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        assert_accessible(opened)


@every_page
def test_page_fits_a_narrow_screen(browser: Browser, site: str, page: str):
    with open_page(browser, f"{site}/{page}", width=NARROW) as opened:
        opened.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        assert overflow(opened) <= 0


@every_page
def test_page_is_whole_without_javascript(browser: Browser, html: Path, page: str):
    context = browser.new_context(java_script_enabled=False)
    try:
        opened = context.new_page()
        opened.goto((html / page).as_uri())
        expect(opened.locator("main h1").first).to_be_visible()
        for fallback in opened.locator("attention-explorer p, mask-builder p, sampling-playground p").all():
            expect(fallback).to_be_visible()
    finally:
        context.close()


def test_the_print_page_holds_all_chapters(browser: Browser, site: str):
    with open_page(browser, f"{site}/print.html", width=WIDE) as opened:
        headings = opened.locator("main h1").all_inner_texts()
        for step in COURSE:
            assert f"Step {step.label}: {step.title}" in [heading.strip() for heading in headings]


def test_search_finds_a_word(browser: Browser, site: str):
    with open_page(browser, f"{site}/introduction.html", width=WIDE) as opened:
        opened.keyboard.press("s")
        opened.keyboard.type("band_part")
        expect(opened.locator("#mdbook-searchresults li, #searchresults li").first).to_be_visible()


def test_arrow_keys_turn_the_pages(browser: Browser, site: str):
    with open_page(browser, f"{site}/step_07.html", width=WIDE) as opened:
        opened.wait_for_load_state("networkidle")  # what is still on its way when the page turns counts as not loaded
        opened.keyboard.press("ArrowRight")
        opened.wait_for_url("**/step_08.html")


# --- what the browser computes is what MAX computes ------------------------------------------------


def test_the_explorer_computes_what_max_computes(browser: Browser, site: str, from_max: dict):
    """Scores, weights and outputs of every layer and head: the page's own functions against MAX's outputs."""
    with open_page(browser, f"{site}/step_08.html", width=WIDE) as opened:
        computed = opened.evaluate(
            """() => {
                const data = window.courseData.attention;
                const options = { scale: 1 / Math.sqrt(data.head_dim), masked: true };
                return data.layers.map((layer) => layer.query.map((query, head) => {
                    const { masked, weights, output } =
                        window.course.attention(query, layer.key[head], layer.value[head], options);
                    return {
                        masked: masked.map((row) => row.map((score) => Number.isFinite(score) ? score : null)),
                        weights, output,
                    };
                }));
            }"""
        )
    live = from_max["max"]
    assert len(computed) == len(live["scores"])
    for index, layer in enumerate(computed):
        for head, numbers in enumerate(layer):
            masked = np.array([[-np.inf if score is None else score for score in row] for row in numbers["masked"]])
            np.testing.assert_allclose(masked, live["scores"][index][head], rtol=0, atol=1e-4)
            np.testing.assert_allclose(numbers["weights"], live["weights"][index][head], rtol=0, atol=1e-5)
            np.testing.assert_allclose(numbers["output"], live["attended"][index][head], rtol=0, atol=1e-4)


def test_the_mask_builder_computes_what_band_part_computes(browser: Browser, site: str, compiled: None):
    """Every band, both ways round, on several sizes, through MAX's own F.band_part in one graph."""
    from max.dtype import DType
    from max.experimental import functional as F
    from max.experimental.tensor import Tensor

    from tutor.graphs.compile_cache import CompileCache
    from tutor.graphs.devices import find_device
    from tutor.graphs.tensor_spec import TensorSpec
    from tutor.graphs.trace import trace
    from tutor.learner.workspace import cache_folder

    limits = (None, -1, 0, 1, 3)
    bands = [(lower, upper, exclude) for lower in limits for upper in limits for exclude in (False, True)]

    def all_bands(ones: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            F.band_part(ones, num_lower=lower, num_upper=upper, exclude=exclude) for lower, upper, exclude in bands
        )

    traced = trace(lambda: all_bands, [TensorSpec(DType.float32.name, ("rows", "columns"))], find_device("cpu"))
    (executable,) = CompileCache(cache_folder()).load([traced])
    with open_page(browser, f"{site}/step_02.html", width=WIDE) as opened:
        for rows, columns in ((1, 1), (4, 4), (3, 7), (6, 2)):
            live = executable({}, np.ones((rows, columns), np.float32))
            options = [
                {"numLower": lower, "numUpper": upper, "exclude": exclude, "value": 1}
                for lower, upper, exclude in bands
            ]
            computed = opened.evaluate(
                f"(bands) => bands.map((band) => window.course.bandPart({rows}, {columns}, band))", options
            )
            for band, ours, its in zip(bands, computed, live, strict=True):
                np.testing.assert_array_equal(np.array(ours), its, err_msg=f"{rows}x{columns} {band}")


def test_the_playground_draws_from_what_step_14_draws_from(browser: Browser, site: str, from_max: dict):
    """The page's probabilities, from its data, are those that step 14 gives its die, from MAX's logits."""
    from solutions.solution_14 import choose_token

    class Die:
        def choice(self, size: int, p: np.ndarray) -> int:
            self.p = p
            return 0

    settings = [
        {"temperature": temperature, "topK": top_k, "topP": top_p}
        for temperature in (0.5, 1.0, 2.0)
        for top_k in (None, 1, 20)
        for top_p in (None, 0.5, 0.9)
    ]
    with open_page(browser, f"{site}/step_14.html", width=WIDE) as opened:
        computed = opened.evaluate(
            """(settings) => window.courseData.sampling.prompts.map((prompt) => settings.map(
                (setting) => Array.from(window.course.nextTokenDistribution(prompt.logits, setting))))""",
            settings,
        )
    prompts = from_max["sampling"]["prompts"]
    assert len(prompts) == len(computed)
    for prompt, distributions in zip(prompts, computed, strict=True):
        for setting, distribution in zip(settings, distributions, strict=True):
            die = Die()
            choose_token(
                np.array(prompt["logits"], np.float32), temperature=setting["temperature"], top_k=setting["topK"],
                top_p=setting["topP"], rng=die,
            )  # fmt: skip
            np.testing.assert_allclose(distribution, die.p, rtol=0, atol=1e-4, err_msg=json.dumps(setting))
