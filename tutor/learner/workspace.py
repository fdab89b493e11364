"""Where things are: the learner's files, the solutions, the tool's own state."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Workspace:
    """A folder with `steps/` and `solutions/` in which somebody takes the course."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> "Workspace":
        """Finds the workspace around `start` (the current folder), else takes this repository."""
        start = Path.cwd() if start is None else start
        for folder in (start, *start.parents):
            if (folder / "steps").is_dir() and (folder / "solutions").is_dir():
                return cls(folder)
        return cls(REPOSITORY)

    def step(self, number: int) -> Path:
        """The learner's file for a step."""
        return self.root / "steps" / f"step_{number:02d}.py"

    def solution(self, number: int) -> Path:
        """The solution of a step."""
        return self.root / "solutions" / f"solution_{number:02d}.py"

    @property
    def checkpoint(self) -> Path:
        """The folder of the small trained model that comes with the course."""
        return self.root / "checkpoints" / "shakespeare"

    @property
    def state(self) -> Path:
        """The folder for progress and backups; not under version control."""
        return self.root / ".tutor"


def cache_folder() -> Path:
    """The folder for compiled graphs: `TUTOR_CACHE` if set, else the user's cache folder.

    It is shared by all checkouts, because an entry depends on the graph and the machine alone.
    """
    configured = os.environ.get("TUTOR_CACHE")
    return Path(configured) if configured else Path(platformdirs.user_cache_dir("gpt2-with-max")) / "graphs"
