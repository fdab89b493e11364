"""Pages that show the interactive pictures, with stand-in data."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

BOOK = Path(__file__).parents[2] / "book"
WIDGETS = {
    "attention-explorer": ("attention_explorer.js", "attention.js"),
    "mask-builder": ("mask_builder.js", None),
    "sampling-playground": ("sampling.js", "sampling.js"),
}
TOKENS = ["JULIET", ":", "\n", "Good", " m", "orrow", ",", " my", " lord"]
N_LAYER, N_HEAD, HEAD_DIM = 2, 3, 4
VOCAB_SIZE = 40


def attention_data() -> dict[str, Any]:
    """Random queries, keys and values, in the shape of the book's data."""
    rng = np.random.default_rng(0)

    def heads() -> list[Any]:
        return rng.normal(size=(N_HEAD, len(TOKENS), HEAD_DIM)).astype(np.float32).tolist()

    layers = [{"query": heads(), "key": heads(), "value": heads()} for _ in range(N_LAYER)]
    return {
        "text": "".join(TOKENS),
        "tokens": TOKENS,
        "n_layer": N_LAYER,
        "n_head": N_HEAD,
        "head_dim": HEAD_DIM,
        "layers": layers,
    }


def sampling_data() -> dict[str, Any]:
    """A small vocabulary and two prompts with random logits."""
    rng = np.random.default_rng(1)
    tokens = [" the", "\n", *(f"w{index}" for index in range(2, VOCAB_SIZE))]
    prompts = [
        {"text": text, "logits": rng.normal(scale=2, size=VOCAB_SIZE).astype(np.float32).tolist()}
        for text in ("First Citizen:\n", "I will")
    ]
    return {"tokens": tokens, "prompts": prompts}


DATA = {"attention.js": ("attention", attention_data()), "sampling.js": ("sampling", sampling_data())}
SAMPLING = DATA["sampling.js"][1]


def write_parts(folder: Path) -> None:
    """Puts the scripts and the stand-in data into a folder, where the chapters expect them."""
    shutil.copytree(BOOK / "src/widgets", folder / "widgets", dirs_exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    for file, (name, data) in DATA.items():
        (folder / "data" / file).write_text(
            f"window.courseData = window.courseData || {{}};\nwindow.courseData.{name} = {json.dumps(data)};\n"
        )


def embedding(tag: str, *, with_data: bool = True) -> str:
    """What a chapter holds to show a picture, in Markdown."""
    script, data = WIDGETS[tag]
    sources = [f"data/{data}"] if data and with_data else []
    sources += ["widgets/shared.js", f"widgets/{script}"]
    scripts = "\n".join(f'<script src="{source}"></script>' for source in sources)
    return f"{scripts}\n<{tag}>\n\nFallback text.\n\n</{tag}>\n"


def write_page(folder: Path, body: str) -> str:
    """Writes a page without mdBook around it and returns its address."""
    write_parts(folder)
    (folder / "page.html").write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>{body}')
    return (folder / "page.html").as_uri()
