"""The functions of the interactive pictures against NumPy and the course's code."""

import itertools
import math

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.support.widget_numbers import band_part, distribution, softmax


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
