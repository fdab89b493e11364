"""Reads config.json and generation_config.json of a checkpoint, and refuses values that no model can have.

Source: Hugging Face `GPT2Config` (its defaults and its `attribute_map`) and `GenerationConfig`.
"""

import json
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tutor.errors import CheckpointError
from tutor.sizes import Settings

# Other names of sizes, which Hugging Face reads too.
OTHER_NAMES = {
    "hidden_size": "n_embd",
    "max_position_embeddings": "n_positions",
    "num_attention_heads": "n_head",
    "num_hidden_layers": "n_layer",
}

# No GPT-2 is near this: what is beyond is damaged, and would fill the memory before it fails.
_LARGEST = 1 << 24

Size = Annotated[int, Field(gt=0, le=_LARGEST)]
TokenId = Annotated[int, Field(ge=0, le=_LARGEST)]
Eos = TokenId | list[TokenId] | None


class ModelConfig(BaseModel):
    """What is read of config.json here. Step 15 reads, and may refuse, other settings."""

    model_config = ConfigDict(strict=True, frozen=True)

    vocab_size: Size = 50257
    n_positions: Size = 1024
    n_embd: Size = 768
    n_layer: Size = 12
    n_head: Size = 12
    n_inner: Size | None = None
    layer_norm_epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-5
    eos_token_id: Eos = None

    @model_validator(mode="before")
    @classmethod
    def _under_one_name(cls, settings: object) -> object:
        if not isinstance(settings, dict):
            return settings
        for other, name in OTHER_NAMES.items():
            if other in settings and settings.get(name, settings[other]) != settings[other]:
                raise ValueError(
                    f"{name} is {settings[name]!r} and {other} is {settings[other]!r}, but they name the same size"
                )
        return settings | {name: settings[other] for other, name in OTHER_NAMES.items() if other in settings}

    @property
    def sizes(self) -> Settings:
        """The sizes that the file has: keyword arguments of `GPT2Config`."""
        return self.model_dump(include=self.model_fields_set - {"eos_token_id"})


class GenerationConfig(BaseModel):
    """What is read of generation_config.json."""

    model_config = ConfigDict(strict=True, frozen=True)

    eos_token_id: Eos = None


Config = TypeVar("Config", bound=BaseModel)


def read_config(folder: Path) -> ModelConfig:
    """Reads the sizes of a model from its config.json.

    Raises:
        CheckpointError: the file is damaged, or a size is one that no model has.
    """
    return _read(ModelConfig, folder / "config.json")


def end_of_text(folder: Path, config: ModelConfig) -> tuple[int, ...]:
    """The tokens that end a text: the first of any does. If there is a generation_config.json, it decides.

    Raises:
        CheckpointError: generation_config.json is damaged.
    """
    file = folder / "generation_config.json"
    ids = _read(GenerationConfig, file).eos_token_id if file.is_file() else config.eos_token_id
    if ids is None:
        return ()
    return tuple(ids) if isinstance(ids, list) else (ids,)


def _read(model: type[Config], file: Path) -> Config:
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} is damaged: {error}") from None
    if not isinstance(settings, dict):
        raise CheckpointError(f"{file} is damaged: it does not hold an object")
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        raise CheckpointError(f"{file}: {_told(first['loc'], first['msg'], first['input'])}") from None


def _told(place: tuple[int | str, ...], message: str, value: object) -> str:
    """A complaint of pydantic's in the words of the other errors."""
    message = message.removeprefix("Value error, ")
    if not place:
        return message
    return f"{place[0]} is {_short(value)}: {message.replace('Input', 'it', 1)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
