"""Sees to it that no process of the tool outlives the one that started it, and that none is in the way of others."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

# prctl's number for "send me this signal when my parent ends" (Linux, sys/prctl.h).
_PR_SET_PDEATHSIG = 1
_SECONDS_BETWEEN_LOOKS = 1.0
# The lowest priority is 19. One that is a bit higher still gets on beside what never stops to compute.
_NICENESS = 15
_AUTOGROUP = Path("/proc/self/autogroup")


def end_with_parent(parent: int) -> None:
    """Ends this process, with all its threads, when its parent has ended, however that came about.

    On Linux the kernel does it, even while MAX's compiler holds Python's lock. Elsewhere a thread looks once a
    second.

    Args:
        parent: the parent's process id, as the parent itself gives it: it may have ended before this is called.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def go_last() -> None:
    """Lets all other programs have the processor first, from now on.

    For a process that leads a session of its own: on Linux the whole session steps back.
    """
    if sys.platform != "linux":
        os.nice(_NICENESS)
        return
    # Between sessions Linux may weigh whole groups of processes, and each thread only among those of its own group.
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(_NICENESS))
    # Each thread counts by itself; those that are started later take it over.
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.setpriority(os.PRIO_PROCESS, int(thread), _NICENESS)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), signal.SIGKILL)
