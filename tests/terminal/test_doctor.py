"""`doctor`: versions, devices, files, and how to fix what is missing."""

from tests.support.workspaces import Tool
from tutor.learner.workspace import Workspace


def test_doctor_reports_versions_devices_cache_and_files(skeletons: Workspace, tutor: Tool):
    result = tutor(skeletons, "doctor")
    for word in ("Python", "modular", "CPU", "GPU", "cache", "steps", "checkpoint"):
        assert word in result.stdout
    assert result.returncode == 0, result.stdout


def test_doctor_says_how_to_fix_what_is_missing(skeletons: Workspace, tutor: Tool):
    skeletons.step(7).unlink()
    (skeletons.root / "checkpoints").unlink()
    result = tutor(skeletons, "doctor")
    assert result.returncode == 1
    assert "fix: make reset STEP=07" in result.stdout
    assert "fix: git checkout -- checkpoints" in result.stdout
