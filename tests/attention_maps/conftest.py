"""Fixtures of the attention maps."""

import pytest

from tests.support.attention_maps import WORKSPACE
from tutor.attention_maps.weights import Reader, open_reader
from tutor.generation.checkpoint import open_checkpoint


@pytest.fixture
def reader() -> Reader:
    """Reads weights of attention from the course's own model."""
    return open_reader(open_checkpoint(WORKSPACE.checkpoint), WORKSPACE, own_steps=False)
