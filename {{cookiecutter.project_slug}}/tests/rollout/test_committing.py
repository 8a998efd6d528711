"""The pointer is committed alone and pushed, or the checkout is as it was: tried with git itself."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases.pointers import POINTER
from {{cookiecutter.project_slug}}.rollout import committing
from {{cookiecutter.project_slug}}.rollout.committing import check_ready, commit_and_push

ME = ["-c", "user.name=Me", "-c", "user.email=me@localhost"]
JUDGED_ANEW = "Nothing was released, and the next run judges anew"


def git(*words, folder="."):
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def origin(tmp_path, monkeypatch):
    """What others push to; the tests are in a clone of it, in which a release is committed."""
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_BRANCH"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    git("init", "-q", "--bare", "-b", "main", tmp_path / "origin")
    clone(tmp_path / "origin", tmp_path / "first")
    monkeypatch.chdir(tmp_path / "first")
    for path in (POINTER, Path("params.yaml"), Path("notes.md")):
        path.parent.mkdir(exist_ok=True)
        path.write_text("the release before\n")
    commit_all("first")
    git("push", "-q", "origin", "HEAD:main")
    return tmp_path / "origin"


def clone(source, folder, *words):
    git("clone", "-q", *words, source, folder)
    return folder


def commit_all(message, folder="."):
    git("add", "-A", folder=folder)
    git(*ME, "commit", "-q", "--allow-empty", "-m", message, folder=folder)


def push_another(origin, folder, path="others.md"):
    """Let somebody else push."""
    clone(origin, folder)
    (folder / path).write_text("by somebody else\n")
    commit_all("another", folder)
    git("push", "-q", "origin", "HEAD:main", folder=folder)


def state():
    """All that git and the disk know of the checkout."""
    files = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and ".git" not in path.parts}
    return git("rev-parse", "HEAD"), git("status", "--porcelain", "--branch"), git("diff", "--cached"), files


def release(content="the next release\n"):
    POINTER.write_text(content)
    return commit_and_push("Release 2")


def hook(folder, name, *lines):
    path = folder / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


def test_the_pointer_is_committed_and_pushed_without_what_else_was_changed(origin):
    Path("params.yaml").write_text("staged\n")
    git("add", "params.yaml")
    Path("notes.md").write_text("changed\n")
    Path("new.md").write_text("new\n")
    before = git("status", "--porcelain")
    commit = release()
    assert git("show", "--format=%s", "--name-only", commit).splitlines() == ["Release 2", "", str(POINTER)]
    assert git("rev-parse", "HEAD") == git("rev-parse", "main") == git("rev-parse", "main", folder=origin) == commit
    assert git("status", "--porcelain") == before and git("branch", "--show-current") == "main"


def test_the_first_pointer_is_committed_though_git_is_to_ignore_it(origin):
    git("rm", "-q", "--cached", str(POINTER))
    Path(".gitignore").write_text("deploy\n")
    commit_all("no release yet")
    git("push", "-q", "origin", "main")
    assert git("show", "--name-status", "--format=", release()) == f"A\t{POINTER}"
    assert git("status", "--porcelain") == ""


def test_a_bot_commits_where_nobody_is_named_and_else_who_is(origin, monkeypatch):
    who = ["log", "-1", "--format=%an %ae, %cn %ce"]
    release("1")
    assert git(*who) == "mlops bot mlops-bot@localhost, mlops bot mlops-bot@localhost"
    git("config", "user.name", "Me")
    release("2")
    assert git(*who) == "Me mlops-bot@localhost, Me mlops-bot@localhost"
    monkeypatch.setenv("GIT_AUTHOR_NAME", "CI")
    release("3")
    assert git(*who) == "CI mlops-bot@localhost, Me mlops-bot@localhost"


def before_the_push(patch, faster):
    commit = committing.commit_alone
    patch.setattr(committing, "commit_alone", lambda *words: git(*faster) + commit(*words))


def during_the_push(patch, faster):
    hook(Path(".git"), "pre-push", " ".join(["git", *map(str, faster)]))


@pytest.mark.parametrize("meanwhile", [before_the_push, during_the_push])
def test_whoever_comes_second_has_changed_nothing_and_can_begin_anew(origin, tmp_path, meanwhile):
    clone(origin, tmp_path / "faster")
    (tmp_path / "faster" / POINTER).write_text("the release of somebody else\n")
    commit_all("faster", tmp_path / "faster")
    before = state()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ProjectError, match=JUDGED_ANEW) as refused:
        meanwhile(patch, ["-C", tmp_path / "faster", "push", "-q", "origin", "HEAD:main"])
        release()
    Path(".git/hooks/pre-push").unlink(missing_ok=True)
    assert "main" in str(refused.value) and "hint:" not in str(refused.value)
    assert state() == before
    assert git("log", "-1", "--format=%s", "main", folder=origin) == "faster"
    with pytest.raises(ProjectError, match="get that first"):
        check_ready()
    git("pull", "-q", "--ff-only", "origin", "main")
    check_ready()
    assert release() == git("rev-parse", "main", folder=origin)


def release_in(folder):
    """Release from a clone; what kept it from that."""
    os.chdir(folder)
    try:
        release(folder.name)
    except ProjectError as error:
        return str(error)


def test_of_two_at_once_exactly_one_releases(origin, tmp_path):
    folders = [clone(origin, tmp_path / name) for name in ("one", "other")]
    head = git("rev-parse", "main", folder=origin)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        said = pool.map(release_in, folders)
    winner, loser = folders if said[0] is None else reversed(folders)
    (problem,) = filter(None, said)
    assert JUDGED_ANEW in problem
    assert git("show", f"main:{POINTER}", folder=origin) == winner.name
    assert git("rev-list", "main", folder=origin).splitlines()[1:] == [head]
    assert git("rev-parse", "HEAD", folder=loser) == head and git("status", "--porcelain", folder=loser) == ""


def no_remote(monkeypatch, origin):
    git("remote", "remove", "origin")
    return "'origin' does not appear to be a git repository"


def unreachable(monkeypatch, origin):
    shutil.rmtree(origin)
    return "does not appear to be a git repository"


def no_name(monkeypatch, origin):
    monkeypatch.setenv("GIT_COMMITTER_NAME", "")
    return "empty ident name"


def hook_here(monkeypatch, origin):
    hook(Path(".git"), "pre-push", "echo a rule of this machine >&2; exit 1")
    return "a rule of this machine"


def protected(monkeypatch, origin):
    hook(origin, "pre-receive", "echo error: GH006: Protected branch update failed; exit 1")
    return "remote: error: GH006: Protected branch update failed"


def behind(monkeypatch, origin):
    push_another(origin, origin.with_name("second"))
    return "What is checked out is not what main is at origin"


def ahead(monkeypatch, origin):
    commit_all("not pushed")
    return "What is checked out is not what main is at origin"


@pytest.mark.parametrize("spoil", [no_remote, unreachable, no_name, hook_here, protected, behind, ahead])
@pytest.mark.parametrize("first", [False, True], ids=["", "of the first release"])
def test_after_a_failure_the_checkout_is_as_it_was(origin, monkeypatch, spoil, first):
    if first:
        git("rm", "-q", str(POINTER))
        commit_all("no release yet")
        git("push", "-q", "origin", "main")
        POINTER.parent.mkdir(exist_ok=True)
    message = spoil(monkeypatch, origin)
    Path("params.yaml").write_text("staged\n")
    git("add", "params.yaml")
    before = state()
    with pytest.raises(ProjectError, match=JUDGED_ANEW) as refused:
        release()
    assert message in str(refused.value)
    assert state() == before


def test_what_is_asked_to_end_leaves_the_checkout_as_it_was(origin, monkeypatch):
    before = state()
    monkeypatch.setattr(committing, "push", lambda *_: sys.exit(143))
    with pytest.raises(SystemExit):
        release()
    assert state() == before


def test_a_push_whose_answer_is_lost_counts(origin):
    hook(Path(".git"), "pre-push", "read _ commit _", "git push -q --no-verify origin $commit:main", "exit 1")
    assert release() == git("rev-parse", "HEAD") == git("rev-parse", "main", folder=origin)


@pytest.mark.parametrize("told", ["main", "origin/main", None])
def test_a_commit_without_a_branch_goes_to_the_one_that_was_meant(origin, monkeypatch, told):
    """Jenkins checks out so; what it says is told in a variable."""
    git("checkout", "-q", "--detach")
    if told:
        monkeypatch.setenv("GIT_BRANCH", told)
    assert release() == git("rev-parse", "HEAD") == git("rev-parse", "main", folder=origin)


def test_what_a_pull_request_would_make_of_main_is_not_pushed(origin, tmp_path, monkeypatch):
    push_another(origin, tmp_path / "second")
    git("fetch", "-q")
    git("checkout", "-q", "--detach", "origin/main")
    Path("params.yaml").write_text("proposed\n")
    commit_all("a merge that nobody has agreed to")
    for told in ("PR-1", ""):
        monkeypatch.setenv("GIT_BRANCH", told)
        with pytest.raises(ProjectError, match="What is checked out is not what"):
            check_ready()
        with pytest.raises(ProjectError, match=JUDGED_ANEW):
            release()
    assert git("branch", "--format=%(refname:short)", folder=origin) == "main"
    assert git("log", "-1", "--format=%s", "main", folder=origin) == "another"


def test_one_commit_is_enough_and_the_project_may_be_a_folder_of_its_repository(origin, tmp_path, monkeypatch):
    Path("project").mkdir()
    git("mv", "params.yaml", "deploy", "project")
    commit_all("moved")
    git("push", "-q", "origin", "main")
    clone(f"file://{origin}", tmp_path / "shallow", "--depth=1")
    monkeypatch.chdir(tmp_path / "shallow" / "project")
    assert release() == git("rev-parse", "main", folder=origin)
    assert git("show", "--name-only", "--format=") == f"project/{POINTER}"


def test_a_pointer_that_differs_from_the_last_commit_is_noticed_before_anything_is_judged(origin):
    check_ready()
    POINTER.write_text("left by a process that was killed\n")
    with pytest.raises(ProjectError, match="is not as it was committed"):
        check_ready()
