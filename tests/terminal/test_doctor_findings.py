"""What the doctor concludes, and how much room it takes."""

from importlib import metadata
from pathlib import Path

import pytest

from tests.conftest import Tool
from tutor.learner.workspace import Workspace
from tutor.terminal import doctor


def test_when_all_is_well_it_fits_a_terminal_and_says_so_at_the_end(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "doctor")
    lines = result.stdout.splitlines()
    assert result.returncode == 0 and lines[-1] == "All is well."
    assert len(lines) < 24
    assert lines[0] == "Required" and "Optional" in lines
    assert "wrong" not in result.stdout


def test_it_ends_with_the_number_of_things_that_are_wrong(skeletons: Workspace, tutor: Tool):
    skeletons.step(7).unlink()
    assert tutor(skeletons, "doctor").stdout.splitlines()[-1].startswith("1 thing is wrong; ")
    (skeletons.root / "checkpoints").unlink()
    result = tutor(skeletons, "doctor")
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == "2 things are wrong; the line below each says how to fix it."


@pytest.mark.parametrize("below", ["", "graphs"])
def test_a_cache_that_is_a_file_is_wrong(skeletons: Workspace, tutor: Tool, tmp_path: Path, below: str):
    file = tmp_path / "cache"
    file.write_text("")
    result = tutor(skeletons, "doctor", TUTOR_CACHE=str(file / below))
    assert result.returncode == 1
    assert f"{file} is a file and no folder" in result.stdout
    assert "fix: set TUTOR_CACHE to a folder that you can write" in result.stdout


def test_a_cache_that_is_not_there_yet_is_well(skeletons: Workspace, tutor: Tool, tmp_path: Path):
    result = tutor(skeletons, "doctor", TUTOR_CACHE=str(tmp_path / "new" / "cache"))
    assert result.returncode == 0 and "has no compiled graphs yet" in result.stdout


def pretend(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    """Has packages in other versions, or not at all; underscores stand for hyphens."""
    real = metadata.version

    def version(name: str) -> str:
        found = versions.get(name.replace("-", "_"), real(name))
        if found is None:
            raise metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(doctor.metadata, "version", version)


def find(findings: list[doctor.Finding], name: str) -> doctor.Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def test_only_required_packages_that_are_wrong_are_listed(
    skeletons: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pretend(monkeypatch, rich="1.0", click=None)
    findings = doctor.examine(skeletons, tmp_path)
    assert find(findings, "rich").value.startswith("1.0; the course is pinned to ")
    assert find(findings, "click").value == "not installed"
    assert {finding.name for finding in findings if finding.state == "wrong"} == {"rich", "click"}
    assert not any(finding.name in ("packages", "numpy") for finding in findings)
    assert not doctor.is_healthy(findings)


def test_what_is_optional_may_be_missing(skeletons: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pretend(monkeypatch, torch=None, transformers=None)
    findings = doctor.examine(skeletons, tmp_path)
    test = find(findings, "test")
    assert (test.state, test.required) == ("absent", False)
    assert test.value.startswith("2 of ") and "test` needs them" in test.value
    assert doctor.is_healthy(findings)


def test_what_is_optional_may_be_wrong_and_the_steps_still_run(
    skeletons: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pretend(monkeypatch, torch="1.0")
    findings = doctor.examine(skeletons, tmp_path)
    assert find(findings, "torch").state == "wrong" and doctor.is_healthy(findings)
    assert find(findings, "torch").required is False


def test_a_build_for_other_hardware_is_the_pinned_version(
    skeletons: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pretend(monkeypatch, torch=metadata.version("torch").partition("+")[0] + "+cu130")
    assert not any(finding.name == "torch" for finding in doctor.examine(skeletons, tmp_path))
