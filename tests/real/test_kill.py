"""`cookiecutter` killed with all its processes at random moments: old, new, or put back by the next run."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import recovery
from support import OFFERED, generate, volume
from upgrading import everything, start, wait_until_it_writes

pytestmark = pytest.mark.real
KILLS = volume(6)  # of each kind


@pytest.fixture(params=["creation", "upgrade"])
def before(request, baked, tmp_path):
    """before(): the folder as it is at the beginning: empty, or a project of level 0 with an edit."""

    def prepare() -> Path:
        project = tmp_path / "my_ml_project"
        shutil.rmtree(project, ignore_errors=True)
        if request.param == "creation":
            project.mkdir()
            return project
        shutil.copytree(baked(), project)
        (project / "README.md").write_text("# Mine\n" + (project / "README.md").read_text("utf-8"), encoding="utf-8")
        return project

    return prepare


def test_killed_at_any_moment(template, before):
    project, level, chance = before(), OFFERED[1], random.Random(0)
    old = everything(project)
    began = time.monotonic()
    assert start(template, project.parent, level).wait() == 0
    usual, new = time.monotonic() - began, everything(project)
    found = {"old": 0, "put back": 0, "new": 0}
    for turn in range(KILLS):
        before()
        process = start(template, project.parent, level)
        if turn % 2:
            wait_until_it_writes(process, project)
        time.sleep(chance.uniform(0, 0.1) if turn % 2 else chance.uniform(0, 1) * usual)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        project.mkdir(exist_ok=True)
        undone = recovery.recover(project)
        there = everything(project)
        assert there in (old, new)
        found["put back" if undone else "old" if there == old else "new"] += 1
        usual *= 1.1 if there == old and not undone else 0.9  # the machine may be slower now than it was, or faster
        generate(template, project.parent, "-f", "--no-input", maturity_level=level)
        assert everything(project) == new
    assert found["old"] and found["new"] + found["put back"], found
