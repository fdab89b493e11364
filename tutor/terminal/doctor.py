"""Looks at what the course needs, and says how to mend what is missing."""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tutor.course import COURSE
from tutor.errors import CheckpointError
from tutor.invocation import typed
from tutor.learner.workspace import Workspace

DISTRIBUTION = "gpt2-with-max"
INSTALL = "rm -r .venv; make doctor (with pixi: pixi install)"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: what.
        value: what was found.
        ok: whether that is good enough.
        mend: the command that mends it.
    """

    name: str
    value: str
    ok: bool = True
    mend: str = ""


def examine(workspace: Workspace, cache_folder: Path) -> Iterator[Finding]:
    """Looks at everything, the cheap things first."""
    yield Finding(
        "Python", sys.version.split()[0], (3, 11) <= sys.version_info[:2] < (3, 15), "use Python 3.11 to 3.14"
    )
    yield from _packages()
    yield from _devices()
    yield from _cache(cache_folder)
    yield from _files(workspace)


def _packages() -> Iterator[Finding]:
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        yield Finding("packages", "the course is not installed in this Python", False, INSTALL)
        return
    for requirement in requirements:
        name, version, extra = re.fullmatch(
            r"([\w.-]+)==([\w.]+)(?:;.*?extra == .(\w+).)?", requirement.strip()
        ).groups()
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            if extra:
                yield Finding(name, f"not installed; only `make {extra}` needs it")
            else:
                yield Finding(name, "not installed", False, INSTALL)
            continue
        # A build of the same version for other hardware has a suffix: 2.13.0+cpu.
        right = found.partition("+")[0] == version
        yield Finding(name, found if right else f"{found}; the course is pinned to {version}", right, INSTALL)


def _devices() -> Iterator[Finding]:
    try:
        from max.driver import accelerator_api, accelerator_count

        count = accelerator_count()
        yield Finding("CPU", f"{os.cpu_count()} threads")
        yield Finding(
            "GPU", f"{count} ({accelerator_api()})" if count else "none that MAX can use; all steps run on the CPU"
        )
    except ImportError as error:
        yield Finding("MAX", f"cannot be imported: {error}", False, INSTALL)


def _cache(folder: Path) -> Iterator[Finding]:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        yield Finding("cache", f"{folder} cannot be written", False, "set TUTOR_CACHE to a folder that you can write")
        return
    size = sum(file.stat().st_size for file in folder.glob("*.mef")) if folder.exists() else 0
    yield Finding("cache", f"{folder}, {size / 1e6:.0f} MB of compiled graphs (`warm` fills it)")


def _files(workspace: Workspace) -> Iterator[Finding]:
    missing = [step for step in COURSE if not workspace.step(step.number).exists()]
    mend = "; ".join(typed("reset", step.label) for step in missing)
    yield Finding(
        "steps", f"{len(COURSE) - len(missing)} of {len(COURSE)} files in {workspace.root / 'steps'}", not missing, mend
    )

    from tutor.generation.checkpoint import open_checkpoint

    try:
        open_checkpoint(workspace.checkpoint)
        yield Finding("checkpoint", str(workspace.checkpoint))
    except CheckpointError as error:
        yield Finding("checkpoint", str(error), False, "git checkout -- checkpoints")
