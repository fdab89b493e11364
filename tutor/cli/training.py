"""The commands that train a model, and that measure one: train and evaluate."""

import json
import math
from pathlib import Path

import click

from tutor.cli.common import DEVICE, MODEL, SOURCE, problems_told
from tutor.learner.workspace import Workspace, cache_folder
from tutor.terminal.printer import make_console
from tutor.terminal.waiting import Waiting


def _finite(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number")
    return value


@click.command()
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The text to learn from.")
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="The folder for the model; new, or with --resume one that was begun.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on where training in the folder was stopped.")
@click.option("--model", help="Start from this Hugging Face folder or hub id; from a new model if left out.")
@SOURCE
@click.option("--steps", type=click.IntRange(min=1), default=1000, show_default=True, help="How many steps to take.")
@click.option("--batch-size", type=click.IntRange(min=1), default=16, show_default=True,
              help="Windows that go through the model at once.")  # fmt: skip
@click.option("--accumulate", type=click.IntRange(min=1), default=1, show_default=True,
              help="Batches whose gradients are added up for one step.")  # fmt: skip
@click.option("--seq-len", type=click.IntRange(min=1),
              help="Tokens that are predicted in each window; by default what the model reads at once.")  # fmt: skip
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), default=1e-3, show_default=True,
              callback=_finite, help="The largest learning rate.")  # fmt: skip
@click.option("--warmup", type=click.IntRange(min=0), help="Steps of warm-up; by default a tenth, at most 100.")
@click.option("--weight-decay", type=click.FloatRange(min=0), default=0.1, show_default=True, callback=_finite,
              help="How strongly matrices are drawn to 0.")  # fmt: skip
@click.option("--held-out", type=click.FloatRange(min=0, max=1, min_open=True, max_open=True), default=0.1,
              show_default=True, help="The part of the text, at its end, that shows what was learned.")  # fmt: skip
@click.option("--evaluate-every", type=click.IntRange(min=1), default=100, show_default=True,
              help="Steps between two looks at the held-out part; then everything is saved.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="The same seed gives the same model.")  # fmt: skip
@click.option("--vocab-size", type=click.IntRange(min=257), default=1024, show_default=True, help="Of a new model.")
@click.option("--n-layer", type=click.IntRange(min=1), default=4, show_default=True, help="Of a new model.")
@click.option("--n-head", type=click.IntRange(min=1), default=6, show_default=True, help="Of a new model.")
@click.option("--n-embd", type=click.IntRange(min=1), default=192, show_default=True, help="Of a new model.")
@click.option("--n-positions", type=click.IntRange(min=1), default=256, show_default=True, help="Of a new model.")
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Append each evaluation to this file.")
@DEVICE
@click.pass_context
def train(ctx: click.Context, *, data: Path | None, output: Path, resume: bool, model: str | None, source: str,
          log: Path | None, device: str, **options: float | None) -> None:  # fmt: skip
    """Train a GPT-2 on a text of yours.

    The folder gets a model in Hugging Face format, which `generate --model` runs: the one that predicts the held-out
    part of the text best. Ctrl-C stops after the step that is going on, and --resume goes on there.
    """
    from tutor.terminal.training import Listener
    from tutor.training import run as training
    from tutor.training.start import Options, fine_tuned, new_model

    given = [f"--{name.replace('_', '-')}" for name in (*options, "data", "model")
             if ctx.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE]  # fmt: skip
    if resume and given:
        raise click.UsageError(f"--resume goes on as training was begun: leave out {', '.join(sorted(given))}", ctx)
    if not resume and data is None:
        raise click.UsageError("say what to learn from: --data FILE", ctx)
    workspace, notes = Workspace.find(), make_console(stderr=True)
    with problems_told(own=source == "steps"):
        guard = training.open_code(workspace, own_steps=source == "steps")
        with Waiting(notes) as waiting:
            where = (device, cache_folder(), waiting.begin_model)
            if resume:
                run = training.resume(output, guard, *where)
            else:
                assert data is not None
                training.check_folder(output)
                chosen = Options(data=data, **options)  # pyright: ignore[reportArgumentType] - click has checked them
                waiting.begin("reading the text", brief=True)
                start = new_model(chosen) if model is None else fine_tuned(chosen, model, guard)
                run = training.begin(start, output, guard, *where)
        Listener(make_console(), run, log).watch()


@click.command("evaluate")
@click.argument("text_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@MODEL
@click.option("--stride", type=click.IntRange(min=1),
              help="How far windows are apart; by default half of what the model reads at once.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as a line of JSON.")
@SOURCE
@DEVICE
def evaluate_text(text_file: Path, *, model: str | None, stride: int | None, as_json: bool, source: str,
                  device: str) -> None:  # fmt: skip
    """Measure how well a model predicts TEXT_FILE: loss, perplexity, and bits for each byte.

    The text should be one that the model has not been trained on.
    """
    from tutor.generation.checkpoint import open_named
    from tutor.training.model_loss import evaluate_file

    workspace, notes = Workspace.find(), make_console(stderr=True)
    checkpoint = open_named(model, workspace)
    most = checkpoint.n_positions
    if stride is not None and stride > most:
        raise click.UsageError(f"--stride {stride} would leave tokens out: at most {most}", click.get_current_context())
    with problems_told(own=source == "steps"), Waiting(notes) as waiting:

        def progress(done: int, total: int) -> None:
            if done == 0:
                waiting.begin("reading", brief=True)
            waiting.update(f"reading: {done} of {total} windows")

        found = evaluate_file(
            text_file,
            checkpoint,
            workspace,
            own_steps=source == "steps",
            device=device,
            stride=stride or max(1, most // 2),
            cache_folder=cache_folder(),
            on_compile=waiting.begin_model,
            on_progress=progress,
        )
    if as_json:
        numbers = {"tokens": found.tokens, "loss": found.loss, "perplexity": found.perplexity}
        click.echo(json.dumps({**numbers, "bits_per_byte": found.bits_per_byte}))
        return
    click.echo(f"{found.tokens:,} tokens predicted")
    click.echo(f"loss           {found.loss:.4f} nats a token")
    click.echo(f"perplexity     {found.perplexity:.2f}")
    click.echo(f"bits per byte  {found.bits_per_byte:.4f}")
