"""What died halfway is really put back, on any file system and whatever happened since; and nothing is thrown away."""

import errno
import fcntl
import os
import runpy
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import applying
import disk
import journal
import private_copy
import pytest
import recorded_base
import recovery
from applying import Changes
from refusal import RefusedError
from support import HOOKS, private_settings
from upgrading import everything, text, times, write

OLD = {"a": text("1", "2", "3"), "sub/dropped": text("x"), "b": text("b"), "same": text("s")}
NEW = {"a": text("1", "2", "3", "4"), "b": text("new"), "same": text("s"), "deep/er/c": text("c")}


@pytest.fixture
def died(made, run_template, monkeypatch):
    """died(after): a project of level 0 in which an upgrade died after so many files, all if after is None."""

    def run(after: int | None) -> Path:
        project, done = made(OLD), []
        real = applying.replace

        def replace(*words: object) -> None:
            if len(done) == after:
                raise SystemExit
            done.append(words)
            real(*words)

        with monkeypatch.context() as patch:
            patch.setattr(applying, "replace", replace)
            patch.setattr(recovery, "roll_back", lambda *_: None)
            patch.setattr(recovery, "close", lambda *_: None)
            if after is None:
                run_template(project, NEW)
            else:
                with pytest.raises(SystemExit):
                    run_template(project, NEW)
        assert (project / journal.JOURNAL).is_file()
        return project

    return run


def saved(project: Path) -> dict[str, bytes]:
    """All that dead runs have saved."""
    return {
        path.name: path.read_bytes() for path in (project / journal.RECOVERY).rglob("*/before/**/*") if path.is_file()
    }


def test_it_is_put_back_where_every_file_looks_executable(died):
    project = died(3)
    for path in project.rglob("*"):
        path.chmod(0o777)
    found = recovery.recover(project)
    assert found.put_back and not found.changed
    assert {p: data for p, data in everything(project).items() if "mlops" not in p} == OLD
    assert not (project / journal.RECOVERY).exists()


def test_nothing_becomes_executable_where_the_template_lies_on_such_a_file_system(made, run_template, tmp_path):
    everywhere = write(tmp_path / "template", NEW)
    for path in everywhere.rglob("*"):
        path.chmod(0o777)
    project = made(OLD)
    run_template(project, disk.read_tree(everywhere))
    assert not [path for path in project.rglob("*") if path.is_file() and path.stat().st_mode & stat.S_IXUSR]


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.EINVAL, errno.EBADF, errno.ENOLCK])
@pytest.mark.parametrize("call", ["flock", "fsync", "chmod"])
def test_a_file_system_that_lacks_a_call_is_written_to_all_the_same(made, run_template, monkeypatch, call, number):
    def lacks(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    project = write(made(OLD), {"a": text("mine", "2", "3")})
    (project / "a").chmod(0o600)
    monkeypatch.setattr(*{"flock": (fcntl, "flock"), "fsync": (os, "fsync"), "chmod": (Path, "chmod")}[call], lacks)
    run_template(project, NEW)
    assert (project / "a").read_bytes() == text("mine", "2", "3", "4") and (project / "deep/er/c").is_file()
    run_template(project, NEW, _undo="yes")
    assert (project / "a").read_bytes() == text("mine", "2", "3")


@pytest.mark.parametrize("call", ["fsync", "chmod"])
def test_a_disk_that_is_full_is_no_file_system_that_lacks_a_call(made, run_template, monkeypatch, call):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    project = made(OLD)
    (project / "a").chmod(0o600)
    before = everything(project)
    monkeypatch.setattr(*{"fsync": (os, "fsync"), "chmod": (Path, "chmod")}[call], full)
    with pytest.raises(RefusedError, match=r"(?s)No space left.*\nNothing was changed"):
        run_template(project, NEW)
    assert everything(project) == before


def test_a_rename_that_is_refused_for_good_is_told_and_put_back_by_the_next_run(
    made, run_template, monkeypatch, capsys
):
    """As where another program holds a file open, on file systems that then refuse to replace it."""
    project, real, done = made(OLD), Path.replace, []
    before = everything(project)

    def replace(path: Path, target: Path) -> None:
        if target == project / "b":
            raise PermissionError(errno.EACCES, "Access is denied")
        if path.is_relative_to(project / journal.RECOVERY) and target == project / "a":
            done.append(target)
            if len(done) > 1:
                raise PermissionError(errno.EACCES, "Access is denied")
        real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(RefusedError) as caught:
            run_template(project, NEW)
    message = str(caught.value)
    assert "could not all be put back: a (Access is denied). It is kept in .mlops-template/recovery." in message
    assert "Nothing was changed" not in message
    assert (project / "a").read_bytes() == NEW["a"] and saved(project)["a"] == OLD["a"]
    run_template(project, OLD)
    assert "was put back first" in capsys.readouterr().out
    assert everything(project) == before


def test_a_rename_that_is_refused_once_leaves_all_as_it_was(made, run_template, monkeypatch):
    project, real = made(OLD), Path.replace
    before = everything(project), set(times(project))

    def replace(path: Path, target: Path) -> None:
        if target == project / "b":
            raise PermissionError(errno.EACCES, "Access is denied")
        real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(RefusedError, match=r"(?s)Access is denied.*\nNothing was changed"):
        run_template(project, NEW)
    assert (everything(project), set(times(project))) == before


def test_a_record_that_changes_meanwhile_does_not_keep_the_rest_from_being_put_back(made, monkeypatch):
    project, real = made(OLD), applying.replace
    before, writes = everything(project), {"a": text("new"), recorded_base.BASE: b"new"}

    def replace(*words: object) -> None:
        if words[2] == recorded_base.BASE:
            (project / recorded_base.BASE).write_bytes(b"another's")
        real(*words)

    monkeypatch.setattr(applying, "replace", replace)
    with pytest.raises(applying.ChangedError):
        applying.apply(project, Changes(writes, {path: before[path] for path in writes}))
    assert everything(project) == before | {recorded_base.BASE: b"another's"}


@pytest.mark.parametrize("after", [1, 3, 4])
@pytest.mark.parametrize("dry", [True, False], ids=["dry run", "run"])
def test_a_journal_does_not_take_back_what_others_have_done_since(died, run_template, capsys, after, dry):
    """A run dies, `git reset --hard`, another person's upgrade is merged: their files look like those of the run."""
    project = died(after)
    theirs = NEW | {"newer": text("of a newer template")}
    record = recorded_base.files(recorded_base.Record(theirs, {"maturity_level": "0", "project_slug": "my_ml_project"}))
    (project / "sub/dropped").unlink(missing_ok=True)
    write(project, theirs | record)
    before, kept = everything(project), saved(project)
    run_template(project, theirs, **({"_dry_run": "yes"} if dry else {}))
    said = capsys.readouterr().out
    assert "An earlier run was cut short, and the record was changed since" in said
    there = everything(project)
    assert {path: there[path] for path in theirs} == theirs and (dry or not (project / journal.JOURNAL).exists())
    assert saved(project).items() >= kept.items()
    assert not dry or there == before


def test_a_run_that_died_at_its_last_moment_has_happened(died, run_template, capsys):
    """Its result was committed and edited: the edits are edits of that result."""
    project = died(None)
    write(project, {"a": text("edited", "2", "3", "4")})
    before = everything(project)
    run_template(project, NEW)
    said = capsys.readouterr().out.rpartition("my_ml_project:")[2]
    assert "cut short" not in said and "conflict" not in said and "Nothing to change." in said
    assert everything(project) == {path: data for path, data in before.items() if path != journal.JOURNAL}
    run_template(project, NEW, _undo="yes")
    assert (project / "b").read_bytes() == OLD["b"] and (project / "a").read_bytes() == text("edited", "2", "3", "4")


def test_saved_files_that_were_removed_by_hand_are_named_and_the_run_goes_on(died, run_template, capsys):
    project = died(3)
    changed = [path for path in ("a", "b") if (project / path).read_bytes() != OLD[path]]
    shutil.rmtree(project / journal.RECOVERY)
    run_template(project, NEW, maturity_level="1")
    said = capsys.readouterr().out
    assert changed and "left as that run wrote them, since what they had been was removed:\n  a\n" in said
    there = everything(project)
    assert {path: there[path] for path in NEW} == NEW and "sub/dropped" not in there
    assert not (project / journal.JOURNAL).exists()


def test_a_journal_of_an_earlier_version_is_put_aside_with_its_files(made, run_template, capsys):
    """Its fingerprints also hold the executable bit, so none fits."""
    project = made(OLD)
    run_template(project, NEW)
    (run,) = (project / journal.RECOVERY).iterdir()
    (run / journal.ENDED).replace(project / journal.JOURNAL)
    stored = (project / journal.JOURNAL).read_text("utf-8")
    digests = {journal.fingerprint(data) for data in everything(project).values()} | {journal.fingerprint(OLD["a"])}
    for digest in digests:
        stored = stored.replace(digest, "0" * 64)
    (project / journal.JOURNAL).write_text(stored, encoding="utf-8")
    run_template(project, NEW)
    assert "nothing of it is put back" in capsys.readouterr().out.replace("So ", "").replace("\n", " ")
    assert (run / journal.PUT_ASIDE).is_file() and (run / "before/a").read_bytes() == OLD["a"]


def test_no_folder_that_somebody_is_in_has_to_be_removed(run_template, tmp_path, monkeypatch, capsys):
    """As on Windows, where a dry run of a new project ended with a refusal."""
    project, real = tmp_path / "my_ml_project", Path.rmdir

    def rmdir(path: Path) -> None:
        if Path.cwd().is_relative_to(path):
            raise PermissionError(errno.EACCES, "in use by another process")
        real(path)

    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setattr(Path, "rmdir", rmdir)
    monkeypatch.setattr(private_copy, "is_older_than", lambda *_: True)
    run_template(project, NEW, _dry_run="yes")
    assert not project.exists() and "this was a dry run" in capsys.readouterr().out


CLOSED = ["| true", ">&-", "2>&- >&-", "| head -n 3"] + ([">/dev/full"] if Path("/dev/full").exists() else [])


@pytest.mark.parametrize("how", CLOSED)
@pytest.mark.parametrize("start", ["new", "upgrade"])
def test_nobody_has_to_read_what_a_run_says(template, baked, tmp_path, start, how):
    project = tmp_path / "my_ml_project"
    if start == "upgrade":
        shutil.copytree(baked(), project)
    words = [sys.executable, "-m", "cookiecutter", template, "-f", "--no-input", "-o", tmp_path, "maturity_level=1"]
    line = " ".join(f"'{word}'" for word in words)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{line} {how}"],
        cwd=tmp_path,
        env=os.environ | private_settings(tmp_path / "settings"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert everything(project) == everything(baked(maturity_level="1"))


def test_a_folder_on_a_file_system_of_its_own_is_written_to(made, run_template, monkeypatch):
    """As where a volume is mounted on a folder of the project."""
    project, real = write(made(OLD), {"sub/more": text("1")}), Path.replace
    (project / "deep").mkdir()

    def replace(path: Path, target: Path) -> None:
        inside = [one.is_relative_to(project / name) for name in ("deep", "sub") for one in (path, Path(target))]
        if inside[0] != inside[1] or inside[2] != inside[3]:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    before = everything(project)
    run_template(project, NEW | {"sub/new": text("n")})
    assert (project / "deep/er/c").read_bytes() == NEW["deep/er/c"]
    assert not list(project.rglob(".c.*"))
    run_template(project, {}, _undo="yes")
    assert everything(project) == before


def test_what_somebody_writes_while_it_is_put_back_stays(died, monkeypatch):
    project, real = died(3), recovery.put_back

    def put_back(folder: Path, *words: object) -> None:
        (project / "b").write_bytes(b"typed meanwhile")
        real(folder, *words)

    monkeypatch.setattr(recovery, "put_back", put_back)
    recovery.recover(project)
    assert (project / "b").read_bytes() == b"typed meanwhile"


def test_what_somebody_wrote_into_the_saved_files_is_not_discarded(died):
    project = died(3)
    (run,) = (project / journal.RECOVERY).iterdir()
    (run / "before/a").write_bytes(b"notes of somebody")
    assert recovery.recover(project).lost == ["a"]
    assert (run / "before/a").read_bytes() == b"notes of somebody"


def test_nothing_that_cannot_be_read_is_said_to_be_unchanged(made, run_template, monkeypatch):
    """A disk that fails while what was changed is put back."""
    project = made(OLD)

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def full(*words: object) -> None:
        if words[2] == "b":
            monkeypatch.setattr(recovery, "examine", fail)
            fail()
        real(*words)

    real = applying.replace
    monkeypatch.setattr(applying, "replace", full)
    with pytest.raises(RefusedError, match="could not all be put back") as caught:
        run_template(project, NEW)
    assert "Nothing was changed" not in str(caught.value)


def test_the_notes_of_a_run_are_kept_out_of_git_before_anything_else(made, run_template, monkeypatch):
    project, seen = made(OLD), []
    (project / recorded_base.IGNORED).write_text("an older one\n")
    monkeypatch.setattr(applying, "replace", lambda *words: seen.append(words[2]))
    monkeypatch.setattr(recovery, "close", lambda *_: None)
    run_template(project, NEW)
    assert seen[0] == recorded_base.IGNORED and seen[-1] == recorded_base.BASE


def test_a_clock_that_was_set_back_does_not_mix_up_the_runs(made, run_template, monkeypatch):
    project = made(OLD)
    run_template(project, NEW)
    first = everything(project)
    monkeypatch.setattr(journal.time, "time_ns", lambda: 10**18)
    run_template(project, NEW | {"d": text("d")})
    run_template(project, {}, _undo="yes")
    assert everything(project) == first


def test_a_dry_undo_after_a_death_at_the_last_moment_says_what_the_undo_does(died, run_template, capsys):
    project = died(None)
    run_template(project, {}, _undo="yes", _dry_run="yes")
    dry = [line for line in capsys.readouterr().out.splitlines() if "as before" in line]
    run_template(project, {}, _undo="yes")
    assert dry and dry == [line for line in capsys.readouterr().out.splitlines() if "as before" in line]
    assert {path: data for path, data in everything(project).items() if "mlops" not in path} == OLD


def test_a_template_that_may_not_be_written_to_is_copied_so_that_it_may(tmp_path, monkeypatch):
    """Cookiecutter's private copy has the modes of the template, which may lie in a store that nobody writes to."""
    copy = write(tmp_path / "copy", {"hooks/a.py": b"", "tree/b": b""})
    for path in [copy / "tree/b", copy / "tree", copy / "hooks/a.py", copy / "hooks", copy]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    monkeypatch.chdir(copy)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write to all
    runpy.run_path(str(HOOKS / "pre_prompt.py"))
    assert all(path.stat().st_mode & stat.S_IWUSR for path in [copy, *copy.rglob("*")])
    assert (copy / ".private-copy").is_file()


def test_runs_of_an_earlier_version_keep_their_folders(made, run_template, monkeypatch):
    """Whose names end in the number of a process, in local time, which may be ahead."""
    project = made(OLD)
    earlier = write(
        project / journal.RECOVERY, {"29990101-000000-12345/before/a": b"1", "29990101-000000-12345/added": b""}
    )
    for tree in (NEW, NEW | {"d": text("d")}, NEW | {"d": text("e")}):
        run_template(project, tree)
    assert len(list(earlier.iterdir())) == 4 and journal.own_names(project)[0] == "29990101-000000-12345"
    for _ in range(3):
        run_template(project, {}, _undo="yes")
    assert {path: data for path, data in everything(project).items() if "mlops" not in path} == OLD
