"""The peak memory of this process, and of a part of what it does."""

import re
import resource
import sys
from pathlib import Path

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Makes Linux count the peak from here. Elsewhere the peak of start-up hides small additions."""
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text("5")


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    if STATUS.exists():
        (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB", STATUS.read_text(), flags=re.MULTILINE)
        return int(kilobytes) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
