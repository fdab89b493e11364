"""The page on speed: the figures of one run of `make bench`, as the run recorded them."""

import json

from tutor.learner.workspace import REPOSITORY

RUN = json.loads((REPOSITORY / "benchmarks" / "results" / "speed.json").read_text())
FIGURES = RUN["seconds_or_megabytes"]
OURS, NO_CACHE, Q4_0, TORCH, COMPILED = (
    "this project",
    "this project, no cache",
    "this project, Q4_0",
    "PyTorch",
    "PyTorch, compiled",
)
FLOOR = RUN["weight_bytes"] / RUN["bandwidth"]


def _ms(label: str, name: str) -> str:
    return f"{1e3 * FIGURES[label][name]:.1f}"


def _ratio(label: str, name: str = OURS) -> str:
    """How many times as fast as the faster of the PyTorch versions."""
    best = min(seconds for who, seconds in FIGURES[label].items() if who.startswith("PyTorch"))
    return f"{best / FIGURES[label][name]:.1f}"


NUMBERS = {
    "threads": str(RUN["machine"]["threads"]),
    "modular": RUN["versions"]["modular"],
    "torch": RUN["versions"]["torch"].partition("+")[0],
    "transformers": RUN["versions"]["transformers"],
    "weights_mb": f"{RUN['weight_bytes'] / 1e6:.0f}",
    "bandwidth": f"{RUN['bandwidth'] / 1e9:.0f}",
    "floor": f"{1e3 * FLOOR:.1f}",
    "of_the_floor": f"{100 * FLOOR / FIGURES['decode at 10'][OURS]:.0f}",
    "growth": f"{FIGURES['decode at 1000'][OURS] / FIGURES['decode at 10'][OURS]:.2f}",
    "start_up": f"{RUN['start_up_seconds']:.1f}",
    "peak_ours": f"{FIGURES['peak MB, batch 1'][OURS]:.0f}",
    "peak_torch": f"{FIGURES['peak MB, batch 1'][TORCH]:.0f}",
    "peak_all_ours": f"{FIGURES['peak MB, all'][OURS]:.0f}",
    "peak_all_torch": f"{FIGURES['peak MB, all'][TORCH]:.0f}",
    "loss_float32": f"{RUN['loss']['float32']:.4f}",
    "loss_q4_0": f"{RUN['loss']['Q4_0']:.4f}",
    "loss_rise": f"{100 * (RUN['loss']['Q4_0'] / RUN['loss']['float32'] - 1):.2f}",
    **{
        f"{what}_{size}_{column}": _ms(f"{label}{size}", name)
        for what, label, sizes in (
            ("prefill", "prefill ", (16, 128, 512, 1024)),
            ("decode", "decode, batch ", (1, 4, 8, 16)),
            ("at", "decode at ", (10, 250, 500, 1000)),
        )
        for size in sizes
        for column, name in (("ours", OURS), ("q4_0", Q4_0), ("torch", TORCH), ("compiled", COMPILED))
        if name in FIGURES[f"{label}{size}"]
    },
    **{f"at_{size}_no_cache": _ms(f"decode at {size}", NO_CACHE) for size in (10, 250, 500, 1000)},
    **{f"prefill_{size}_ratio": _ratio(f"prefill {size}") for size in (16, 128, 512, 1024)},
    **{f"decode_{size}_ratio": _ratio(f"decode, batch {size}") for size in (1, 4, 8, 16)},
    "q4_0_ratio": _ratio("decode, batch 1", Q4_0),
}
