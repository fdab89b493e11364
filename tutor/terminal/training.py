"""Shows how training goes: a bar with the loss, the tokens per second and the time left, and a line an evaluation."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tutor.invocation import resumed_training
from tutor.training.run import Evaluated, Run, Stepped


class Listener:
    """Watches a run, and tells of it.

    Args:
        console: where to tell.
        run: the training that has begun.
        log: a file to which each evaluation is appended as a line of JSON.
    """

    def __init__(self, console: Console, run: Run, log: Path | None) -> None:
        self._console, self._run, self._log = console, run, log
        self._stopped = False

    def watch(self) -> None:
        """Trains to the end, or until Ctrl-C: then what was learned is saved.

        Raises:
            KeyboardInterrupt: it was stopped.
            TrainingError: the loss is no number any more.
            ProblemFound: the code of a step failed.
            OSError: something cannot be written.
        """
        run = self._run
        size = sum(array.size for array in run.parameters().values())
        self._say(f"{size:,} parameters, {len(run.training):,} tokens to learn from, {len(run.held_out):,} held out")
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(),
        )
        with self._until_stopped(), Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task("training", total=run.steps, completed=run.record.steps, pace="")
            for event in run.events():
                match event:
                    case Stepped(steps, loss, tokens):
                        pace = f"{tokens:,.0f} tokens/s"
                        progress.update(task, completed=steps, description=f"loss {loss:.3f}", pace=pace)
                    case Evaluated():
                        self._evaluated(event)
                if self._stopped:
                    break
        if self._stopped and run.record.steps < run.steps:
            run.keep()
            self._say(f"saved after step {run.record.steps}; to go on: {resumed_training(run.folder)}")
            raise KeyboardInterrupt
        best = run.record.best
        if best is not None:
            self._say(
                f"{run.folder} has the model of step {best['step']:.0f}, whose held-out loss is "
                f"{best['held_out_loss']:.4f} nats a token"
            )

    def _evaluated(self, event: Evaluated) -> None:
        row, best = event.row, "  the best so far" if event.best else ""
        self._say(f"step {row['step']:5.0f}  loss {row['train_loss']:.4f}  held out {row['held_out_loss']:.4f}{best}")
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    def _say(self, words: str) -> None:
        self._console.print(words, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def _until_stopped(self) -> Iterator[None]:
        """Ctrl-C lets the step that is going on end; a second one does not wait."""

        def stop(number: int, frame: FrameType | None) -> None:
            if self._stopped:
                raise KeyboardInterrupt
            self._stopped = True

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
