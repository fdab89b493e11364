"""Chapter 23: overfitting one batch, what a forward pass keeps, and how large gradients are in the shipped model."""

# ANCHOR: example
import numpy as np

from tutor.checks.numpy.model_gradients import loss_and_gradients  # your step 23, in NumPy
from tutor.training.fresh import initial_weights

settings = {"vocab_size": 30, "n_positions": 8, "n_embd": 16, "n_layer": 2, "n_head": 2}
parameters = initial_weights(settings, seed=0)
rng = np.random.default_rng(0)
tokens = rng.integers(30, size=(4, 9))  # four random texts: nothing to understand, all to memorise
ids, targets = tokens[:, :-1], tokens[:, 1:]

for step in range(401):
    results = loss_and_gradients(ids, targets, parameters, n_head=2, n_layer=2, eps=1e-5)
    if step % 100 == 0:
        print(f"step {step:3}  loss {results['loss']:.3f}")
    for name, parameter in parameters.items():
        parameter -= 0.5 * results[name].astype(np.float32)
# ANCHOR_END: example

from book.captures import Capture
from tutor.generation.checkpoint import open_checkpoint
from tutor.learner.workspace import REPOSITORY
from tutor.line_by_line.on_text import SENTENCE

# What is kept of each token and layer if every layer keeps what it was given, for GPT-2 small.
n_embd, n_layer, n_head, seq_len, batch = 768, 12, 12, 1024, 8
of_layers = 5 * n_embd + 3 * n_embd + 2 * 4 * n_embd  # the stream, norms, c_proj; q, k, v; both sides of GELU
of_weights = n_head * seq_len
tokens_in_batch = batch * seq_len
everything = 4 * tokens_in_batch * n_layer * (of_layers + of_weights)
one_input = 4 * tokens_in_batch * n_layer * n_embd
one_block = 4 * tokens_in_batch * (of_layers + of_weights)

# The gradient of each block's input in the shipped model, for one sentence.
from safetensors.numpy import load_file

checkpoint = open_checkpoint(REPOSITORY / "checkpoints/shakespeare")
kernels = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
weights = {
    name: array.T if name.endswith(kernels) else array for name, array in load_file(checkpoint.weights_file).items()
}
sentence = np.array([checkpoint.encode(SENTENCE)])
found = loss_and_gradients(sentence[:, :-1], sentence[:, 1:], weights, n_head=6, n_layer=4, eps=1e-5)


def norm_of_block(layer: int) -> float:
    """The norm of all gradients of a block."""
    own = [array for name, array in found.items() if name.startswith(f"transformer.h.{layer}.")]
    return float(np.sqrt(sum((array**2).sum() for array in own)))


table = found["transformer.wte.weight"]
own_rows = np.unique(sentence[:, :-1])

NUMBERS = {
    "numbers_of_layers": f"{of_layers:,}",
    "numbers_of_weights": f"{of_weights:,}",
    "everything": f"{everything / 1e9:.1f}",
    "one_input": f"{one_input / 1e6:.0f}",
    "one_block": f"{one_block / 1e6:.0f}",
    "parameters_gb": f"{4 * 124_439_808 / 1e6:.0f}",
    "first_block": f"{norm_of_block(0):.2f}",
    "last_block": f"{norm_of_block(3):.2f}",
    "rows": f"{int((np.abs(table).sum(axis=1) > 0).sum()):,}",
    "own_rows": f"{len(own_rows)}",
}

MIDDLE = "grad_middle = grad_y + grad_through"
CAPTURES = {
    "no_stream": Capture(replace=((MIDDLE, "grad_middle = grad_through"),)),
    "head_only": Capture(
        replace=(
            (
                'gradients["wte.weight"] = grad_table + embedding_backward(grad_x, input_ids, vocab_size)',
                'gradients["wte.weight"] = grad_table',
            ),
        )
    ),
    "outputs_kept": Capture(
        replace=(("        given.append(x)\n        x = block(x)", "        x = block(x)\n        given.append(x)"),)
    ),
    "forward_order": Capture(
        replace=(("for layer in reversed(range(len(given))):", "for layer in range(len(given)):"),)
    ),
}
