"""All or nothing: at every step a run may be killed, or a write may fail, over a new project and over an old one.

Each run is a process of its own. An audit hook counts what it asks of the file system below the project, and lets it
die, or fail, at one of these steps.
"""

import errno
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

import applying
import cookiecutter.config
import cookiecutter.prompt  # noqa: F401 - imported once here, not in each of the many processes
import disk
import journal
import pytest
import recorded_base
import recovery
import regeneration
from applying import Changes
from recorded_base import Record
from refusal import RefusedError
from support import DEFAULTS, ROOT
from upgrading import everything, kept_before, text, times, write

WRITING = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "open", "shutil.rmtree"}
OLD = {"a": text("1", "2", "3"), "sub/dropped": text("x"), "run.sh": text("#!"), "same": text("s")}
NEW = {"a": text("1", "2", "3", "4"), "run.sh": text("#!", "new"), "same": text("s"), "deep/er/b": text("b")}
EDITED = {"a": text("one", "2", "3"), "mine": text("mine")}


def below(project: Path, event: str, args: tuple) -> bool:
    """Whether an audit event is a change of the project."""
    if event not in WRITING or not isinstance(args[0], str | os.PathLike | bytes):
        return False
    if event == "open" and not (args[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        return False
    return os.fsdecode(args[0]).startswith(str(project))


def run_until(project: Path, step: int, halt, **answers: str) -> int:
    """Run the template in a process of its own that halts at this step; its wait status, 0 if it never came there.

    1 is a refusal, 3 the end of a run that went on all the same.
    """
    if child := os.fork():
        return os.waitpid(child, 0)[1]
    seen = 0

    def watch(event: str, args: tuple) -> None:
        nonlocal seen
        if below(project, event, args):
            seen += 1
            if seen == step:
                halt()

    status = 2
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.fsync = lambda _: None  # waits for the disk, which a killed process does not take with it
        regeneration.render = lambda *_: NEW
        given = DEFAULTS | {"maturity_level": "1"} | answers
        sys.addaudithook(watch)
        regeneration.regenerate(project, ROOT, given, finish=print)
        status = 3 if seen >= step > 0 else 0
    except RefusedError:
        status = 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(params=["a new project", "an upgrade", "an undoing"])
def mode(request) -> str:
    return request.param


@pytest.fixture
def run(mode):
    """run(project, step, halt): the run in question, halted at this step."""
    answers = {"_undo": "yes"} if mode == "an undoing" else {}
    return lambda project, step, halt: run_until(project, step, halt, **answers)


@pytest.fixture
def start(mode, made, tmp_path):
    """start(): a new folder, a project of level 0 with edits, or one that was upgraded and edited since."""
    if mode == "an undoing":
        upgraded = write(made(OLD), EDITED)
        assert run_until(upgraded, 0, die) == 0
        write(upgraded, {"same": text("edited since")})
        upgraded.rename(tmp_path / "upgraded")

    def begin() -> Path:
        if mode == "an undoing":
            return Path(shutil.copytree(tmp_path / "upgraded", tmp_path / "my_ml_project"))
        project = made(OLD)
        if mode == "a new project":
            shutil.rmtree(project)
            project.mkdir()
            return project
        return write(project, EDITED)

    return begin


@pytest.fixture
def fresh(start):
    """fresh(project): the project from the start."""

    def renew(project: Path) -> dict[str, bytes]:
        shutil.rmtree(project, ignore_errors=True)
        start()
        return everything(project)

    return renew


def test_killed_at_any_step_it_is_old_or_new_or_can_be_put_back(start, fresh, run):
    project = start()
    before = everything(project)
    assert run(project, 0, die) == 0
    after = everything(project)
    assert after != before
    found, step = set(), 0
    while True:
        step += 1
        assert fresh(project) == before
        status = run(project, step, die)
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        died = project_files(project)
        assert_nothing_of_the_user_is_gone(project, before)
        begun = (project / journal.JOURNAL).exists()
        assert begun or died in (project_files_of(before), project_files_of(after)), step
        with disk.alone(project):
            undone = recovery.recover(project)
        there = project_files(project)
        assert there in (project_files_of(before), project_files_of(after)), step
        assert undone is None or (undone.fits and not undone.changed and not undone.lost), step
        assert undone is None or there == project_files_of(before), step
        assert not (project / journal.JOURNAL).exists()
        found.add("undone" if undone else there == project_files_of(before))
        if there == project_files_of(before):
            assert run(project, 0, die) == 0
        assert everything(project) == after, step
    assert found == {True, False, "undone"} and step > 20


def project_files_of(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files without what a run notes for itself."""
    return {path: data for path, data in files.items() if "journal.json" not in path}


def project_files(project: Path) -> dict[str, bytes]:
    return project_files_of(everything(project))


def assert_nothing_of_the_user_is_gone(project: Path, before: dict[str, bytes]) -> None:
    """Every byte that was there is in its place, or among the files that a run keeps."""
    there = {data for path in project.rglob("*") if path.is_file() for data in [path.read_bytes()]}
    assert set(before.values()) <= there


def test_a_write_that_fails_at_any_step_is_refused_with_all_as_it_was(start, fresh, run):
    project = start()
    before = everything(project)
    assert run(project, 0, fail) == 0
    after, step, refused = everything(project), 0, 0
    while True:
        step += 1
        assert fresh(project) == before
        shape = {path for path in times(project) if "recovery" not in path}
        status = os.waitstatus_to_exitcode(run(project, step, fail))
        if status == 0:  # there is no such step
            break
        if status == 3:  # all was done, and there was nothing left but to tidy up
            assert project_files(project) == project_files_of(after), step
            continue
        assert status == 1 and everything(project) == before, step
        assert {path for path in times(project) if "recovery" not in path} == shape, step
        refused += 1
    assert refused > 15


def test_an_edit_after_the_kill_stays_and_the_rest_is_put_back(made):
    project = made(OLD)
    before, changed, step = everything(project), [], 0
    while not changed:
        step += 1
        shutil.rmtree(project)
        assert os.WIFSIGNALED(run_until(made(OLD), step, die))
        there = everything(project)
        changed = [path for path in NEW if path in there and there[path] != before.get(path)]
    (project / changed[0]).write_text("edited after the kill")
    assert recovery.recover(project).changed == changed[:1]
    assert everything(project) == before | {changed[0]: b"edited after the kill"}
    (died,) = (project / journal.RECOVERY).iterdir()
    assert (died / "before" / changed[0]).read_bytes() == before[changed[0]]


def test_the_files_as_they_were_are_kept(made, run_template):
    project = write(made(OLD), EDITED)
    run_template(project, NEW, maturity_level="1")
    assert kept_before(project)["a"] == EDITED["a"] and "mine" not in kept_before(project)


def test_the_same_again_changes_nothing(made, run_template, capsys):
    project = write(made(OLD), EDITED)
    run_template(project, NEW, maturity_level="1")
    before = times(project)
    run_template(project, NEW, maturity_level="1")
    assert times(project) == before and "Nothing to change." in capsys.readouterr().out


def test_a_file_that_changes_meanwhile_stops_the_run(made, monkeypatch):
    project = made(OLD)
    before = everything(project)
    writes = {"same": text("new"), "a": text("new"), recorded_base.BASE: b"new"}
    real = applying.replace

    def replace(folder, keep, path, old, new):
        if path == "a":
            (project / "a").write_text("typed meanwhile")
        real(folder, keep, path, old, new)

    monkeypatch.setattr(applying, "replace", replace)
    with pytest.raises(applying.ChangedError, match="a"):
        applying.apply(project, Changes(writes, OLD | {recorded_base.BASE: before[recorded_base.BASE]}))
    assert everything(project) == before | {"a": b"typed meanwhile"}


def test_an_edit_after_the_plan_stops_the_run_too(made):
    project = made(OLD)
    before = everything(project)
    with pytest.raises(applying.ChangedError, match="a"):
        applying.apply(project, Changes({"a": text("new"), "b": text("b")}, {"a": text("as planned"), "b": None}))
    assert everything(project) == before and not (project / journal.RECOVERY).exists()


def test_two_runs_at_once_are_one_and_a_refusal(made, run_template):
    project = made(OLD)
    with disk.alone(project), pytest.raises(RefusedError, match="Another run is at work"):
        run_template(project, NEW)
    run_template(project, NEW)


def test_modes_of_the_user_are_kept(made, run_template):
    project = made(OLD)
    (project / "a").chmod(0o600)
    (project / "run.sh").chmod(0o750)
    run_template(project, NEW)
    assert [(project / path).stat().st_mode & 0o777 for path in ("a", "run.sh")] == [0o600, 0o750]


def test_a_record_comes_back_as_it_was_written(tmp_path):
    record = Record({"a": b"\0\r\n"}, DEFAULTS, conflicts=["y"], template="gh:org/x", checkout="v1")
    assert recorded_base.read(write(tmp_path, recorded_base.files(record))) == record
