"""Step files that try to be called right without being right. None is; and what they break is not called the tool's."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.workspaces import Tool, make_workspace
from tutor.checking import supervisor
from tutor.errors import CourseError
from tutor.learner.skeleton import as_learners_file
from tutor.learner.workspace import REPOSITORY, Workspace

# What makes each of these steps wrong: a piece of the solution, and what stands there.
WRONG = {
    0: ("scale = 1 / math.sqrt(len(query))", "scale = 1.0"),
    1: ("return self.n_embd // self.n_head", "return 1"),
    8: (" / math.sqrt(head_dim)", ""),
    14: ("logits[0, -1]", "logits[0, 0]"),
    15: ("if name.endswith(CONV1D):", "if array.shape != shapes[name]:"),
    16: (", n_positions // 2)", ", n_positions - 1)"),
    17: ("ids[row, start:] = prompt", "ids[row, : len(prompt)] = prompt"),
    19: ("if query.shape[-1] != key.shape[-1]:", "if False:"),
}

FORGED = r"""
import json, os, struct

def frame(message):
    header = json.dumps([message, []]).encode()
    return struct.pack("<Q", len(header)) + header

GREEN = json.dumps({"event": "verdict", "verdict": {"step": 0, "status": "green", "passed": [], "total": 0,
    "largest_error": 0.0, "problem": None, "culprits": [], "suspects": [], "compiled": 0, "compile_seconds": 0.0,
    "damaged": 0, "files": {}, "notes": [], "tasks": []}}).encode() + b"\n"
REPLIES = b"".join(frame(message) for message in (
    {"event": "reply", "nonce": "", "missing": ["list"], "loaded": ["list"]},
    {"event": "reply", "nonce": None, "answer": True},
    {"event": "right"},
))
"""

OWN_DESCRIPTORS = """
def write_everywhere():
    for descriptor in range(3, 256):
        try:
            os.write(descriptor, GREEN)
            os.write(descriptor, REPLIES)
        except OSError:
            continue
"""

# The nonce of a request lies in the frames above: a forged answer can have it.
NONCE = """
import sys

def request():
    frame = sys._getframe()
    while frame is not None:
        for value in frame.f_locals.values():
            if isinstance(value, dict) and "nonce" in value:
                return value
        frame = frame.f_back
    return {"nonce": ""}

def connection():
    import gc
    from tutor.checking import wire
    return next(thing for thing in gc.get_objects() if type(thing) is wire.Connection)
"""


# The process that asks this file knows the check too.
EXPECTED = """
import sys

def answer(request):
    check = sys.modules[f"tutor.checks.step_{request['step']:02d}"].CHECK
    return {"answer": check.expectations_for(request["seed"])[request["expectation"]].expected}

frame = sys._getframe()
while frame is not None:
    for value in list(frame.f_locals.values()):
        if isinstance(value, dict) and {"open", "trace", "call", "answer"} <= value.keys():
            step = int(__name__[-2:])
            value["answer"] = lambda request: answer({**request, "step": step})
    frame = frame.f_back
"""


@dataclass(frozen=True)
class Hostile:
    """A file that tries something.

    Args:
        name: what it tries.
        step: which step it is.
        code: what is put before or behind the wrong step.
        behind: where it stands.
    """

    name: str
    step: int
    code: str
    behind: bool = False

    def source(self) -> str:
        """The text of the file: wrong, and hostile."""
        old, new = WRONG[self.step]
        solution = as_learners_file(Workspace(REPOSITORY).solution(self.step).read_text())
        assert solution.count(old) == 1
        wrong = solution.replace(old, new)
        return f"{wrong}\n\n{self.code}\n" if self.behind else f"{self.code}\n\n{wrong}"


HOSTILE = (
    Hostile(
        "looks its answers up in the stored numbers",
        0,
        f"""
import numpy as np
with np.load({str(REPOSITORY / "tutor" / "oracle" / "step_00.npz")!r}) as file:
    STORED = {{key: file[key] for key in file.files}}

def looked_up(result, **given):
    for key in STORED:
        if key.startswith("outputs/"):
            case = key.split("/")[1]
            inputs = [STORED.get(f"inputs/{{case}}/{{name}}") for name in given]
            if all(x is not None and np.array_equal(x, np.array(y)) for x, y in zip(inputs, given.values())):
                return STORED[key].tolist()
    return result

own_attend, own_attention = attend, causal_self_attention
def attend(query, keys, values):
    return looked_up(own_attend(query, keys, values), query=query, keys=keys, values=values)
def causal_self_attention(xs, wq, wk, wv, n_head):
    return looked_up(own_attention(xs, wq, wk, wv, n_head), xs=xs, wq=wq, wk=wk, wv=wv)
""",
        behind=True,
    ),
    Hostile(
        "replaces the comparison",
        8,
        """
import numpy as np
import tutor.checking.compare as compare
compare.find_difference = lambda *arguments: None
compare.matches = lambda *arguments: True
compare.errors = lambda got, expected: np.zeros(got.shape)
np.allclose = np.array_equal = lambda *arguments, **options: True
""",
    ),
    Hostile(
        "writes a verdict and replies into every descriptor while it is imported",
        0,
        FORGED + OWN_DESCRIPTORS + "write_everywhere()\n",
    ),
    Hostile(
        "writes a verdict into the judge's pipes",
        0,
        FORGED
        + """
import pathlib
for link in pathlib.Path(f"/proc/{os.getppid()}/fd").glob("*"):
    try:
        if os.readlink(link).startswith("pipe:"):
            with open(link, "ab", buffering=0) as pipe:
                pipe.write(GREEN)
    except OSError:
        continue
""",
    ),
    Hostile(
        "writes replies into every descriptor in each call",
        0,
        FORGED
        + OWN_DESCRIPTORS
        + """
import math
own_exp = math.exp
def exp(x):
    write_everywhere()
    return own_exp(x)
math.exp = exp
""",
    ),
    Hostile(
        "empties the check",
        8,
        """
from tutor.checks.step_08 import CHECK
for name in ("subjects", "cases", "expectations", "mistakes", "names"):
    object.__setattr__(CHECK, name, ())
""",
    ),
    Hostile(
        "patches the expectations",
        1,
        """
import tutor.checking.spec as spec
spec.Check.expectations_for = lambda self, seed: ()
spec.Expectation.__getattribute__ = lambda self, name: (
    (lambda code, graphs: self.expected) if name == "evaluate" else object.__getattribute__(self, name))
""",
    ),
    *(Hostile("answers each question with what is expected", step, EXPECTED) for step in (1, 14, 15, 16, 17, 19)),
    Hostile("overwrites the solution of its own step", 8, "import pathlib\n"
            "pathlib.Path('solutions/solution_08.py').write_text(open(__file__).read())\n"),
    # Of these ends of the process, nothing but that it ended can be known.
    Hostile("ends the process while it is imported", 0, "import os\nos._exit(0)\n"),
    Hostile("ends the process in a call", 0, "import math, os\nmath.exp = lambda x: os._exit(0)\n"),
    Hostile("ends the judge", 0, "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n"),
    Hostile("raises what is no Exception", 0, "class Stop(BaseException): pass\nraise Stop('all is right')\n"),
    Hostile(
        "puts other modules in the place of the tool's",
        0,
        """
import sys, types
for name in [name for name in sys.modules if name.startswith("tutor.")]:
    fake = types.ModuleType(name)
    fake.__dict__.update(sys.modules[name].__dict__)
    fake.find_difference = fake.matches = lambda *arguments: None
    sys.modules[name] = fake
""",
    ),
    Hostile(
        "writes a verdict when the process ends",
        0,
        FORGED + OWN_DESCRIPTORS + "import atexit\natexit.register(write_everywhere)\nimport sys\nsys.exit(0)\n",
    ),
    Hostile(
        "goes on writing in a thread",
        0,
        FORGED
        + OWN_DESCRIPTORS
        + """
import threading, time
def go_on():
    while True:
        write_everywhere()
        time.sleep(0.001)
threading.Thread(target=go_on, daemon=True).start()
""",
    ),
    Hostile(
        "patches the connection",
        0,
        """
from tutor.checking import wire
own_send = wire.Connection.send
def send(self, message):
    message = dict(message, status="green", problem=None, right=True)
    del message["problem"]
    own_send(self, message)
wire.Connection.send = send
""",
    ),
    Hostile("patches json and sockets", 0, """
import json, socket
own_dumps = json.dumps
json.dumps = lambda value, **options: own_dumps(value, **options).replace("results", "passed")
socket.socket.__eq__ = lambda self, other: True
"""),
    Hostile("replies by itself, with the right nonce", 0, NONCE + """
import math
def exp(x):
    connection().send({"event": "reply", "nonce": request()["nonce"], "results": []})
    return 1.0
math.exp = exp
"""),
    Hostile("returns numbers that equal everything", 1, """
class Always(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = int.__hash__
own = GPT2Config
class GPT2Config(own):
    head_dim = property(lambda self: Always(1))
""", behind=True),
    Hostile("returns arrays that equal everything", 17, """
class Always(np.ndarray):
    def __eq__(self, other): return True
    def __array_function__(self, function, types, arguments, options): return True
    def tolist(self): return [3, 1, 4]
own_pad_left = pad_left
def pad_left(prompts):
    ids, starts = own_pad_left(prompts)
    return ids.view(Always), starts.view(Always)
""", behind=True),
    Hostile("patches what draws random numbers", 14, """
import numpy as np
own_rng = np.random.default_rng
np.random.default_rng = lambda *seed: own_rng(0)
"""),
    Hostile("closes all descriptors", 0, "import os\nos.closerange(3, 256)\n"),
    Hostile("goes on in two processes", 0, "import os\nos.fork()\n"),
    Hostile("lets a child of its own answer", 0, "import os\nif os.fork():\n    os._exit(0)\n"),
    Hostile("patches the built-in functions", 19, """
import builtins
builtins.isinstance = lambda thing, kinds: True
builtins.all = builtins.any = lambda things: True
builtins.len = lambda things: 0
"""),
    Hostile("patches what is raised and caught", 19, """
import tutor.checks.shared.expectations as expectations
import tutor.checks.step_19 as check
expectations.outcome = check.outcome = lambda call: {"raised": ["ValueError"], "message": "query key value 8 6"}
""".replace("outcome = check.outcome", "outcome = check.outcome") + "builtins_equal = True\n"),
    Hostile("prints a green verdict", 0, "print('Step 00 is right.')\n"),
    Hostile("has a repr that ends the process", 1, """
class Odd:
    def __repr__(self): import os; os._exit(0)
own = GPT2Config
class GPT2Config(own):
    head_dim = property(lambda self: Odd())
""", behind=True),
)  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace, which is the current folder, too: some files write into it."""
    workspace = make_workspace(tmp_path, filled=True)
    monkeypatch.chdir(workspace.root)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return workspace


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: f"{hostile.step:02d}-{hostile.name.replace(' ', '-')}")
def test_a_hostile_file_is_not_green(hostile: Hostile, workspace: Workspace):
    workspace.step(hostile.step).write_text(hostile.source())
    try:
        verdict = supervisor.run(hostile.step, workspace, green={}, device="cpu").verdict
    except CourseError:
        return  # it broke the tool's own code in its process: no verdict at all
    assert verdict.status == "red"
    assert verdict.problem is not None


# What a file does to the solution of step 00, without which no check of that step works.
DAMAGES = {
    "overwritten": "SOLUTION.write_text('')",
    "deleted": "SOLUTION.unlink()",
}
# Where a file stands in these lines, `import pathlib` and `SOLUTION` stand above.
ENDINGS = {
    "to its end": "",
    "until it raises": "raise ValueError",
    "until it leaves": "import os; os._exit(0)",
    "until it crashes": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "until it is stopped": "while True: pass",
    "until it ends the judge": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "until it floods": "while True: print('x' * 1000)",
    # Numbers that stand for nothing are passed over; that none at all can be written to would be an error.
    "until it disturbs the pipe": "import contextlib, os\nwritten = 0\nfor number in range(3, 256):\n"
    "    with contextlib.suppress(OSError):\n"
    "        written += os.write(number, b'nothing that is understood')\nassert written\n",
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_solution_is_put_back_however_the_check_ends(damage: str, ending: str, workspace: Workspace):
    file, solution = workspace.step(0), workspace.solution(0)
    right, shipped = file.read_text(), solution.read_bytes()
    damaging = f"import pathlib\nSOLUTION = pathlib.Path('solutions/solution_00.py')\n{DAMAGES[damage]}\n"
    file.write_text(f"{right}\n{damaging}{ENDINGS[ending]}\n")
    limits = supervisor.TIME_LIMITS | {"trace": 2.0}
    verdict = supervisor.run(0, workspace, green={}, device="cpu", time_limits=limits).verdict
    assert verdict.status == "red"
    problem = verdict.problem
    assert problem is not None and problem.kind == "stopped"
    what = "deleted" if damage == "deleted" else "changed"
    told = f"solutions/solution_00.py was {what} while your code was checked. It was put back."
    assert told in f"{problem.summary} {problem.advice}"
    assert solution.read_bytes() == shipped
    file.write_text(right)
    assert supervisor.run(0, workspace, green={}, device="cpu").verdict.status == "green"


def test_a_damaged_solution_is_put_back_when_the_tool_itself_fails(workspace: Workspace):
    file, solution = workspace.step(0), workspace.solution(0)
    shipped = solution.read_bytes()
    damaging = "import pathlib, sys\npathlib.Path('solutions/solution_00.py').write_text('')\n"
    breaking = "sys.modules['__main__'].LearnerProcess._subject = None\n"
    file.write_text(f"{file.read_text()}\n{damaging}{breaking}")
    with pytest.raises(CourseError, match=r"solutions/solution_00.py was changed .* It was put back\."):
        supervisor.run(0, workspace, green={}, device="cpu")
    assert solution.read_bytes() == shipped


def test_what_a_file_leaves_behind_changes_nothing_later(workspace: Workspace):
    file, solution = workspace.step(0), workspace.solution(0)
    right, shipped = file.read_text(), solution.read_bytes()
    later = "import os, pathlib, time\nif os.fork() == 0:\n    time.sleep(3)\n"
    file.write_text(f"{right}\n{later}    pathlib.Path('solutions/solution_00.py').write_text('')\n    os._exit(0)\n")
    supervisor.run(0, workspace, green={}, device="cpu")
    time.sleep(3.5)
    assert solution.read_bytes() == shipped


def test_the_learners_other_files_are_left_as_they_are_written(workspace: Workspace):
    file, other = workspace.step(0), workspace.step(1)
    file.write_text(f"{file.read_text()}\nimport pathlib\npathlib.Path('steps/step_01.py').write_text('mine')\n")
    assert supervisor.run(0, workspace, green={}, device="cpu").verdict.status == "green"
    assert other.read_text() == "mine"


@pytest.fixture
def course(tmp_path: Path) -> Workspace:
    """A copy of the course with the tool in it: some files write into the tool."""
    workspace = make_workspace(tmp_path, filled=True)
    shutil.copytree(REPOSITORY / "tutor", tmp_path / "tutor", ignore=shutil.ignore_patterns("__pycache__"))
    return workspace


# With a comparison that finds nothing, a wrong step would be right in the next check.
BLIND = "def find_difference(*arguments): return None\n"
SHADOW = f"""
import pathlib
package = pathlib.Path("tutor/checking/compare")
package.mkdir()
(package / "__init__.py").write_text(pathlib.Path("tutor/checking/compare.py").read_text() + {BLIND!r})
"""
BYTECODE = f"""
import importlib.util, marshal, os, pathlib, struct
source = pathlib.Path("tutor/checking/compare.py").absolute()
made = pathlib.Path(importlib.util.cache_from_source(str(source)))
code = compile(source.read_text() + {BLIND!r}, str(source), "exec")
status = source.stat()
head = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(status.st_mtime), status.st_size)
made.parent.mkdir(exist_ok=True)
made.unlink(missing_ok=True)
made.write_bytes(head + marshal.dumps(code))
"""
SOURCE = f"""
import pathlib
source = pathlib.Path("tutor/checking/compare.py")
source.write_text(source.read_text() + {BLIND!r})
"""


@pytest.mark.parametrize("code", [SHADOW, BYTECODE, SOURCE], ids=["a-new-package", "bytecode", "a-changed-module"])
def test_a_tool_that_was_changed_is_put_back(code: str, course: Workspace, tutor: Tool):
    environment = {"PYTHONPATH": str(course.root), "TUTOR_IS_EDITED": "", "PYTHONDONTWRITEBYTECODE": ""}
    file = course.step(0)
    right = file.read_text()
    old, new = WRONG[0]
    wrong = right.replace(old, new)
    file.write_text(f"{wrong}\n{code}\n")
    assert tutor(course, "s00", **environment).returncode == 1
    file.write_text(wrong)
    second = tutor(course, "s00", **environment)
    assert second.returncode == 1, "the wrong file is wrong again"
    assert "differ" in second.stdout
    file.write_text(right)
    assert tutor(course, "s00", **environment).returncode == 0


def test_a_new_file_in_the_tool_is_told(course: Workspace, tutor: Tool):
    environment = {"PYTHONPATH": str(course.root), "TUTOR_IS_EDITED": "", "COLUMNS": "200"}
    file = course.step(0)
    file.write_text(f"{file.read_text()}\nimport pathlib\npathlib.Path('tutor/new.py').write_text('new = True')\n")
    result = tutor(course, "s00", **environment)
    assert result.returncode == 1
    assert "tutor/new.py appeared while your code was checked. It was moved out of the way." in result.stdout
    (kept,) = course.state.glob("backups/*/tutor/new.py")
    assert kept.read_text() == "new = True"
    assert str(kept.relative_to(course.root)) in result.stdout
    assert not (course.root / "tutor" / "new.py").exists()


def test_what_is_not_hostile_is_green(workspace: Workspace):
    """Or the files above would not be red for what they do."""
    verdict = supervisor.run(0, workspace, green={}, device="cpu").verdict
    assert verdict.status == "green"
