"""Progress as a teacher gets it: one JSON object, whose form has a version. The book's chapter for teachers lists its
fields.
"""

from datetime import UTC, datetime

from tutor.course import COURSE
from tutor.learner.progress import Progress, Work, step_states
from tutor.learner.workspace import Workspace

FORMAT, VERSION = "gpt2-with-max progress", 1

_STATES = {"green": "right", "edited": "edited", "open": "open"}


def export_progress(workspace: Workspace, known: Progress) -> dict[str, object]:
    """What is known of each step, as values for JSON.

    It rests on what the learner's own tool has written down, which anybody can edit: `verify` is there to prove it.
    """
    states = step_states(workspace, known.green)
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
        "last_command": known.last or None,
        "steps": [
            {
                "step": step.label,
                "title": step.title,
                "part": step.part,
                "state": _STATES[states[step.number]],
                "checks": (work := known.work.get(step.number, Work())).attempts,
                "seconds": work.seconds,
                "first_check": work.first or None,
                "first_right": work.right or None,
                "hints_seen": min(known.hints.get(step.number, 0), len(step.hints)),
                "hints": len(step.hints),
            }
            for step in COURSE
        ],
    }
