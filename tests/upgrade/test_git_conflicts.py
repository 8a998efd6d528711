"""Conflicts as git shows its own, and an index that stays as it is wherever the user has put something into it."""

from pathlib import Path

import pytest
from refusal import RefusedError
from support import run, tool
from upgrading import everything, text, write

BASE, MINE, NOW = text("1", "2", "3"), text("1", "mine", "3"), text("1", "now", "3")
TREE = {"a": BASE, "sub/b": BASE}


def git(folder: Path, *words: str) -> str:
    return run(tool("git"), "-c", "user.name=t", "-c", "user.email=t@localhost", *words, cwd=folder).stdout


@pytest.fixture
def repository(made):
    """A project of level 0 that is committed with an edit."""
    project = write(made(TREE), {"a": MINE})
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "mine")
    return project


def status(project: Path) -> dict[str, str]:
    lines = git(project, "status", "--porcelain").splitlines()
    return {line[3:]: line[:2] for line in lines if ".mlops-template" not in line}


def test_git_shows_the_three_versions_of_a_conflict(repository, run_template):
    run_template(repository, {"a": NOW, "sub/b": NOW})
    assert status(repository) == {"a": "UU", "sub/b": " M"}
    for stage, version in {"1": BASE, "2": MINE, "3": NOW}.items():
        assert git(repository, "show", f":{stage}:a").encode() == version
    git(repository, "checkout", "--ours", "a")
    assert (repository / "a").read_bytes() == MINE


def test_what_was_marked_can_be_undone(repository, run_template, capsys):
    run_template(repository, {"a": NOW, "sub/b": NOW, "new": NOW})
    assert "or run  git mergetool" in capsys.readouterr().out
    run_template(repository, {}, _undo="yes")
    assert status(repository) == {} and everything(repository)["a"] == MINE


def test_it_is_settled_as_any_merge(repository, run_template):
    run_template(repository, {"a": NOW, "sub/b": BASE})
    (repository / "a").write_bytes(NOW)
    git(repository, "add", "a")
    git(repository, "commit", "-qm", "settled", "--", "a")
    assert status(repository) == {}


def test_what_is_edited_but_not_staged_is_shown_too(repository, run_template):
    (repository / "a").write_bytes(text("1", "mine, later", "3"))
    run_template(repository, {"a": NOW})
    assert status(repository)["a"] == "UU" and "later" in git(repository, "show", ":2:a")


def test_what_is_staged_stays_staged(repository, run_template):
    staged = text("1", "staged", "3")
    (repository / "a").write_bytes(staged)
    git(repository, "add", "a")
    run_template(repository, {"a": NOW})
    assert status(repository)["a"] == "MM" and git(repository, "show", ":a").encode() == staged
    assert b"<<<<<<< yours" in (repository / "a").read_bytes()


@pytest.mark.parametrize("prepare", ["no repository", "untracked", "no commit", "nested", "a broken index"])
def test_elsewhere_the_marks_in_the_file_do(made, run_template, prepare, tmp_path):
    project = write(made(TREE), {"a": MINE})
    if prepare == "nested":
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "all")
    elif prepare != "no repository":
        git(project, "init", "-q")
        git(project, "add", "sub") if prepare == "untracked" else git(project, "add", "-A")
    if prepare == "untracked":
        git(project, "commit", "-qm", "some")
    if prepare == "a broken index":
        (project / ".git/index").write_bytes(b"broken")
    run_template(project, {"a": NOW, "sub/b": BASE})
    assert (project / "a").read_bytes().count(b"<<<<<<< yours") == 1
    if prepare == "nested":
        assert "UU my_ml_project/a" in git(tmp_path, "status", "--porcelain")


def test_a_second_run_does_not_disturb_an_open_conflict(repository, run_template):
    run_template(repository, {"a": NOW, "sub/b": BASE})
    before = git(repository, "ls-files", "--stage")
    run_template(repository, {"a": NOW, "sub/b": NOW})
    assert git(repository, "ls-files", "--stage") == before


def test_without_git_nothing_is_missing(repository, run_template, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    run_template(repository, {"a": NOW, "sub/b": BASE})
    assert b"<<<<<<< yours" in (repository / "a").read_bytes()


def test_a_merge_that_is_not_settled_in_git_is_not_merged_into_and_not_undone(repository, run_template):
    first = git(repository, "branch", "--show-current").strip()
    git(repository, "checkout", "-qb", "other")
    for branch, line in (("other", "theirs"), (first, "ours")):
        git(repository, "checkout", "-q", branch)
        write(repository, {"a": text("1", line, "3")})
        git(repository, "commit", "-qam", line)
    run("git", "merge", "-q", "other", cwd=repository, check=False)
    before = status(repository), (repository / "a").read_bytes()
    assert before[0] == {"a": "UU"}
    with pytest.raises(RefusedError, match=r"still hold the conflicts(.|\n)*\n  a\n"):
        run_template(repository, {"a": NOW, "sub/b": BASE})
    run_template(repository, {"a": BASE, "sub/b": NOW})
    run_template(repository, {}, _undo="yes")
    assert (status(repository), (repository / "a").read_bytes()) == before


@pytest.mark.parametrize("kind", ["worktree", "submodule"])
def test_worktrees_and_submodules_are_repositories_of_their_own(repository, run_template, tmp_path, kind):
    if kind == "worktree":
        git(repository, "worktree", "add", "-q", tmp_path / "elsewhere/my_ml_project")
        project = tmp_path / "elsewhere/my_ml_project"
    else:
        (tmp_path / "outer").mkdir()
        git(tmp_path / "outer", "init", "-q")
        git(
            tmp_path / "outer",
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "add",
            "-q",
            repository,
            "my_ml_project",
        )
        project = tmp_path / "outer/my_ml_project"
    run_template(project, {"a": NOW, "sub/b": BASE})
    assert status(project) == {"a": "UU"}
    run_template(project, {}, _undo="yes")
    assert status(project) == {}
