"""Undoing the last run: as before, but for what was changed since, and nothing is lost."""

import shutil

import journal
import pytest
import recorded_base
from refusal import RefusedError
from upgrading import everything, text, times, write

OLD = {"a": text("1", "2", "3"), "sub/dropped": text("x"), "b": text("b"), "same": text("s")}
NEW = {"a": text("1", "2", "3", "4"), "b": text("new"), "same": text("s"), "deep/er/c": text("c"), "deep/d": text("d")}
NEWER = NEW | {"a": text("1", "2", "3", "4", "5"), "e": text("e")}


def test_at_once_all_is_as_it_was(made, run_template):
    project = write(made(OLD), {"a": text("mine", "2", "3")})
    (project / "sub/dropped").chmod(0o600)
    before, shape = everything(project), set(times(project))
    run_template(project, NEW, maturity_level="1")
    assert everything(project) != before
    run_template(project, {}, _undo="yes")
    assert everything(project) == before
    assert {path for path in times(project) if "recovery" not in path} == shape
    assert (project / "sub/dropped").stat().st_mode & 0o777 == 0o600


def test_after_days_of_work_that_work_stays_and_is_named(made, run_template, capsys):
    project = made(OLD)
    run_template(project, NEW, maturity_level="1")
    write(project, {"a": text("later", "2", "3", "4"), "deep/er/c": text("my work"), "deep/mine": text("mine")})
    (project / "b").unlink()
    run_template(project, {}, _undo="yes")
    there = everything(project)
    assert (there["a"], there["deep/er/c"]) == (text("later", "2", "3", "4"), text("my work"))
    assert "b" not in there and "deep/d" not in there and there["sub/dropped"] == OLD["sub/dropped"]
    said = capsys.readouterr().out
    for path in ("a", "b", "deep/er/c"):
        assert f"kept            {path} (changed since" in said
    (saved,) = [line.rpartition(": ")[2] for line in said.splitlines() if "as they were before that run" in line]
    assert (project / saved / "a").read_bytes() == OLD["a"]
    run_template(project, NEW, maturity_level="1")
    assert everything(project)["a"] == text("later", "2", "3", "4")


def test_no_empty_folder_is_left(made, run_template):
    project = made(OLD)
    run_template(project, NEW)
    run_template(project, {}, _undo="yes")
    assert not (project / "deep").exists()


def test_runs_are_undone_one_after_the_other_and_done_again_by_running(made, run_template):
    project = made(OLD)
    states = [everything(project)]
    for tree in (NEW, NEWER):
        run_template(project, tree)
        states.append(everything(project))
    run_template(project, {}, _undo="yes")
    assert everything(project) == states[1]
    run_template(project, {}, _undo="yes")
    assert everything(project) == states[0]
    with pytest.raises(RefusedError, match="no run to undo"):
        run_template(project, {}, _undo="yes")
    run_template(project, NEWER)
    assert everything(project) == states[2]
    run_template(project, {}, _undo="yes")
    assert everything(project) == states[0]


def test_a_dry_run_says_what_undoing_would_do_and_touches_nothing(made, run_template, capsys):
    project = made(OLD)
    run_template(project, NEW)
    write(project, {"a": text("later")})
    before = times(project)
    run_template(project, {}, _undo="yes", _dry_run="yes")
    said = capsys.readouterr().out
    assert "kept            a (changed since" in said and "Nothing was written" in said
    assert times(project) == before


@pytest.mark.parametrize("gone", ["recovery", "the run", "the record in it"])
def test_without_the_saved_files_it_says_so(made, run_template, gone):
    project = made(OLD)
    run_template(project, NEW)
    (run,) = (project / journal.RECOVERY).iterdir()
    if gone == "the record in it":
        (run / "before" / recorded_base.BASE).unlink()
    else:
        shutil.rmtree(run if gone == "the run" else run.parent)
    before = everything(project)
    with pytest.raises(RefusedError, match=r"no run to undo|is gone, without which nothing can be undone"):
        run_template(project, {}, _undo="yes")
    assert everything(project) == before


def test_one_saved_file_that_is_gone_or_was_changed_is_named_and_the_rest_is_undone(made, run_template, capsys):
    project = made(OLD)
    run_template(project, NEW)
    (run,) = (project / journal.RECOVERY).iterdir()
    (run / "before/a").unlink()
    (run / "before/b").write_bytes(b"not what was there")
    run_template(project, {}, _undo="yes")
    said = capsys.readouterr().out
    assert "kept            a (what it was before is gone)" in said and "kept            b (what it was" in said
    assert (project / "a").read_bytes() == NEW["a"] and (project / "sub/dropped").is_file()


def test_a_run_under_which_another_has_come_is_not_undone(made, run_template):
    """A colleague upgrades further and commits; here the last run is the one before."""
    project = made(OLD)
    run_template(project, NEW)
    write(project, recorded_base.files(recorded_base.Record(NEWER, {"maturity_level": "0"})))
    before = everything(project)
    with pytest.raises(RefusedError, match=r"After the last run here .* was changed, by git or by a run on another"):
        run_template(project, {}, _undo="yes")
    assert everything(project) == before


def test_a_new_project_has_nothing_to_undo(run_template, tmp_path):
    project = tmp_path / "my_ml_project"
    run_template(project, NEW)
    before = everything(project)
    with pytest.raises(RefusedError, match="no run to undo"):
        run_template(project, {}, _undo="yes")
    assert everything(project) == before
    with pytest.raises(RefusedError, match="no run to undo"):
        run_template(tmp_path / "empty", {}, _undo="yes")


def test_a_project_made_into_a_repository_can_be_taken_out_again(run_template, tmp_path):
    project = write(tmp_path / "my_ml_project", {"README.md": text("# Mine"), ".git/config": b""})
    before = everything(project)
    run_template(project, NEW | {"README.md": text("# Theirs")})
    assert everything(project) != before
    run_template(project, {}, _undo="yes")
    kept_out_of_git = {".mlops-template/.gitignore"}
    assert {p: data for p, data in everything(project).items() if p not in kept_out_of_git} == before
    assert everything(project).keys() >= kept_out_of_git and not (project / "deep").exists()


@pytest.mark.parametrize("edited", [True, False])
def test_what_was_only_restored_can_be_taken_back(made, run_template, edited):
    project = made(OLD)
    (project / "b").unlink()
    (project / "a").unlink()
    before = everything(project)
    run_template(project, OLD, _restore=".")
    assert everything(project) == before | {path: OLD[path] for path in ("a", "b")}
    if edited:
        write(project, {"b": text("my own again")})
    run_template(project, {}, _undo="yes")
    assert everything(project) == before | ({"b": text("my own again")} if edited else {})


def test_a_run_of_which_nothing_is_left_to_undo_does_not_hide_the_one_before(made, run_template):
    project = made(OLD)
    first = everything(project)
    run_template(project, NEW)
    (project / "b").unlink()
    run_template(project, NEW, _restore="b")
    write(project, {"b": text("edited")})
    run_template(project, {}, _undo="yes")
    assert everything(project)["b"] == text("edited")
    run_template(project, {}, _undo="yes")
    assert everything(project) == first | {"b": text("edited")}


def test_undoing_does_nothing_else(made, run_template):
    project = made(OLD)
    run_template(project, NEW)
    before = everything(project)
    with pytest.raises(RefusedError, match="does nothing else: leave out"):
        run_template(project, {}, _undo="yes", _restore="b")
    assert everything(project) == before
