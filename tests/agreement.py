"""Do the evaluator and MAX's compiler give the same numbers, and so the same verdicts?

    python -m tests.agreement               everything: MAX compiles some 300 graphs, the first time
    python -m tests.agreement --sample 10   a small part, always the same one

Traces every solution, every wrong file of the tests and of the book, and random graphs that Hypothesis draws, runs each
graph that there is on all stored cases by both roads, and compares. Compiled graphs are kept: what was interrupted goes
on where it was.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from tests.graphs.random_graphs import RandomGraph, draw_graphs
from tests.support.agreement.collecting import (
    Candidate,
    CourseFile,
    book_files,
    random_candidates,
    solutions,
    trace_files,
    wrong_files,
)
from tests.support.agreement.roads import Outcomes, compiled, evaluated, is_right, largest_difference
from tutor.files import write_atomically
from tutor.graphs.evaluate.evaluator import unknown_operations
from tutor.learner.workspace import REPOSITORY, cache_folder

RESULTS = REPOSITORY / "benchmarks" / "results" / "agreement.json"
Item = TypeVar("Item")

# What is aimed at, in float32: sums in another order, and exp and its like to the last bit or two.
TOLERANCE = 1e-5


@dataclass
class Largest:
    """The largest difference, and the case that has it."""

    difference: float = 0.0
    where: str = ""


@dataclass
class Agreement:
    """What comparing gave.

    Args:
        files, graphs, cases: how many were compared; graphs that are the same are compared once.
        float32, bfloat16: the largest difference of graphs without and with bfloat16; MAX's known faults apart.
        above: the other cases with a difference above `TOLERANCE` in float32.
        verdicts: the files that are right by one road and wrong by the other; random graphs have no verdict.
        known_faults: those of them that MAX 26.7.0 is known to compile wrongly.
        not_run_by_max: the graphs that MAX does not compile or run, and the evaluator does or does not, and why.
        not_evaluated: the graphs with operations that the evaluator does not know.
    """

    files: dict[str, int] = field(default_factory=dict)
    graphs: int = 0
    cases: int = 0
    float32: Largest = field(default_factory=Largest)
    bfloat16: Largest = field(default_factory=Largest)
    above: list[str] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    known_faults: list[str] = field(default_factory=list)
    not_run_by_max: list[str] = field(default_factory=list)
    not_evaluated: list[str] = field(default_factory=list)


def unique(candidates: Iterable[Candidate]) -> dict[str, Candidate]:
    """One candidate for each graph and its cases."""
    return {key_of(candidate): candidate for candidate in candidates}


def key_of(candidate: Candidate) -> str:
    """Equal for candidates that both roads treat alike."""
    return "\n".join((candidate.traced.fingerprint, *(numbers.name for numbers in candidate.cases)))


def sample_of(items: Sequence[Item], size: int) -> list[Item]:
    """So many of the items, evenly spaced; all of them if there are no more."""
    return [items[index * len(items) // size] for index in range(size)] if size < len(items) else list(items)


def compare(candidates: Sequence[Candidate], outcomes: dict[str, tuple[Outcomes, Outcomes]]) -> Agreement:
    """Compares the roads.

    Args:
        candidates: of all files.
        outcomes: what the evaluator and MAX gave, by the candidates' keys.
    """
    agreement, seen = Agreement(), set()
    right: dict[str, tuple[bool, bool]] = {}
    faults = {candidate.file for candidate in candidates if candidate.right_but_for_max}
    for candidate in candidates:
        key = key_of(candidate)
        if candidate.file not in right:
            agreement.files[candidate.kind] = agreement.files.get(candidate.kind, 0) + 1
            right[candidate.file] = True, True
        if key not in outcomes:
            agreement.not_evaluated.append(f"{candidate.name}: {', '.join(unknown_operations(candidate.program))}")
            continue
        by_evaluator, by_max = outcomes[key]
        for numbers, one, other in zip(candidate.cases, by_evaluator, by_max, strict=True):
            before = right[candidate.file]
            right[candidate.file] = before[0] and is_right(one, numbers), before[1] and is_right(other, numbers)
            if key not in seen:
                agreement.cases += 1
                _note(agreement, candidate, f"{candidate.name}, {numbers.name}", one, other)
        agreement.graphs += key not in seen
        seen.add(key)
    judged = {candidate.file for candidate in candidates if candidate.kind != "random"}
    for file, (one, other) in right.items():
        if file in judged and one != other:
            (agreement.known_faults if file in faults else agreement.verdicts).append(
                f"{file}: {'right' if one else 'wrong'} evaluated, {'right' if other else 'wrong'} compiled"
            )
    return agreement


def _note(agreement: Agreement, candidate: Candidate, where: str, one: list | str, other: list | str) -> None:
    if isinstance(other, str):
        alike = f"; the evaluator: {one}" if isinstance(one, str) else "; the evaluator gives numbers"
        agreement.not_run_by_max.append(f"{where}: {other}{alike}")
        return
    if candidate.right_but_for_max:
        return
    worst = largest_difference(one, other)
    largest = agreement.bfloat16 if candidate.has_bfloat16 else agreement.float32
    if worst > largest.difference:
        largest.difference, largest.where = worst, where
    if worst > TOLERANCE and not candidate.has_bfloat16:
        agreement.above.append(f"{where}: {worst:.1e}")


def batches_of(known: Mapping[str, Candidate], size: int) -> list[list[str]]:
    """The keys of the graphs that compile as one module: so many of files, and all random ones."""
    files = [key for key, candidate in known.items() if candidate.kind != "random"]
    drawn = [key for key, candidate in known.items() if candidate.kind == "random"]
    batches = [files[start : start + size] for start in range(0, len(files), size)]
    return [*batches, drawn] if drawn else batches


@click.command()
@click.option("--sample", default=0, help="Only this many files and random graphs, always the same ones.")
@click.option("--random", "random_graphs", default=60, show_default=True, help="How many random graphs.")
@click.option(
    "--batch",
    default=20,
    show_default=True,
    help="Graphs of files that compile as one module; what is interrupted loses one. All random graphs are one more.",
)
@click.option("--save/--no-save", default=None, help="Record the figures; by default, if all was compared.")
def main(*, sample: int, random_graphs: int, batch: int, save: bool | None) -> None:
    """Compare the evaluator with MAX."""
    console, started = Console(), time.monotonic()
    sources: list[CourseFile | tuple[int, RandomGraph]] = [
        *solutions(),
        *wrong_files(),
        *book_files(),
        *enumerate(draw_graphs(random_graphs) if random_graphs else [], start=1),
    ]
    if sample:
        sources = sample_of(sources, sample)
    files = [source for source in sources if isinstance(source, CourseFile)]
    drawn = [source for source in sources if not isinstance(source, CourseFile)]
    candidates = [*trace_files(files), *random_candidates(drawn)]
    known = {key: c for key, c in unique(candidates).items() if not unknown_operations(c.program)}
    batches = batches_of(known, batch)
    console.print(f"{len(known)} different graphs; MAX compiles those that are new, as {len(batches)} modules.")
    outcomes: dict[str, tuple[Outcomes, Outcomes]] = {}
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        console.print(f"  {done} of {len(known)} after {time.monotonic() - started:.0f} s")

    for chosen in batches:
        by_max = compiled([known[key] for key in chosen], cache_folder(), progress)
        outcomes |= {key: (evaluated(known[key]), given) for key, given in zip(chosen, by_max, strict=True)}
    agreement = compare(candidates, outcomes)
    show(agreement, console)
    if save or (save is None and not sample):
        record(agreement, time.monotonic() - started, RESULTS)


def show(agreement: Agreement, console: Console) -> None:
    """Prints the figures."""
    table = Table(title="The evaluator beside MAX's compiler", show_header=False)
    table.add_row("files", ", ".join(f"{count} {kind}" for kind, count in agreement.files.items()))
    table.add_row("graphs", str(agreement.graphs))
    table.add_row("cases", str(agreement.cases))
    for name, largest in (("float32", agreement.float32), ("bfloat16", agreement.bfloat16)):
        table.add_row(f"largest relative difference, {name}", f"{largest.difference:.1e}  {largest.where}")
    table.add_row("verdicts that differ", str(len(agreement.verdicts)))
    console.print(table)
    for title, lines in (
        ("Verdicts that differ", agreement.verdicts),
        (f"Differences above {TOLERANCE:.0e} in float32", agreement.above),
        ("MAX 26.7.0 is known to compile these wrongly", agreement.known_faults),
        ("MAX does not run these", agreement.not_run_by_max),
        ("The evaluator does not know all operations of these", agreement.not_evaluated),
    ):
        if lines:
            console.print(f"\n[bold]{title}[/bold]")
            for line in lines:
                console.print(f"  {line}", highlight=False, markup=False)


def record(agreement: Agreement, seconds: float, file: Path) -> None:
    """Writes the figures, with the machine that they are of."""
    content = {**describe("cpu"), "seconds": round(seconds), **asdict(agreement)}
    write_atomically(file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
