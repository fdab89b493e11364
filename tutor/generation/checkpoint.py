"""Finds a GPT-2 checkpoint in Hugging Face format, and refuses one that does not fit. Step 15 reads its weights.

A checkpoint is a folder (or a repository on the hub) with config.json, model.safetensors
and tokenizer.json.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from tutor.errors import CheckpointError, PromptError
from tutor.learner.workspace import Workspace
from tutor.sizes import Settings

FILES = ("config.json", "model.safetensors", "tokenizer.json")

# The fields of `GPT2Config`, which Hugging Face's config.json may leave at their defaults.
_N_POSITIONS = 1024
_SIZES = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "layer_norm_epsilon")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was found: its sizes are read, its weights are not yet."""

    folder: Path
    sizes: Settings
    eos_token_id: int | None
    tokenizer: Tokenizer

    @property
    def n_positions(self) -> int:
        """The most tokens that the model can read at once."""
        return self.sizes.get("n_positions", _N_POSITIONS)

    def encode(self, text: str, called: str = "the prompt") -> list[int]:
        """Cuts a text into the ids of its tokens; `called` is what errors call it.

        Raises:
            PromptError: the text is empty, too long, or not UTF-8.
        """
        try:
            text.encode()
        except UnicodeEncodeError:
            raise PromptError(f"{called} is not UTF-8 text") from None
        ids = self.tokenizer.encode(text).ids
        if not ids:
            raise PromptError(f"{called} is empty: give the model at least one word to continue")
        if len(ids) > self.n_positions:
            most = f"this model reads at most {self.n_positions}"
            raise PromptError(f"{called} has {len(ids)} tokens; {most}: shorten it")
        return ids


def open_checkpoint(model: str | Path) -> Checkpoint:
    """Finds a checkpoint and reads all of it but the weights.

    Args:
        model: a local folder, or a repository on the hub such as `openai-community/gpt2`.

    Raises:
        CheckpointError: it is not there, or cannot be run by the course's model.
    """
    folder = Path(model) if Path(model).is_dir() else _download(str(model))
    for name in FILES:
        if name.endswith("safetensors") and not (folder / name).is_file() and any(folder.glob("*.bin")):
            raise CheckpointError(
                f"{folder} has its weights in a pickle file, which can run any program when it is opened, so it is "
                "refused: ask for the model in safetensors format, or convert it where you trust it"
            )
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} has no {name}; a checkpoint needs {', '.join(FILES)}")
    config = _read_config(folder / "config.json")
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the tokenizers package raises bare Exceptions
        raise CheckpointError(f"{folder / 'tokenizer.json'} is damaged: {error}") from None
    vocab_size = config.get("vocab_size", 50257)
    if tokenizer.get_vocab_size() > vocab_size:
        raise CheckpointError(
            f"the tokenizer in {folder} has {tokenizer.get_vocab_size()} tokens, the model only {vocab_size}: "
            "they do not belong together"
        )
    sizes = {name: config[name] for name in _SIZES if name in config}
    return Checkpoint(folder, sizes, config.get("eos_token_id", 50256), tokenizer)


def open_named(model: str | None, workspace: Workspace) -> Checkpoint:
    """Opens the checkpoint that a command names; None is the one that comes with the course. See `open_checkpoint`."""
    return open_checkpoint(workspace.checkpoint if model is None else model)


def _read_config(file: Path) -> Settings:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{file} is damaged: {error}") from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{file} is damaged: it does not hold an object")
    for name in _SIZES:
        integer = isinstance(config.get(name, 1), int) and not isinstance(config.get(name), bool)
        if name == "layer_norm_epsilon" or (name == "n_inner" and config.get(name) is None):
            continue
        if not integer or config.get(name, 1) <= 0:
            raise CheckpointError(f"{file}: {name} is {config[name]!r}, not a positive whole number")
    return config


def _download(model: str) -> Path:
    """Downloads a repository of the hub, or finds it in the hub's own cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    if model.count("/") > 1 or model.startswith((".", "/", "~")):
        raise CheckpointError(f"there is no folder {model}")
    try:
        return Path(snapshot_download(model, allow_patterns=list(FILES)))
    except HFValidationError:
        raise CheckpointError(f"{model} is neither a folder nor the id of a repository on the hub") from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"{model} is not a folder, and downloading it failed: {reason}") from None
