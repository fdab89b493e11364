"""The process in which a learner's files run: `python -m tutor.checking.learner_process SOCKET PARENT STEP`.

It imports, traces, calls and answers, as the judge asks, and hands out data. It decides nothing: whatever the
code under test does here (loop for ever, end the process, replace functions of the tool), the judge compares
what comes out with what it knows itself.
"""

import contextlib
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutor.checking.guard import Guard, ProblemFound
from tutor.checking.labelled_output import LabelledOutput
from tutor.checking.loader import StepModules
from tutor.checking.spec import Arrays, Expectation, Subject
from tutor.checking.wire import Connection, Message, WireError
from tutor.course import find_step
from tutor.errors import CourseError
from tutor.learner.workspace import Workspace
from tutor.processes import end_with_parent

if TYPE_CHECKING:
    from max.experimental.tensor import Tensor

# What answers a request.
Reply = Mapping[str, object]


class JudgedSubject:
    """A subject whose graph the judge runs: a call sends the arrays there, and gives what comes back."""

    def __init__(self, name: str, subject: Subject, connection: Connection) -> None:
        self._name, self._subject, self._connection = name, subject, connection
        self._bound = 0

    def __call__(self, parameters: Arrays, *inputs: np.ndarray) -> Sequence[np.ndarray]:
        """The graph's results, then what is in its buffers afterwards."""
        return self._run({"parameters": dict(parameters)}, inputs)

    def bind(self, parameters: Arrays) -> "Callable[..., Tensor]":
        """Keeps the parameters where the graph runs, and gives a function from tensors to the graph's first result.

        Buffers that are given are written to.
        """
        from max.experimental.tensor import Tensor

        self._bound += 1
        key = f"{self._name} {self._bound}"
        self._connection.send({"event": "bind", "key": key, "parameters": dict(parameters)})
        buffers = [index for index, spec in enumerate(self._subject.inputs.values()) if spec.buffer]

        def call(*arguments: Tensor) -> Tensor:
            arrays = [argument.driver_tensor.to_numpy() for argument in arguments]
            results = self._run({"bound": key}, arrays)
            for index, written in zip(buffers, results[len(self._subject.outputs) :], strict=True):
                arrays[index][...] = written
            return Tensor.from_dlpack(results[0])

        return call

    def _run(self, parameters: Reply, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        self._connection.send({"event": "run", "subject": self._name, "inputs": list(inputs), **parameters})
        reply = self._connection.receive()
        if "error" in reply:
            raise ValueError(reply.text("error"))
        return reply.arrays("results")


class LearnerProcess:
    """Answers the judge's requests about one step."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def serve(self) -> None:
        """Answers until the judge hangs up."""
        handlers = {"open": self._open, "trace": self._trace, "call": self._call, "answer": self._answer}
        while True:
            try:
                request = self._connection.receive()
            except WireError:
                return
            try:
                reply = handlers[request.text("do")](request)
            except ProblemFound as stop:
                reply = {"problem": asdict(stop.problem)}
            except CourseError as error:
                reply = {"refused": str(error)}
            except Exception:
                reply = {"failed": traceback.format_exc()}
            # The answer to this request, and to no other: a file that writes into the connection cannot know it.
            self._connection.send({"event": "reply", "nonce": request.text("nonce"), **reply})

    def _open(self, request: Message) -> Reply:
        """Imports the step from the given choice of files."""
        step = request.number("step")
        self._check = find_step(step).check
        self._modules = StepModules(Workspace(Path(request.text("root"))), own=request.numbers("own"))
        self._guard = Guard(self._modules, step)
        file = self._modules.file(step)
        LabelledOutput.own = file.name
        module = self._guard(f"importing {file.name}", lambda: self._modules[step])
        missing = [name for name in self._check.names if not hasattr(module, name)]
        return {"missing": missing, "loaded": sorted(self._modules.loaded)}

    def _trace(self, request: Message) -> Reply:
        """Traces a subject: its bytecode, and the types of what goes in and comes out.

        If they are asked for, with the call stack of each operation (`lines`), or with the graph as it was when tracing
        failed (`unfinished`).
        """
        from tutor.checking.missing_parameters import what_stands_there
        from tutor.graphs.devices import find_device
        from tutor.graphs.evaluate.source_lines import bytecode_with_call_stacks, recorded_call_stacks
        from tutor.graphs.trace import ReturnError, trace
        from tutor.graphs.traced import TracedGraph

        subject = self._subject(request)
        device = find_device(request.text("device"))
        shapes: dict[str, tuple[int | str, ...]] = {}
        in_place: dict[str, str] = {}
        unfinished: dict[str, bytes] = {}

        def keep(graph: TracedGraph) -> None:
            unfinished.update(bytecode=graph.bytecode, call_stacks=bytecode_with_call_stacks(graph.module))

        def build() -> Callable[..., object]:
            made = subject.build(self._modules)
            in_place.update(what_stands_there(made, subject.parameters))
            return made

        def build_and_trace() -> Reply:
            # Only if it is asked for: call stacks make the bytecode another one in each process, and what is compiled
            # would not be found again.
            with recorded_call_stacks() if "lines" in request else contextlib.nullcontext():
                graph = trace(
                    build,
                    list(subject.inputs.values()),
                    device,
                    shapes.update,
                    on_failure=keep if "unfinished" in request else None,
                )
                return {
                    "bytecode": graph.bytecode,
                    "call_stacks": bytecode_with_call_stacks(graph.module) if "lines" in request else b"",
                    "output_dtypes": [spec.dtype for spec in graph.outputs],
                    "output_dims": [list(spec.dims) for spec in graph.outputs],
                    "single": graph.single,
                }

        parameters = lambda: {"parameters": {name: list(dims) for name, dims in shapes.items()}}  # noqa: E731
        try:
            reply = self._guard(subject.name, build_and_trace, explain=self._check.explain, returns=ReturnError)
        except ProblemFound as stop:
            # The parameters come too: if they are wrong, that is the cause.
            reply = {"problem": asdict(stop.problem), **unfinished}
        told = {"in_place": in_place} if in_place else {}
        return {**reply, **(parameters() if shapes else {}), **told, "loaded": sorted(self._modules.loaded)}

    def _call(self, request: Message) -> Reply:
        """Calls plain Python with lists in place of tensors."""
        subject, arguments = self._subject(request), request.arrays("arguments")

        def call() -> Reply:
            result = subject.build(self._modules)(*(array.tolist() for array in arguments))
            if result is None:
                return {"returned": "None"}
            results = result if len(subject.outputs) > 1 else [result]
            try:
                return {"results": [np.asarray(part, dtype=np.float64) for part in results]}
            except (TypeError, ValueError):
                return {"returned": repr(result)[:200]}

        return self._guard(request.text("where"), call, explain=self._check.explain)

    def _answer(self, request: Message) -> Reply:
        """Evaluates an expectation. What is right is for the judge to say."""
        expectation: Expectation = self._check.expectations_for(request.number("seed"))[request.number("expectation")]
        graphs = {name: JudgedSubject(name, self._check.subject(name), self._connection) for name in expectation.needs}
        answer = self._guard(
            expectation.name, lambda: expectation.evaluate(self._modules, graphs), explain=self._check.explain
        )
        return {"answer": answer}

    def _subject(self, request: Message) -> Subject:
        return self._check.subject(request.text("subject"))


def _import_ahead(step: int) -> None:
    """Imports what tracing needs, if anything will be traced, while the judge is busy with its own imports."""
    if any(subject.compiled for subject in find_step(step).check.subjects):
        # If MAX cannot be imported, that is told when it is needed.
        with contextlib.suppress(ImportError):
            from tutor.graphs import trace  # noqa: F401
            from tutor.graphs.evaluate import source_lines  # noqa: F401


def main() -> None:
    """Serves the judge at the other end of a socket."""
    end_with_parent(int(sys.argv[2]))
    connection = Connection(socket.socket(fileno=int(sys.argv[1])))
    # The code under test gets no input: `input()` fails at once instead of waiting for ever.
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - open until the process ends
    out = open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)  # noqa: SIM115 - open until the process ends
    sys.stdout = LabelledOutput(out, encoding="utf-8", errors="replace")
    sys.stdout.reconfigure(write_through=True)
    _import_ahead(int(sys.argv[3]))
    try:
        LearnerProcess(connection).serve()
    except (KeyboardInterrupt, WireError):
        os._exit(1)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: threads or exit handlers of the code under test could hold the process.
    os._exit(0)


if __name__ == "__main__":
    main()
