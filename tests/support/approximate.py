"""Compares texts in which numbers may differ a little, as they do between processors."""

import re

import pytest

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def assert_same_text(got: str, kept: str) -> None:
    """The same words; numbers with a fraction are equal within one unit of their last digit, percentages within 5."""
    assert _NUMBER.sub("#", got) == _NUMBER.sub("#", kept)
    for live, old in zip(_NUMBER.finditer(got), _NUMBER.finditer(kept), strict=True):
        if got[live.end() :].startswith((" %", "%")) and "." not in old[0]:
            assert float(live[0]) == pytest.approx(float(old[0]), abs=5)
        elif "." in old[0] or "e" in old[0]:
            unit = 10.0 ** -len(old[0].partition("e")[0].partition(".")[2]) * 10 ** int(old[0].partition("e")[2] or 0)
            assert float(live[0]) == pytest.approx(float(old[0]), rel=1e-5, abs=1.01 * unit)
        else:
            assert live[0] == old[0]
