"""A model that has learned nothing yet."""

import math
import zlib

import numpy as np

from tutor.sizes import Settings, language_model

# What GPT-2 begins with.
STANDARD_DEVIATION = 0.02


def initial_weights(settings: Settings, seed: int) -> dict[str, np.ndarray]:
    """Draws the weights that a GPT-2 begins with.

    Weights and tables are normal with a standard deviation of 0.02; biases are 0, and the gains of layer norms 1. The
    matrices whose results are added to the residual stream are smaller by the root of how many there are.

    Args:
        settings: the model's sizes.
        seed: the same one gives the same weights.

    Source: "Language Models are Unsupervised Multitask Learners", section 2.3; Hugging Face
    `GPT2PreTrainedModel._init_weights`.
    """
    weights = {}
    for name, shape in language_model(settings).items():
        if len(shape) == 2:
            scale = STANDARD_DEVIATION
            if name.endswith("c_proj.weight"):
                scale /= math.sqrt(2 * settings["n_layer"])
            weights[name] = np.random.default_rng([seed, zlib.crc32(name.encode())]).normal(scale=scale, size=shape)
        else:
            weights[name] = np.full(shape, 1.0 if name.endswith("weight") else 0.0)
    return {name: array.astype(np.float32) for name, array in weights.items()}
