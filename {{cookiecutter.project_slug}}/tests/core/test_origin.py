"""A model says which code made it, as far as anybody can know."""

import getpass
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from {{cookiecutter.project_slug}}.core.card import code_line
from {{cookiecutter.project_slug}}.core.origin import account, describe_code, whoever_runs_this


@pytest.fixture
def git(tmp_path, monkeypatch):
    """git(*words): what git says, in a repository with one commit that holds params.yaml."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        return subprocess.run(["git", *who, *words], check=True, capture_output=True, text=True).stdout.strip()

    call("init", "-q")
    Path("params.yaml").write_text("data: {}\n")
    call("add", "params.yaml")
    call("commit", "-qm", "first")
    return call


def test_what_is_committed_is_known_by_its_commit(git):
    code = describe_code()
    assert code == {"commit": git("rev-parse", "HEAD"), "changed": False}
    assert code_line(code) == f"commit `{code['commit']}`"


@pytest.mark.parametrize(("path", "counts"), [("params.yaml", True), ("src/new.py", True), ("reports/new.csv", False)])
def test_changes_count_where_they_make_another_model(git, path, counts):
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("another\n")
    code = describe_code()
    assert code["changed"] == counts
    assert code_line(code).endswith("with changes that were not committed") == counts


UNKNOWN = {"commit": None, "changed": None}


def test_without_a_repository_or_a_commit_nothing_is_known(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert describe_code() == UNKNOWN and code_line(UNKNOWN) == "not under version control"
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert describe_code() == UNKNOWN
    subprocess.run(["git", "init", "-q"], check=True)
    assert code_line(describe_code()) == "nothing is committed yet"
    assert capsys.readouterr().err == ""


def somebody_elses(monkeypatch) -> str:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as git's own tests do it
    return f"run `git config --global --add safe.directory {Path.cwd()}`"


def no_git(monkeypatch) -> str:
    monkeypatch.setenv("PATH", str(Path.cwd()))
    return "git cannot be started"


def cut_index(_: object) -> str:
    Path(".git/index").write_bytes(b"cut")
    return "index file smaller than expected"


def lost_head(_: object) -> str:
    Path(".git/HEAD").write_text("lost")
    return "not a git repository"


def lost_branch(_: object) -> str:
    (branch,) = Path(".git/refs/heads").iterdir()
    branch.write_text("")
    return "look at `git fsck`"


def lost_commits(_: object) -> str:
    shutil.rmtree(".git/objects")
    return "git says: "


@pytest.mark.parametrize("spoil", [somebody_elses, no_git, cut_index, lost_head, lost_branch, lost_commits])
def test_where_git_cannot_be_asked_that_is_recorded_and_said(git, monkeypatch, capsys, spoil):
    said = spoil(monkeypatch)
    assert code_line(describe_code()) == "git could not be asked"
    warned = capsys.readouterr().err
    assert warned.startswith("Warning: the record will name no commit.") and said in warned and warned.count("\n") == 1


def test_who_runs_this_is_known_by_git_or_by_the_account(git, monkeypatch):
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setattr(getpass, "getuser", lambda: "me")
    assert whoever_runs_this() == "me"
    git("config", "user.name", "Me")
    assert whoever_runs_this() == "Me"
    git("config", "user.email", "me@localhost")
    assert whoever_runs_this() == "Me <me@localhost>"


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="needs the right to be somebody else")
def test_an_account_without_a_name_is_known_by_its_number(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    before = os.getuid()
    os.setresuid(54321, -1, -1)
    try:
        assert account() == "uid 54321"
    finally:
        os.setresuid(before, -1, -1)
