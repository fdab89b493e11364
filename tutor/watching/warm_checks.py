"""Checks that begin at once: the process for the next one waits with everything imported."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from tutor.checking.supervisor import Finished, JudgeProcess
from tutor.learner.workspace import Workspace

# Told of each phase as it begins, and of the number of graphs that are compiled in it.
OnPhase = Callable[[str, int], None]


class WarmChecks:
    """Runs one check at a time, each in a process that was started ahead and is used once.

    Processes are started by the thread that this is used in, and end with it: it must be the tool's main thread.
    """

    def __init__(self, workspace: Workspace, device: str) -> None:
        self._workspace, self._device = workspace, device
        self._spare: JudgeProcess | None = None

    def prepare(self, step: int) -> None:
        """Starts a process for the next check, most likely of this step, unless one waits already."""
        if self._spare is not None and not self._spare.waits:
            self.close()
        if self._spare is None:
            self._spare = JudgeProcess(step)

    async def check(self, step: int, green: Mapping[int, Mapping[str, str]], on_phase: OnPhase) -> Finished:
        """Checks a step; if the task is cancelled, the check ends with all its processes.

        Args:
            step: which.
            green: as in `judge.Request`.
            on_phase: told of each phase.

        Raises:
            CourseError: the check could not be run.
        """
        self.prepare(step)
        assert self._spare is not None
        judge, self._spare = self._spare, None
        loop, phases, told = asyncio.get_running_loop(), asyncio.Queue[tuple[str, int] | None](), ""

        def tell(phase: str, graphs: int, seconds: float) -> None:
            nonlocal told
            if phase != told:
                told = phase
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(phases.put_nowait, (phase, graphs))

        running = asyncio.create_task(
            asyncio.to_thread(
                judge.run, step, self._workspace, device=self._device, green=green, in_background=True, on_phase=tell
            )
        )
        running.add_done_callback(lambda task: phases.put_nowait(None))
        try:
            while (begun := await phases.get()) is not None:
                on_phase(*begun)
            return await running
        finally:
            judge.stop()
            running.cancel()

    def close(self) -> None:
        """Ends the process that waits."""
        if self._spare is not None:
            self._spare.end()
            self._spare = None
