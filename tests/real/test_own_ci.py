"""The workflow of this repository itself, on the emulated GitHub: what starts it, and how much it tests."""

import re
from pathlib import Path

import pytest
from emulation import github
from support import ROOT, run, tool

pytestmark = pytest.mark.real
WORKFLOW = ".github/workflows/ci.yml"
SIGNED = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost"]


@pytest.fixture
def clone(tmp_path) -> Path:
    """A clone whose tests only say how much they would do; its jobs run here and not in a container."""
    tool("git")
    folder = tmp_path / "clone"
    run("git", "init", "-q", "-b", "main", folder, cwd=tmp_path)
    run("git", "remote", "add", "origin", tmp_path / "owner" / "mlops-template.git", cwd=folder)
    outside, containers = re.subn(
        r"^    container:\n(?: {6}.*\n)+", "", (ROOT / WORKFLOW).read_text("utf-8"), flags=re.M
    )
    assert containers == 1
    for path, text in {WORKFLOW: outside, ".ci/run": '#!/bin/sh\necho "volume $TEST_VOLUME"\n'}.items():
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / ".ci/run").chmod(0o755)
    run("git", "add", "-A", cwd=folder)
    run(*SIGNED, "commit", "-qm", "all", cwd=folder)
    run("git", "branch", "feature", cwd=folder)
    return folder


@pytest.mark.parametrize(
    ("event", "branch", "volume"),
    [
        ("push", "main", "1"),
        ("pull_request", "feature", "1"),
        ("schedule", "main", "10"),
        ("workflow_dispatch", "main", "10"),
    ],
)
def test_each_change_is_tested_in_small_and_what_the_clock_or_a_person_starts_in_full(
    clone, tmp_path, event, branch, volume
):
    given = {"secrets": {}, "variables": {}, "environment": {}, "artifacts": tmp_path / "artifacts"}
    result = github.run(clone, "ci.yml", event=event, branch=branch, **given)
    assert result.success, result.log
    assert re.findall(r"volume (\d*)$", result.log, flags=re.M) == [volume], result.log
