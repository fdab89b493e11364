"""Draws the figures of the book as SVG, from the data of `book.export`, the checkpoint, or a formula.

A figure is part of its page and takes the page's colours: it is drawn in placeholder colours, which
become CSS variables (`theme/figures.css`). One unit of a figure is one pixel at its full width. The
figures are narrow, so that their text can also be read on a phone.
"""

from collections.abc import Collection

from book.paths import FIGURES
from book.plots.attention import draw_attention_maps, draw_head_patterns, draw_scores
from book.plots.backward import (
    draw_attention_backward,
    draw_layers_backward,
    draw_learning_rate,
    draw_loss_backward,
    draw_loss_curve,
    draw_model_backward,
)
from book.plots.checkpoint import draw_positions, draw_residual, draw_temperature
from book.plots.curves import draw_cost, draw_gelu, draw_score_variance
from book.plots.diagrams import draw_block, draw_heads, draw_model, draw_pipeline
from book.plots.inference import draw_cache, draw_padding
from book.plots.lab import draw_recorded_cost
from book.plots.masks import draw_mask
from book.plots.svg import to_svg
from tutor.errors import CourseError
from tutor.files import write_atomically

__all__ = ["figures", "write"]

# A new figure needs a line here.
_DRAWINGS = {
    "mask": draw_mask,
    "attention_maps": draw_attention_maps,
    "scores": draw_scores,
    "score_variance": draw_score_variance,
    "heads": draw_heads,
    "gelu": draw_gelu,
    "positions": draw_positions,
    "residual": draw_residual,
    "block": draw_block,
    "model": draw_model,
    "cost": draw_cost,
    "temperature": draw_temperature,
    "cache": draw_cache,
    "padding": draw_padding,
    "pipeline": draw_pipeline,
    "head_patterns": draw_head_patterns,
    "attention_cost": draw_recorded_cost,
    "loss_backward": draw_loss_backward,
    "layers_backward": draw_layers_backward,
    "attention_backward": draw_attention_backward,
    "model_backward": draw_model_backward,
    "learning_rate": draw_learning_rate,
    "loss_curve": draw_loss_curve,
}


def figures() -> dict[str, str]:
    """Draws every figure: its name and its SVG."""
    return {name: to_svg(name, draw) for name, draw in _DRAWINGS.items()}


def write(only: Collection[str] | None = None) -> None:
    """Draws every figure, or those named, into `book/figures/`.

    Raises:
        CourseError: nothing draws a figure of one of the names.
    """
    names = _DRAWINGS if only is None else only
    unknown = sorted(set(names) - set(_DRAWINGS))
    if unknown:
        raise CourseError(f"nothing draws the figure {unknown[0]}: add it in book/plots/__init__.py")
    FIGURES.mkdir(parents=True, exist_ok=True)
    for name in names:
        write_atomically(FIGURES / f"{name}.svg", to_svg(name, _DRAWINGS[name]))
