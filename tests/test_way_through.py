"""The way through the course: one step is filled in after another, and what the chapters promise works at once.

The promises are the commands in the chapters. A chapter's commands must work once its step is right, while all later
steps are unfilled. Those that run the learner's own model must go on working, whatever is filled in next.
"""

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from click.testing import CliRunner, Result

from tests.support.repository import known_commands
from tests.support.workspaces import Tool
from tutor.cli import cli
from tutor.course import ATTENTION_WEIGHTS, COURSE, GENERATION, LANGUAGE_MODEL, PRETRAINED_WEIGHTS, Step
from tutor.learner.skeleton import as_learners_file
from tutor.learner.workspace import REPOSITORY, Workspace

every_step = pytest.mark.parametrize("step", COURSE, ids=lambda step: step.label)

NOTE_15 = "Step 15 is not filled in yet: for now, its solution reads the model's weights.\n"
NOTE_19 = "Step 19 is not filled in yet: for now, its solution computes the weights of attention.\n"


@dataclass(frozen=True)
class Promise:
    """A command in a chapter.

    Args:
        words: what comes after `python -m tutor`.
        stdin: what it reads.
    """

    words: tuple[str, ...]
    stdin: str = ""

    @property
    def own_model(self) -> bool:
        """Whether it runs the learner's own model, and so depends on several steps."""
        return "steps" in self.words


def promises_of(step: Step) -> list[Promise]:
    """The commands of a chapter, each once."""
    text = (REPOSITORY / f"book/src/step_{step.label}.md").read_text()
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)).replace("|\n", "|")
    return list(dict.fromkeys(_promises([*blocks.splitlines(), *re.findall(r"`([^`\n]+)`", text)])))


def _promises(lines: list[str]) -> Iterator[Promise]:
    for line in lines:
        before, _, command = line.rpartition("|")
        match shlex.split(command) if re.match(r"\s*(?:make|pixi|python) ", command) else []:
            case ["make", name, *rest]:
                given = dict(word.partition("=")[::2] for word in rest)
                default = "ROMEO:" if name in ("generate", "attention") else ""
                first = given.get("PROMPT", given.get("STEP", default))
                words = [name, *([first] if first else []), *shlex.split(given.get("ARGS", ""))]
            case ["pixi", "run", *words] | ["python", "-m", "tutor", *words]:
                pass
            case _:
                continue
        if words[0] not in known_commands() and not re.fullmatch(r"s\d\d", words[0]):
            continue
        if words[0] in ("train", "evaluate"):
            continue  # they need a text of the reader's own: tests/training tries them
        if "--model" in words:  # that of the hub is not at hand: the course's own has the same form
            del words[words.index("--model") : words.index("--model") + 2]
        printed = re.match(r"\s*printf '(.*)' *$", before)
        yield Promise(tuple(words), printed[1].replace(r"\n", "\n") if printed else "")


def learner_at(step: Step, workspace: Workspace) -> Workspace:
    """The workspace of somebody who has just filled in a step: it is right, and so are all before it."""
    for each in COURSE[: step.number + 1]:
        solution = workspace.solution(each.number).read_text()
        workspace.step(each.number).write_text(as_learners_file(solution))
    return workspace


@pytest.fixture
def run(skeletons: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[[Promise], Result]:
    """Runs a command in the workspace, in this process: MAX is imported once for all."""
    monkeypatch.chdir(skeletons.root)
    return lambda promise: CliRunner().invoke(cli, promise.words, input=promise.stdin)


def test_the_chapters_promises_are_found():
    promises = {step.number: promises_of(step) for step in COURSE}
    assert all(Promise((f"s{step.label}",)) in promises[step.number] for step in COURSE)
    assert Promise(("graph", "08")) in promises[8]
    assert Promise(("generate", "ROMEO:", "--from", "steps")) in promises[GENERATION]
    (batch,) = [promise for promise in promises[17] if "--prompts" in promise.words]
    assert batch.stdin == "ROMEO:\nFirst Citizen:\nTo be\n" and batch.own_model
    assert Promise(("attention", "To be, or not to be", "--from", "steps")) in promises[ATTENTION_WEIGHTS]


@every_step
def test_what_the_chapters_promise_by_then(
    step: Step, skeletons: Workspace, run: Callable[[Promise], Result], compiled: None
):
    learner_at(step, skeletons)
    earlier = [promise for each in COURSE[: step.number] for promise in promises_of(each) if promise.own_model]
    for promise in dict.fromkeys([*promises_of(step), *earlier]):
        result = run(promise)
        assert result.exit_code == 0 and result.stdout, (promise, result.output, result.exception)
        borrowed = promise.own_model and step.number < PRETRAINED_WEIGHTS
        # With `--stats`, an empty line and one of numbers end what is on stderr.
        assert result.stderr.startswith(NOTE_15 if borrowed else "\n" if "--stats" in promise.words else ""), promise
        assert "not filled in" not in result.stderr.removeprefix(NOTE_15), promise


def test_the_text_is_the_same_from_the_first_step_that_can_write_to_the_last(
    skeletons: Workspace, run: Callable[[Promise], Result], compiled: None
):
    options = ("generate", "ROMEO:", "--max-new-tokens", "12", "--seed", "3")
    expected = run(Promise(options)).stdout
    for step in COURSE[GENERATION:]:
        learner_at(step, skeletons)
        assert run(Promise((*options, "--from", "steps"))).stdout == expected, step


def test_before_the_model_can_write_the_first_step_that_is_missing_is_named(skeletons: Workspace, tutor: Tool):
    result = tutor(learner_at(COURSE[GENERATION - 1], skeletons), "generate", "ROMEO:", "--from", "steps")
    assert result.returncode == 1 and result.stdout == ""
    assert "Not filled in yet: step 14" in result.stderr and "Check: make s14" in result.stderr


def test_the_attention_of_a_model_can_be_looked_at_as_soon_as_there_is_one(
    skeletons: Workspace, tutor: Tool, compiled: None
):
    words = ("attention", "To be", "--layer", "1")
    own = tutor(learner_at(COURSE[LANGUAGE_MODEL], skeletons), *words, "--from", "steps")
    assert own.returncode == 0 and own.stdout == tutor(skeletons, *words).stdout
    assert own.stderr == NOTE_19 + NOTE_15


# --- steps that are filled in only in part ----------------------------------------------------


def put_back(workspace: Workspace, step: int, function: str) -> None:
    """Makes one function of a right step what it is in the skeleton."""
    file, skeleton = workspace.step(step), (REPOSITORY / f"steps/step_{step:02d}.py").read_text()
    text = file.read_text().splitlines()
    text[lines_of(function, file.read_text())] = skeleton.splitlines()[lines_of(function, skeleton)]
    file.write_text("\n".join(text) + "\n")


def lines_of(function: str, source: str) -> slice:
    """The lines of a function in a file."""
    (found,) = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == function]
    return slice(found.lineno - 1, found.end_lineno)


@pytest.mark.parametrize(
    ("step", "function", "engine", "note"),
    [
        (15, "parameter_name", "with a cache, in batches", NOTE_15),
        (15, "load_pretrained", "with a cache, in batches", ""),
        (16, "extend", "without a cache", ""),
        (16, "generate_with_cache", "with a cache, in batches", ""),
        (17, "pad_left", "with a cache", ""),
        (17, "generate_batch", "with a cache", ""),
    ],
)
def test_a_step_that_is_filled_in_only_in_part(
    step: int, function: str, engine: str, note: str, filled: Workspace, tutor: Tool, compiled: None
):
    put_back(filled, step, function)
    result = tutor(filled, "generate", "ROMEO:", "--from", "steps", "--max-new-tokens", "2", "--stats")
    assert result.returncode == 0 and result.stderr.startswith(note + "\n"), result.stderr
    assert result.stderr.endswith(f"({engine})\n")


# --- steps that are wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "old", "new", "told"),
    [
        (15, "    return weights\n", "    return None\n", "`read_weights` returned NoneType"),
        (15, "np.ascontiguousarray(array)", "array.astype(np.float64)", "returned float64 for transformer"),
        (15, "np.ascontiguousarray(array)", "np.ascontiguousarray(array[:9])", "an array of shape (9, 192) for"),
        (15, "def read_config", "def read_configuration", "no attribute 'read_config'"),
        (15, "import json\n", "import json\nimport no_such_module\n", "No module named 'no_such_module'"),
        (17, "rows[row].append(token)", "rows[row].push(token)", "no attribute 'push'"),
    ],
)
def test_a_wrong_step_is_named_and_not_replaced(
    step: int, old: str, new: str, told: str, filled: Workspace, tutor: Tool, compiled: None
):
    text = filled.step(step).read_text()
    assert text.count(old) == 1
    filled.step(step).write_text(text.replace(old, new))
    result = tutor(filled, "generate", "ROMEO:", "--from", "steps", "--max-new-tokens", "3")
    said = " ".join(result.stderr.split())
    assert result.returncode == 1 and told in said and f"make s{step}" in said, result.stderr
    assert "solution" not in said and "Traceback" not in said


@pytest.mark.parametrize("words", [("generate", "ROMEO:"), ("attention", "ROMEO:")])
def test_a_step_whose_file_is_gone_is_named(words: tuple[str, ...], filled: Workspace, tutor: Tool):
    filled.step(15).unlink()
    result = tutor(filled, *words, "--from", "steps")
    assert result.returncode == 1
    assert "steps/step_15.py is missing." in result.stderr and "make reset STEP=15" in result.stderr
