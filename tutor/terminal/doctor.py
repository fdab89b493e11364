"""Looks at what the course needs, and says how to fix what is wrong."""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from rich.text import Text

from tutor.course import COURSE
from tutor.errors import CheckpointError
from tutor.invocation import reinstall, typed
from tutor.learner.workspace import Workspace
from tutor.terminal.printer import Printer

DISTRIBUTION = "gpt2-with-max"
# The distribution that brings MAX.
_MAX = "modular"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: what.
        value: what was found.
        state: "ok", "absent" for what is not there and need not be, or "wrong".
        fix: the command that puts it right.
        required: whether the steps need it.
    """

    name: str
    value: str
    state: Literal["ok", "absent", "wrong"] = "ok"
    fix: str = ""
    required: bool = True


def examine(workspace: Workspace, cache_folder: Path) -> list[Finding]:
    """Looks at everything: first at what the steps need, then at what is optional."""
    python = (3, 11) <= sys.version_info[:2] < (3, 15)
    required = [
        Finding("Python", sys.version.split()[0], "ok" if python else "wrong", "use Python 3.11 to 3.14"),
        *_packages(),
        *_cpu(),
        _cache(cache_folder),
        _steps(workspace),
        _checkpoint(workspace),
    ]
    return [*required, *_optional_packages(), *_gpu()]


def _requirements() -> dict[str, dict[str, str]]:
    """The pinned versions, by extra and package; the extra "" is what the course itself needs.

    Raises:
        PackageNotFoundError: the course is not installed.
    """
    pinned: dict[str, dict[str, str]] = {}
    for requirement in metadata.requires(DISTRIBUTION) or []:
        match = re.fullmatch(r"([\w.-]+)==([\w.]+)(?:;.*?extra == .(\w+).)?", requirement.strip())
        if match is None:
            raise ValueError(f"pyproject.toml pins no version of {requirement}")
        pinned.setdefault(match[3] or "", {})[match[1]] = match[2]
    return pinned


def _installed(name: str) -> str | None:
    """The version of a package, or None. A build for other hardware has a suffix, as in 2.13.0+cpu; it is left out."""
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return None


def _packages() -> Iterator[Finding]:
    try:
        pinned = _requirements()[""]
    except metadata.PackageNotFoundError:
        yield Finding("packages", "the course is not installed in this Python", "wrong", reinstall())
        return
    wrong = _wrong_packages(pinned, required=True)
    if not wrong:
        yield Finding("packages", f"all {len(pinned)} as pinned; MAX is {_MAX} {pinned[_MAX]}")
    yield from wrong


def _optional_packages() -> Iterator[Finding]:
    try:
        extras = _requirements()
    except metadata.PackageNotFoundError:
        return
    for extra, pinned in extras.items():
        if not extra:
            continue
        missing = [name for name in pinned if _installed(name) is None]
        wrong = _wrong_packages({name: pinned[name] for name in pinned if name not in missing}, required=False)
        if missing:
            told = f"{len(missing)} of {len(pinned)} packages are not installed; only `{typed(extra)}` needs them"
            yield Finding(extra, told, "absent", required=False)
        elif not wrong:
            yield Finding(extra, f"all {len(pinned)} packages as pinned", required=False)
        yield from wrong


def _wrong_packages(pinned: Mapping[str, str], *, required: bool) -> list[Finding]:
    """The packages that are not installed, or in another version."""
    found = {name: _installed(name) for name in pinned}
    return [
        Finding(
            name,
            "not installed" if found[name] is None else f"{found[name]}; the course is pinned to {version}",
            "wrong",
            reinstall(),
            required,
        )
        for name, version in pinned.items()
        if found[name] != version
    ]


def _cpu() -> Iterator[Finding]:
    yield Finding("CPU", f"{os.cpu_count()} threads")
    try:
        import max.driver  # noqa: F401 - whether it can be imported is the question
    except ImportError as error:
        yield Finding("MAX", f"cannot be imported: {error}", "wrong", reinstall())


def _gpu() -> Iterator[Finding]:
    try:
        from max.driver import accelerator_api, accelerator_count
    except ImportError:
        return  # told by `_cpu`
    count = accelerator_count()
    if count:
        yield Finding("GPU", f"{count} ({accelerator_api()})", required=False)
    else:
        yield Finding("GPU", "none that MAX can use; all steps run on the CPU", "absent", required=False)


def _cache(folder: Path) -> Finding:
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        reason = f"{folder} cannot be written" if existing.is_dir() else f"{existing} is a file and no folder"
        return Finding("cache", reason, "wrong", "set TUTOR_CACHE to a folder that you can write")
    size = sum(file.stat().st_size for file in folder.glob("*.mef")) if folder.exists() else 0
    if not size:
        return Finding("cache", f"{folder} has no compiled graphs yet; `{typed('warm')}` fills it")
    return Finding("cache", f"{size / 1e6:.0f} MB of compiled graphs in {folder}")


def _steps(workspace: Workspace) -> Finding:
    missing = [step for step in COURSE if not workspace.step(step.number).exists()]
    return Finding(
        "steps",
        f"{len(COURSE) - len(missing)} of {len(COURSE)} files in {workspace.root / 'steps'}",
        "wrong" if missing else "ok",
        "; ".join(typed("reset", step.label) for step in missing),
    )


def _checkpoint(workspace: Workspace) -> Finding:
    from tutor.generation.checkpoint import open_checkpoint

    try:
        open_checkpoint(workspace.checkpoint)
    except CheckpointError as error:
        return Finding("checkpoint", str(error), "wrong", "git checkout -- checkpoints")
    return Finding("checkpoint", str(workspace.checkpoint))


def is_healthy(findings: Sequence[Finding]) -> bool:
    """Whether all is well that the steps need."""
    return not any(finding.required and finding.state == "wrong" for finding in findings)


class DoctorPrinter(Printer):
    """Prints what the doctor found."""

    def findings(self, findings: Sequence[Finding]) -> None:
        """Prints all findings, and at last whether all is well."""
        width = max(len(finding.name) for finding in findings)
        for heading, required in (("Required", True), ("Optional", False)):
            self.console.print(Text(heading, style="bold"))
            for finding in findings:
                if finding.required == required:
                    self._finding(finding, width)
        self.console.print()
        self._conclusion(findings)

    def _finding(self, finding: Finding, width: int) -> None:
        style = {"ok": "green", "absent": "dim", "wrong": "bold red"}[finding.state]
        line = Text.assemble((f"  {finding.state:<6}", style), f"  {finding.name:<{width}}  ", finding.value)
        self._whole(line)
        if finding.state == "wrong":
            self._whole(Text(f"          fix: {finding.fix}"))

    def _conclusion(self, findings: Sequence[Finding]) -> None:
        wrong = [finding for finding in findings if finding.state == "wrong"]
        if not wrong:
            self.console.print(Text("All is well.", style="bold green"))
        elif is_healthy(findings):
            told = "All that the steps need is well; of what is optional, not all is."
            self.console.print(Text(told, style="bold yellow"))
        else:
            things = "1 thing is wrong" if len(wrong) == 1 else f"{len(wrong)} things are wrong"
            self.console.print(Text(f"{things}; the line below each says how to fix it.", style="bold red"))
