"""What training starts from: a new model with a tokenizer of its own, or one that was trained before."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tutor.checking.guard import Guard
from tutor.errors import CheckpointError, TrainingError
from tutor.generation.checkpoint import open_checkpoint
from tutor.generation.model import read_weights
from tutor.sizes import Settings, language_model
from tutor.training.corpus import END_OF_TEXT, Text, encode, read_text, train_tokenizer
from tutor.training.fresh import initial_weights
from tutor.training.run import Start


@dataclass(frozen=True)
class Options:
    """What to train, and how: the options of the command, under their names."""

    data: Path
    steps: int
    batch_size: int
    accumulate: int
    seq_len: int | None
    learning_rate: float
    warmup: int | None
    weight_decay: float
    held_out: float
    evaluate_every: int
    seed: int
    vocab_size: int
    n_layer: int
    n_head: int
    n_embd: int
    n_positions: int

    def training(self, n_positions: int) -> dict[str, Any]:
        """The fields of step 25's `TrainingConfig` for a model that reads so many tokens.

        Raises:
            TrainingError: the windows are longer, or the warm-up leaves no step.
        """
        seq_len = n_positions if self.seq_len is None else self.seq_len
        if seq_len > n_positions:
            raise TrainingError(f"--seq-len {seq_len} is more than the model can read at once, which is {n_positions}")
        warmup = min(100, self.steps // 10) if self.warmup is None else self.warmup
        if warmup >= self.steps:
            raise TrainingError(f"--warmup {warmup} must be less than --steps {self.steps}")
        return {
            "steps": self.steps,
            "batch_size": self.batch_size,
            "accumulate": self.accumulate,
            "seq_len": seq_len,
            "peak_learning_rate": self.learning_rate,
            "warmup_steps": warmup,
            "final_learning_rate": self.learning_rate / 20,
            "betas": [0.9, 0.99],
            "weight_decay": self.weight_decay,
            "seed": self.seed,
        }


def new_model(options: Options) -> Start:
    """A new model, with a tokenizer that learns from the training part of the text alone.

    Raises:
        TrainingError: the text cannot be read, or the sizes do not fit each other.
    """
    if options.n_embd % options.n_head:
        raise TrainingError(f"--n-head {options.n_head} must divide --n-embd {options.n_embd}")
    text = read_text(options.data, options.held_out)
    tokenizer = train_tokenizer(text.training, options.vocab_size)
    settings = {
        # A short text gives fewer tokens than were asked for.
        "vocab_size": tokenizer.get_vocab_size(),
        "n_positions": options.n_positions,
        "n_embd": options.n_embd,
        "n_layer": options.n_layer,
        "n_head": options.n_head,
    }
    weights = initial_weights(settings, options.seed)
    return _start(options, text, tokenizer, tokenizer.token_to_id(END_OF_TEXT), settings, weights, model=None)


def fine_tuned(options: Options, model: str, guard: Guard) -> Start:
    """A model that was trained before, with its tokenizer.

    Raises:
        CheckpointError: it cannot be read, or is not one that the course can train.
        TrainingError: the text cannot be read.
        ProblemFound: the code of step 15 failed.
    """
    checkpoint = open_checkpoint(model)
    if not checkpoint.tied:
        raise CheckpointError(f"{model}: its head has a weight of its own, and this course trains tied heads alone")
    text = read_text(options.data, options.held_out)
    settings = dict(checkpoint.sizes)
    weights = read_weights(guard, checkpoint, language_model(settings), lambda told: None)
    end = checkpoint.eos_token_ids[0] if checkpoint.eos_token_ids else None
    return _start(options, text, checkpoint.tokenizer, end, settings, dict(weights), model=model)


def _start(
    options: Options,
    text: Text,
    tokenizer: Tokenizer,
    end_of_text: int | None,
    settings: Settings,
    weights: dict[str, Any],
    *,
    model: str | None,
) -> Start:
    asked = {name: value for name, value in asdict(options).items() if name in ("held_out", "evaluate_every", "seed")}
    return Start(
        settings=settings,
        weights=weights,
        tokenizer=tokenizer,
        end_of_text=end_of_text,
        training=encode(text.training, tokenizer, end_of_text),
        held_out=encode(text.held_out, tokenizer, end_of_text),
        options={
            "text": text.name,
            "text_sha256": text.fingerprint,
            "characters": len(text.training) + len(text.held_out),
            "model": model,
            "sizes": settings,
            "training": options.training(settings["n_positions"]),
            **asked,
        },
    )
