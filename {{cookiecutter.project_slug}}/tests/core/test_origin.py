"""A model says which code made it, as far as anybody can know."""

import subprocess
from pathlib import Path

import pytest

from {{cookiecutter.project_slug}}.core.card import code_line
from {{cookiecutter.project_slug}}.core.origin import describe_code


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


def test_without_git_a_repository_or_a_commit_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    unknown = {"commit": None, "changed": None}
    assert describe_code() == unknown and code_line(unknown) == "not under version control"
    subprocess.run(["git", "init", "-q"], check=True)
    assert describe_code() == unknown
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_code() == unknown
