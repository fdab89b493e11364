"""Finds a GPT-2 checkpoint in Hugging Face format, and refuses one that does not fit. Step 15 reads its weights.

A checkpoint is a folder (or a repository on the hub) with config.json, model.safetensors
and tokenizer.json.
"""

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from tutor.errors import CheckpointError, PromptError
from tutor.generation.config import ModelConfig, end_of_text, read_config
from tutor.generation.weights_file import TensorsOnDisk
from tutor.learner.workspace import Workspace
from tutor.sizes import Settings

FILES = ("config.json", "model.safetensors", "tokenizer.json")
OPTIONAL_FILES = ("generation_config.json",)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was found: its sizes are read, its weights are not yet.

    Args:
        folder: where it is.
        config: what its config.json says.
        eos_token_ids: the tokens that end a text.
        tokenizer: cuts texts into tokens.
        tied: whether the head shares the table of the embeddings, as GPT-2's does.
    """

    folder: Path
    config: ModelConfig
    eos_token_ids: tuple[int, ...]
    tokenizer: Tokenizer
    tied: bool

    @property
    def sizes(self) -> Settings:
        """The sizes that the checkpoint gives: keyword arguments of `GPT2Config`."""
        return self.config.sizes

    @property
    def weights_file(self) -> Path:
        """The file with the weights."""
        return self.folder / "model.safetensors"

    @property
    def n_positions(self) -> int:
        """The most tokens that the model can read at once."""
        return self.config.n_positions

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
    config = read_config(folder)
    tokenizer = _read_tokenizer(folder / "tokenizer.json")
    # Not the number of tokens: a vocabulary may have holes.
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
    if largest >= config.vocab_size:
        raise CheckpointError(
            f"the tokenizer in {folder} has token ids up to {largest}, the model only up to {config.vocab_size - 1}: "
            "they do not belong together"
        )
    tensors = TensorsOnDisk(folder / "model.safetensors")
    if tensors.n_layer != config.n_layer:
        raise CheckpointError(
            f"{folder}: config.json says n_layer is {config.n_layer}, but model.safetensors has {tensors.n_layer} "
            "layers: they do not belong together"
        )
    return Checkpoint(folder, config, end_of_text(folder, config), tokenizer, tensors.tied)


def open_named(model: str | None, workspace: Workspace) -> Checkpoint:
    """Opens the checkpoint that a command names; None is the one that comes with the course. See `open_checkpoint`."""
    return open_checkpoint(workspace.checkpoint if model is None else model)


def _read_tokenizer(file: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the tokenizers package raises bare Exceptions
        raise CheckpointError(f"{file} is damaged: {error}") from None
    # They are left over from training: Hugging Face pads and cuts a text only if it is asked to.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _download(model: str) -> Path:
    """Downloads a repository of the hub, or finds it in the hub's own cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    if model.count("/") > 1 or model.startswith((".", "/", "~")):
        raise CheckpointError(f"there is no folder {model}")
    try:
        return Path(snapshot_download(model, allow_patterns=[*FILES, *OPTIONAL_FILES]))
    except HFValidationError:
        raise CheckpointError(f"{model} is neither a folder nor the id of a repository on the hub") from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"{model} is not a folder, and downloading it failed: {reason}") from None
