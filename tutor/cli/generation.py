"""The command that lets a model write: generate."""

import math
import sys

import click

from tutor.cli.common import DEVICE, MODEL, SOURCE, problems_told
from tutor.learner.workspace import Workspace, cache_folder
from tutor.terminal.printer import Printer, make_console
from tutor.terminal.waiting import Waiting


def _finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number")
    return value


def _not_empty(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    if "" in values:
        raise click.BadParameter("the text must not be empty")
    return values


@click.command()
@click.argument("prompt", required=False)
@click.option("--prompts", metavar="FILE", help="Continue each line of this file; - reads stdin.")
@click.option("--batch-size", type=click.IntRange(min=1, max=256), default=8, show_default=True,
              help="How many lines are continued together.")  # fmt: skip
@MODEL
@SOURCE
@click.option("--max-new-tokens", type=click.IntRange(min=1), default=200, show_default=True,
              help="The most tokens to add.")  # fmt: skip
@click.option("--temperature", type=click.FloatRange(min=0), default=0.8, show_default=True, callback=_finite,
              help="0 always takes the most likely token.")  # fmt: skip
@click.option("--top-k", type=click.IntRange(min=1), help="Draw only from the k most likely tokens.")
@click.option("--top-p", type=click.FloatRange(min=0, min_open=True, max=1), callback=_finite,
              help="Draw only from the likeliest tokens that together have this probability.")  # fmt: skip
@click.option("--repetition-penalty", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              callback=_finite, help="Above 1, tokens that were read already become less likely.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0),
              help="The same seed gives the same text. The second prompt takes the next seed, and so on.")  # fmt: skip
@click.option("--stop", "stops", multiple=True, metavar="TEXT", callback=_not_empty,
              help="End before this text; may be given more than once.")  # fmt: skip
@click.option("--echo/--no-echo", default=True, show_default=True, help="Print the prompt before its continuation.")
@click.option("--quantize", is_flag=True, help="Round the weights to four and a half bits: much faster on a CPU, and "
              "nearly as good.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each prompt as soon as it has ended.")
@click.option("--stats", is_flag=True, help="Say at the end, on stderr, how fast the text came.")
@DEVICE
def generate(prompt: str | None, *, prompts: str | None, batch_size: int, model: str | None, source: str,
             max_new_tokens: int, temperature: float, top_k: int | None, top_p: float | None,
             repetition_penalty: float, seed: int | None, stops: tuple[str, ...], echo: bool, as_json: bool,
             quantize: bool, stats: bool, device: str) -> None:  # fmt: skip
    """Continue PROMPT with the GPT-2 of this course.

    A text that outgrows what the model can read at once goes on: its last half is read again.
    """
    from tutor.generation import model as generation
    from tutor.generation.checkpoint import open_named
    from tutor.generation.prompt_files import read_prompts, write_json, write_text
    from tutor.generation.sampling import SamplingParams

    workspace, notes = Workspace.find(), make_console(stderr=True)
    if prompt is not None and prompts is None:
        named = [("the prompt", prompt)]
    elif prompts is not None and prompt is None:
        named = read_prompts(prompts)
    else:
        raise click.UsageError("give either a PROMPT or --prompts FILE", click.get_current_context())
    texts = [text for _, text in named]
    checkpoint = open_named(model, workspace)
    ids = [checkpoint.encode(text, called) for called, text in named]
    with problems_told(own=source == "steps"):
        with Waiting(notes) as waiting:
            loaded = generation.load(
                checkpoint,
                workspace,
                own_steps=source == "steps",
                device=device,
                quantized=quantize,
                cache_folder=cache_folder(),
                on_compile=waiting.begin_model,
                on_borrowed=Printer(notes).note,
            )
        pace = generation.Throughput()
        pieces = loaded.stream(
            ids,
            max_new_tokens=max_new_tokens,
            sampling=SamplingParams(temperature, top_k, top_p, repetition_penalty, seed),
            stops=stops,
            batch_size=batch_size,
            pace=pace,
        )
        if as_json:
            write_json(pieces, texts, out=sys.stdout)
        else:
            write_text(pieces, texts, echo=echo, out=sys.stdout)
        if stats:
            notes.print(f"\n{pace} ({loaded.engine.name})", highlight=False)
