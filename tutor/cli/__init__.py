"""The command line: `python -m tutor COMMAND`. `pixi run X` and `make X` are the same commands.

Exit status: 0 if all is well (for a check: green), 1 if not, 2 for a command that makes no
sense, 130 after Ctrl-C.
"""

import difflib
import math
import os
import re
import sys
from pathlib import Path

import click

from tutor.checking import supervisor
from tutor.course import COURSE, Step, find_step
from tutor.errors import CompileError, CourseError, DamagedProgressError, UnknownStepError
from tutor.invocation import typed
from tutor.learner import progress
from tutor.learner.backup import back_up
from tutor.learner.skeleton import as_learners_file, skeleton_of
from tutor.learner.workspace import Workspace, cache_folder
from tutor.terminal.report import Report, make_console

DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    help="Where graphs run; auto is the GPU if MAX finds one.",
)


MODEL = click.option(
    "--model", help="A Hugging Face folder or hub id; the course's small Shakespeare model if left out."
)
SOURCE = click.option(
    "--from",
    "source",
    type=click.Choice(["solutions", "steps"]),
    default="solutions",
    show_default=True,
    help="Run the solutions, or the model that you wrote.",
)


class StepType(click.ParamType):
    """A step number: 2, 02, s02. Or its file, as an editor names it: steps/step_02.py, or the whole path."""

    name = "step"

    def convert(self, value: str | Step, param: click.Parameter | None, ctx: click.Context | None) -> Step:
        if isinstance(value, Step):
            return value
        if "/" in value or value.endswith(".py"):
            return self._step_of(Path(value), param, ctx)
        match = re.fullmatch(r"s?(\d{1,3})", value)
        if match is None:
            self.fail(f"{value!r} is not the number of a step", param, ctx)
        try:
            return find_step(int(match[1]))
        except UnknownStepError as error:
            self.fail(str(error), param, ctx)

    def _step_of(self, file: Path, param: click.Parameter | None, ctx: click.Context | None) -> Step:
        """The step that is written in a file. The file need not exist: `reset` brings it back."""
        workspace = Workspace.find()
        for step in COURSE:
            if file.resolve() == workspace.step(step.number).resolve():
                return step
        self.fail(f"{str(file)!r} is not the file of a step: open one in {workspace.root / 'steps'}", param, ctx)


class Commands(click.Group):
    """The commands, with `s09` as another way to say `check 09`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if re.fullmatch(r"s\d+", args[0]):
            args = ["check", args[0], *args[1:]]
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Build GPT-2 from scratch with MAX: check your steps, get hints, generate text.

    `sNN` is short for `check NN`: s02 checks step 02.
    """


@cli.command()
@click.argument("step", type=StepType())
@click.option("--solutions", is_flag=True, help="Check the solution in place of your file.")
@DEVICE
def check(step: Step, *, solutions: bool, device: str) -> None:
    """Check STEP: run it, compare its numbers, say why they differ."""
    report, workspace = Report(make_console()), Workspace.find()
    file = workspace.solution(step.number) if solutions else workspace.step(step.number)
    shown = str(file.relative_to(workspace.root))
    if not file.exists():
        raise click.ClickException(f"{shown} is missing. `{typed('reset', step.label)}` brings the skeleton back.")
    known, damage = _load_progress(workspace)
    with report.phases(step) as display:
        finished = supervisor.run(
            step.number, workspace, solutions=solutions, device=device, green=known.green, on_phase=display
        )
    verdict = finished.verdict
    report.verdict(step, verdict, file=shown, printed=finished.printed)
    if damage:
        report.error(damage)
    if not solutions:
        progress.record_verdict(workspace, step.number, verdict.files if verdict.green else None)
    sys.exit(0 if verdict.green else 1)


@cli.command()
@click.argument("step", type=StepType())
def hint(step: Step) -> None:
    """Show the next hint for STEP."""
    workspace = Workspace.find()
    with progress.update(workspace) as known:
        shown = min(known.hints.get(step.number, 0) + 1, len(step.hints))
        known.hints[step.number] = shown
    report = Report(make_console())
    report.hint(step, shown)
    if shown == len(step.hints):
        report.say(f"This is the last hint. `{typed('diff', step.label)}` shows your file against the solution.")


@cli.command()
@click.argument("step", type=StepType())
def diff(step: Step) -> None:
    """Show your file for STEP against the solution."""
    workspace = Workspace.find()
    own, solution = workspace.step(step.number), workspace.solution(step.number)
    if not own.exists():
        raise click.ClickException(f"{own.relative_to(workspace.root)} is missing.")
    try:
        text = as_learners_file(solution.read_text(encoding="utf-8"))
        mine = own.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{own.relative_to(workspace.root)} is not UTF-8 text: {error}") from None
    names = [str(file.relative_to(workspace.root)) for file in (own, solution)]
    lines = difflib.unified_diff(mine.splitlines(), text.splitlines(), *names, lineterm="")
    Report(make_console()).diff(list(lines), step)


@cli.command()
@click.argument("step", type=StepType())
def reset(step: Step) -> None:
    """Restore the skeleton of STEP; a dated copy of your file is kept."""
    workspace = Workspace.find()
    file = workspace.step(step.number)
    skeleton = skeleton_of(workspace.solution(step.number).read_text(encoding="utf-8"), step.number)
    report = Report(make_console())
    if file.exists() and file.read_bytes() == skeleton.encode():
        report.say(f"{file.relative_to(workspace.root)} is the skeleton already.")
        return
    copy = back_up(workspace, step.number)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(skeleton, encoding="utf-8")
    os.replace(partial, file)
    report.say(f"{file.relative_to(workspace.root)} is the skeleton again.")
    if copy is not None:
        report.say(f"Your file is kept as {copy.relative_to(workspace.root)}.")


@cli.command(name="progress")
def show_progress() -> None:
    """Show what is right and what is next."""
    workspace = Workspace.find()
    known = progress.load(workspace)
    Report(make_console()).progress(progress.step_states(workspace, known.green), known.hints)


@cli.command()
@click.argument("step", type=StepType())
@click.option("--solutions", is_flag=True, help="Show the solution's graph in place of yours.")
@DEVICE
def graph(step: Step, *, solutions: bool, device: str) -> None:
    """Print the MAX graph that your code for STEP builds."""
    from tutor.checking.guard import ProblemFound
    from tutor.checking.run import trace_first

    report, workspace = Report(make_console()), Workspace.find()
    try:
        text = trace_first(step.number, workspace, solutions=solutions, device=device)
    except ProblemFound as stop:
        Report(make_console(stderr=True)).problem(stop.problem)
        sys.exit(1)
    if text is None:
        report.say(f"Step {step.label} is plain Python: it builds no graph.")
        return
    report.code(text, "llvm")


def _finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number")
    return value


def _not_empty(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    if "" in values:
        raise click.BadParameter("the text must not be empty")
    return values


@cli.command()
@click.argument("prompt", required=False)
@click.option("--prompts", metavar="FILE", help="Continue each line of this file; - reads stdin.")
@click.option("--batch-size", type=click.IntRange(min=1, max=256), default=8, show_default=True,
              help="How many lines are continued together.")  # fmt: skip
@MODEL
@SOURCE
@click.option("--max-new-tokens", type=click.IntRange(min=1), default=200, show_default=True)
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
@click.option("--stats", is_flag=True, help="Tell on stderr how fast the text came.")
@DEVICE
def generate(prompt: str | None, *, prompts: str | None, batch_size: int, model: str | None, source: str,
             max_new_tokens: int, temperature: float, top_k: int | None, top_p: float | None,
             repetition_penalty: float, seed: int | None, stops: tuple[str, ...], echo: bool, as_json: bool,
             quantize: bool, stats: bool, device: str) -> None:  # fmt: skip
    """Continue PROMPT with the GPT-2 of this course.

    A text that outgrows what the model can read at once goes on: its last half is read anew.
    """
    if (prompt is None) == (prompts is None):
        raise click.UsageError("give either a PROMPT or --prompts FILE", click.get_current_context())
    from tutor.checking.guard import ProblemFound
    from tutor.generation import model as generation
    from tutor.generation.checkpoint import open_checkpoint
    from tutor.generation.prompt_files import read_prompts, write_json, write_text
    from tutor.generation.sampling import SamplingParams

    workspace, notes = Workspace.find(), make_console(stderr=True)
    named = [("the prompt", prompt)] if prompts is None else read_prompts(prompts)
    texts = [text for _, text in named]
    checkpoint = open_checkpoint(workspace.checkpoint if model is None else model)
    ids = [checkpoint.encode(text, called) for called, text in named]
    try:
        loaded = generation.load(
            checkpoint,
            workspace,
            own_steps=source == "steps",
            device=device,
            quantized=quantize,
            cache_folder=cache_folder(),
            on_compile=lambda count: notes.print("compiling the model with MAX: about a minute, once", style="dim"),
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
            notes.print(f"{pace} ({loaded.engine.name})", highlight=False)
    except CompileError as error:
        raise CourseError(f"MAX cannot compile the model: {error}") from None
    except ProblemFound as stop:
        sys.stdout.flush()
        Report(notes).problem(stop.problem)
        sys.exit(1)


@cli.command()
@click.argument("text")
@click.option("--layer", type=click.IntRange(min=0), metavar="L", help="Which layer; 0 if left out.")
@click.option("--head", type=click.IntRange(min=0), metavar="H", help="Which head of the layer; 0 if left out.")
@click.option("--summary", is_flag=True,
              help="Draw nothing; of all heads, list those that look at the previous token, at the first, at the same "
              "token earlier, and at what followed it (induction).")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE",
              help="Write a picture, .svg, .html or .png, in place of drawing in the terminal.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Let --output replace a file.")
@MODEL
@SOURCE
@DEVICE
def attention(text: str, *, layer: int | None, head: int | None, summary: bool, output: Path | None, overwrite: bool,
              model: str | None, source: str, device: str) -> None:  # fmt: skip
    """Show which tokens of TEXT look at which, in any head of a GPT-2.

    The map has a row for each token: how it shares out its attention among itself and the tokens before it.
    """
    from tutor.attention_maps import head_patterns, pictures, terminal_map
    from tutor.attention_maps.weights import open_reader
    from tutor.checking.guard import ProblemFound
    from tutor.generation.checkpoint import open_checkpoint

    if summary and not layer is head is output is None:
        raise click.UsageError("--summary looks at all heads and draws none: leave --layer, --head and --output out")
    workspace, report, notes = Workspace.find(), Report(make_console()), make_console(stderr=True)
    if output is not None:
        pictures.check(output, overwrite=overwrite)
    try:
        checkpoint = open_checkpoint(workspace.checkpoint if model is None else model)
        reader = open_reader(checkpoint, workspace, own_steps=source == "steps")
        reader.find_head(layer or 0, head or 0)
        ids = reader.encode(text)
        words = reader.words(ids)
        if summary:
            most = head_patterns.check(ids)
        else:
            most = terminal_map.fitting(words, report.console.width) if output is None else pictures.MOST_TOKENS
        if len(ids) > most:
            notes.print(f"the text has {len(ids)} tokens; this is about the first {most}", highlight=False)
        weights = reader.weights(
            ids[:most],
            device=device,
            cache_folder=cache_folder(),
            on_compile=lambda count: notes.print("compiling the model with MAX: about a minute, once", style="dim"),
        )
    except CompileError as error:
        raise CourseError(f"MAX cannot compile the model: {error}") from None
    except ProblemFound as stop:
        Report(notes).problem(stop.problem)
        sys.exit(1)
    if summary:
        report.habits(head_patterns.find_habits(ids[:most], weights))
        return
    title = f"{checkpoint.folder.name if model is None else model}, layer {layer or 0}, head {head or 0}"
    drawn = terminal_map.HeatMap(title, words[:most], weights[layer or 0, head or 0])
    if output is not None:
        pictures.write(output, drawn, overwrite=overwrite)
        report.say(f"{output} is written.")
        return
    report.drawn(terminal_map.lines(drawn, report.console.width))
    if layer is head is None:
        n_layer, n_head = weights.shape[:2]
        report.aside(
            f"--layer 0 to {n_layer - 1} and --head 0 to {n_head - 1} show others; --summary finds some by habit."
        )


@cli.command()
def doctor() -> None:
    """Report versions, devices, the cache, and what is missing."""
    from tutor.terminal.doctor import examine

    report, healthy = Report(make_console()), True
    for finding in examine(Workspace.find(), cache_folder()):
        report.finding(finding)
        healthy &= finding.ok
    sys.exit(0 if healthy else 1)


@cli.command()
@DEVICE
def warm(*, device: str) -> None:
    """Compile all the graphs that the checks and `generate` use, in parallel."""
    from tutor.checking.warm import warm_cache

    report = Report(make_console())
    with report.warming() as display:
        compiled = warm_cache(Workspace.find(), device, cache_folder(), display)
    report.say(f"{compiled} graphs were compiled." if compiled else "All graphs are in the cache.")


def _load_progress(workspace: Workspace) -> tuple[progress.Progress, str]:
    """The progress, or an empty one and what was wrong: a check gives its verdict even so."""
    try:
        return progress.load(workspace), ""
    except DamagedProgressError as error:
        return progress.Progress(), str(error)


def main() -> None:
    """Runs the command line; every expected failure is one line and an exit status."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        _fail("stopped", 130)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message(), 1)
    except KeyboardInterrupt:
        _fail("stopped", 130)
    except CourseError as error:
        _fail(str(error), 1)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Nothing more can be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}", 1)


def _fail(message: str, status: int) -> None:
    Report(make_console(stderr=True)).error(message)
    sys.exit(status)
