"""What a safetensors file says of its tensors, without reading them.

Source: the format of safetensors: the length of a header in 8 bytes, the header in JSON, the data.
"""

import json
import re
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from tutor.errors import CheckpointError

_LAYER = re.compile(r"(?:^|\.)h\.(\d+)\.")
# Keys may lack the prefix `transformer.`: see step 15.
_EMBEDDINGS, _HEAD = ("transformer.wte.weight", "wte.weight"), "lm_head.weight"


class TensorsOnDisk:
    """The tensors of a checkpoint's file, by name."""

    def __init__(self, file: Path) -> None:
        """Reads the file's header.

        Raises:
            CheckpointError: the file is damaged.
        """
        try:
            with safe_open(file, framework="numpy"):
                pass  # safetensors has checked that the header is right
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file} is damaged: {error}") from None
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            self._header = json.loads(stream.read(length))
        self._file, self._start = file, 8 + length

    @property
    def n_layer(self) -> int:
        """The number of layers: one more than the largest."""
        layers = [int(match[1]) for name in self._header if (match := _LAYER.search(name))]
        return max(layers, default=-1) + 1

    @property
    def tied(self) -> bool:
        """Whether the head has no values of its own: none at all, or those of the table of the embeddings.

        Source: Hugging Face does not tie two tensors that are both in the file and differ.
        """
        if _HEAD not in self._header:
            return True
        table = next((name for name in _EMBEDDINGS if name in self._header), None)
        return table is not None and self._same(_HEAD, table)

    def _same(self, one: str, other: str) -> bool:
        first, second = self._header[one], self._header[other]
        if (first["dtype"], first["shape"]) != (second["dtype"], second["shape"]):
            return False
        return np.array_equal(self._bytes(one), self._bytes(other))

    def _bytes(self, name: str) -> np.ndarray:
        begin, end = self._header[name]["data_offsets"]
        return np.memmap(self._file, np.uint8, "r", self._start + begin, end - begin)
