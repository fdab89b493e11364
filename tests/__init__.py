"""The tests. They need `torch` and `transformers`; none needs the network or a GPU."""

import pytest

# So that an assertion that fails there shows its values too.
pytest.register_assert_rewrite("tests.support")
