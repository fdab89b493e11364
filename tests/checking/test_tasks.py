"""A check gives its verdict in the order of the tasks: what is done shows right, the first function that is wrong is
explained, and what is not filled in yet is listed."""

from dataclasses import dataclass

import pytest

from tests.support.looking import looker, partly_filled
from tests.support.workspaces import make_workspace
from tutor.course import COURSE, Step
from tutor.learner.skeleton import as_learners_file
from tutor.learner.workspace import REPOSITORY, Workspace

# They run before every other method of their class.
MAKERS = ("__init__", "__post_init__")


def expected_states(functions: list[str], filled: list[str]) -> dict[str, str]:
    """Right, then unfilled; nothing is known of a method whose object cannot be made yet."""
    states = {}
    for function in functions:
        owner, _, name = function.rpartition(".")
        made = [f"{owner}.{maker}" for maker in MAKERS if owner and name not in MAKERS]
        unmade = any(maker in functions and maker not in filled for maker in made)
        states[function] = "right" if function in filled else "open" if unmade else "unfilled"
    return states


@pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)
def test_the_first_tasks_are_right_and_the_rest_is_not_filled_in(step: Step, tmp_path):
    with looker(step.number, make_workspace(tmp_path, filled=True)) as look:
        for count in range(len(look.functions) + 1):
            filled = look.functions[:count]
            attempt = look(partly_filled(step.number, filled))
            assert attempt.problem is None, attempt.problem
            assert attempt.states == expected_states(look.functions, filled)
            assert attempt.right == (count == len(look.functions))
            if attempt.unfilled is not None:
                assert f": {look.functions[count]}: " in attempt.unfilled.summary


def test_what_needs_a_function_that_is_not_filled_in_is_not_called_right(tmp_path):
    """The empty prompt is rejected already; what is chosen cannot be known."""
    with looker(14, make_workspace(tmp_path, filled=True)) as look:
        attempt = look(partly_filled(14, ["generate_next_token"]))
    assert attempt.states["choose_token"] == "unfilled"
    assert attempt.states["generate_next_token"] == "open"


@dataclass(frozen=True)
class Wrong:
    """A mistake in one function, and what must be said of it."""

    step: int
    function: str
    old: str
    new: str
    told: str


WRONG = (
    Wrong(0, "attend", "scale = 1 / math.sqrt(len(query))", "scale = 1.0", "without the 1/sqrt(head_dim) scale"),
    Wrong(1, "GPT2Config.head_dim", "self.n_embd // self.n_head", "self.n_embd / self.n_head", "Divide with `//`"),
    Wrong(3, "LayerNorm.__init__", "Tensor.zeros([dim])", "Tensor.zeros([dim, 1])", "wrong shape: bias"),
    Wrong(
        4,
        "GPT2MLP.__init__",
        "Linear(config.n_embd, intermediate_size)",
        "Linear(config.n_embd, intermediate_size, bias=False)",
        "A bias is missing: c_fc.bias",
    ),
    Wrong(
        9,
        "GPT2MultiHeadAttention._split_heads",
        "self.head_dim])\n        return x.transpose(1, 2)",
        "self.head_dim])\n        return x.reshape([batch, self.n_head, seq_len, self.head_dim])",
        "split without the transpose",
    ),
    Wrong(
        9,
        "GPT2MultiHeadAttention._merge_heads",
        "        x = x.transpose(1, 2)  # (batch, seq_len, n_head, head_dim)\n",
        "",
        "merged without the transpose",
    ),
    Wrong(
        13,
        "MaxGPT2LMHeadModel.__init__",
        "        self.lm_head.weight = self.transformer.wte.weight\n",
        "",
        "The head has its own table",
    ),
    Wrong(14, "generate_next_token", "logits[0, -1]", "logits[0, 0]", "the logits of the first position"),
    Wrong(14, "choose_token", "logits[order[before >= top_p]]", "logits[order[before > 2]]", "All tokens can still"),
    Wrong(15, "read_config", "if settings.get(name, value) != value:", "if False:", "Compare each name in FIXED"),
    Wrong(15, "read_weights", "if name.endswith(CONV1D):", "if array.shape != shapes[name]:", "transpose all four"),
    Wrong(
        16,
        "extend",
        "    ops.buffer_store_slice(cache, new, [every, every, (slice(num_tokens, end), seq_len), every])\n",
        "",
        "a cache that is never written",
    ),
    Wrong(16, "attend", " / math.sqrt(head_dim)", "", "without the 1/sqrt(head_dim) scale"),
    Wrong(
        16,
        "CachedGPT2LMHeadModel.predict",
        "caches[::2], caches[1::2]",
        "caches[1::2], caches[::2]",
        "a model that swaps keys and values",
    ),
    Wrong(
        16,
        "CachedGPT2LMHeadModel.forward",
        " + num_tokens.to(input_ids.device)",
        "",
        "a model that takes the first new token for the first of the text",
    ),
    Wrong(
        17,
        "BatchedGPT2LMHeadModel.forward",
        "F.where(start <= key, key, NEVER)",
        "F.where(start <= key, key, key)",
        "a model that sees the padding",
    ),
    Wrong(
        18,
        "merge_heads",
        "x = x.transpose(-3, -2)  # (..., seq_len, num_heads, head_dim)\n",
        "x = x.reshape([*x.shape[:-3], x.shape[-2], x.shape[-3], x.shape[-1]])\n",
        "merged without the transpose",
    ),
    Wrong(18, "eager_attention", " / math.sqrt(head_dim)  # (batch,", "  # (batch,", "without the 1/sqrt(head_dim)"),
    Wrong(18, "visible_range", "sequence + 1, axis=0) - 1", "sequence + 1, axis=0)", "the first token of the next"),
    Wrong(18, "online_softmax_step", "correction * running_sum", "running_sum", "does not correct its running sum"),
    Wrong(
        18,
        "sdpa_bidirectional_attention",
        "fused_attention(query, key, value, num_heads, head_dim, mask, causal=False)",
        "fused_attention(query, key, value, num_heads, head_dim, mask, causal=True)",
        "fused bidirectional attention that hides later tokens",
    ),
    Wrong(19, "check_shapes", "if key.shape[-2] != value.shape[-2]:", "if False:", "`key.shape[-2]`"),
    Wrong(19, "visible_keys", "else mask == 1", "else mask != 0", "Compare the mask with 1"),
    Wrong(
        19,
        "MultiHeadAttention.__init__",
        "({embed_dim}) must be divisible",
        "({embed_dim}) cannot be divided",
        "word for word",
    ),
)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.step:02d}-{wrong.function}")
def test_the_first_function_that_is_wrong_is_explained(wrong: Wrong, tmp_path):
    solution = as_learners_file(Workspace(REPOSITORY).solution(wrong.step).read_text())
    assert solution.count(wrong.old) == 1
    with looker(wrong.step, make_workspace(tmp_path, filled=True)) as look:
        attempt = look(solution.replace(wrong.old, wrong.new))
        place = look.functions.index(wrong.function)
    problem = attempt.problem
    assert problem is not None and problem.step == wrong.step
    assert list(attempt.states.values()) == ["right"] * place + ["wrong"] + ["open"] * (len(attempt.states) - place - 1)
    assert wrong.told in f"{problem.summary} {problem.advice}", problem
