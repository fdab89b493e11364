"""The numbers behind the interactive pictures are MAX's."""

import numpy as np

from book import export


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
