"""The record goes with the project: through git and what people have switched on there, to the next clone."""

import json
import shutil
from pathlib import Path

import command_line
import pytest
import recorded_base
from command_line import Typed
from refusal import RefusedError
from support import run as command
from support import tool
from upgrading import everything, text, write

OLD = {"a": text("1", "2", "3"), "data/b": text("b")}
NEW = {"a": text("1", "2", "3", "4"), "data/b": text("b", "new"), "c": text("c")}
NEWER = NEW | {"c": text("c", "newer"), "d": text("d")}
OWN = (".gitignore", ".gitattributes", "answers.json", "base.zip")


@pytest.fixture
def git(tmp_path, monkeypatch):
    """git(folder, *words): git as somebody, with settings of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for setting in ("user.name t", "user.email t@localhost", "init.defaultBranch main", "commit.gpgsign false"):
        command(tool("git"), "config", "--global", *setting.split(), cwd=tmp_path)
    return lambda folder, *words: command("git", *words, cwd=folder).stdout


@pytest.fixture
def commit(git):
    """commit(project): put all of it under version control."""

    def all_of(project: Path) -> None:
        git(project, "init", "-q")
        git(project, "add", "-A")
        git(project, "commit", "-qm", "all")

    return all_of


@pytest.fixture
def clone(git, tmp_path):
    """clone(project): a clone of it."""

    def of(project: Path) -> Path:
        git(tmp_path, "clone", "-q", project, "clone/my_ml_project")
        return tmp_path / "clone/my_ml_project"

    return of


@pytest.mark.parametrize("ignored", ["*.zip", "*.json", ".gitattributes", "base.*", "answers.json"])
def test_what_a_person_ignores_everywhere_is_committed_here(made, run_template, git, commit, clone, tmp_path, ignored):
    (tmp_path / "ignored").write_text(ignored + "\n")
    git(tmp_path, "config", "--global", "core.excludesFile", tmp_path / "ignored")
    project = made(OLD)
    commit(project)
    copy = clone(project)
    run_template(copy, NEW)
    assert (copy / "c").is_file()


def test_a_record_that_git_ignores_all_the_same_is_told(made, run_template, git, tmp_path, capsys):
    (tmp_path / "ignored").write_text(".*\n")
    git(tmp_path, "config", "--global", "core.excludesFile", tmp_path / "ignored")
    project = made(OLD)
    git(project, "init", "-q")
    run_template(project, NEW)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "git add -f" in line]
    command("bash", "-c", line.rpartition(": ")[2], cwd=project)
    run_template(project, NEWER)
    assert "git add -f" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "attributes", ["*.zip filter=pointer", "* text=auto eol=crlf", "*.json text eol=crlf", "*.zip text"]
)
def test_what_a_repository_does_with_such_files_is_not_done_with_the_record(
    made, run_template, git, commit, clone, tmp_path, attributes
):
    git(tmp_path, "config", "--global", "filter.pointer.clean", "sed s/.*/pointer/")
    project = write(made(OLD), {".gitattributes": f"{attributes}\n".encode()})
    commit(project)
    copy = clone(project)
    for name in OWN:
        path = f"{recorded_base.FOLDER}/{name}"
        assert (copy / path).read_bytes() == (project / path).read_bytes(), name
    before = git(copy, "status", "--porcelain")
    run_template(copy, OLD)
    assert git(copy, "status", "--porcelain") == before == ""


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 9\n"


@pytest.mark.parametrize("name", ["base.zip", "answers.json"])
@pytest.mark.parametrize("pointer", [POINTER, b"/annex/objects/SHA256E-s9--00.zip\n"], ids=["lfs", "annex"])
def test_a_pointer_in_place_of_the_record_says_how_to_get_it(made, run_template, name, pointer):
    project = made(OLD)
    write(project, {f"{recorded_base.FOLDER}/{name}": pointer})
    before = everything(project)
    with pytest.raises(RefusedError, match=rf"(?s){name} is not here.*git lfs pull.*git annex get"):
        run_template(project, NEW)
    assert everything(project) == before


@pytest.mark.parametrize("name", ["base.zip", "answers.json"])
def test_a_link_of_git_annex_says_how_to_unlock_it(made, run_template, name):
    project = made(OLD)
    path = project / recorded_base.FOLDER / name
    path.unlink()
    path.symlink_to(f"../.git/annex/objects/aa/bb/{name}")
    with pytest.raises(RefusedError, match=f"git annex unlock {recorded_base.FOLDER}/{name}"):
        run_template(project, NEW)


@pytest.fixture
def meet(made, run_template, git, commit):
    """meet(other, here): a project that was upgraded so on two branches, of which one is merged into the other."""

    def merge(other: dict, here: dict) -> Path:
        project = made(OLD)
        commit(project)
        git(project, "checkout", "-qb", "other")
        run_template(project, NEWER, **other)
        commit(project)
        git(project, "checkout", "-q", "main")
        run_template(project, NEW, **here)
        commit(project)
        command("git", "merge", "-q", "other", cwd=project, check=False)
        return project

    return merge


def test_two_upgraded_branches_that_meet_are_settled_as_it_says(meet, run_template, git):
    project = meet({"maturity_level": "2"}, {"maturity_level": "1"})
    for path in ("a", "c", "data/b"):
        write(project, {path: NEWER[path]})
        git(project, "add", path)
    with pytest.raises(RefusedError, match="Two branches that were both upgraded meet here") as caught:
        run_template(project, NEWER, maturity_level="2")
    (line,) = [line for line in str(caught.value).splitlines() if "git checkout" in line]
    command("bash", "-c", line, cwd=project)
    run_template(project, NEWER, maturity_level="2")
    there = everything(project)
    assert {path: there[path] for path in NEWER} == NEWER
    git(project, "add", "-A")
    git(project, "commit", "-qm", "merged")
    assert json.loads((project / recorded_base.ANSWERS).read_text("utf-8"))["level"] == "2"


def test_a_clone_without_a_folder_does_not_keep_its_changes_from_the_others(made, run_template, git, commit, clone):
    project = made(OLD)
    commit(project)
    copy = clone(project)
    git(copy, "sparse-checkout", "set", "--no-cone", "/*", "!/data/")
    assert not (copy / "data").exists()
    run_template(copy, NEW)
    assert not (copy / "data").exists()
    git(copy, "add", "-A")
    git(copy, "commit", "-qm", "upgraded")
    git(project, "pull", "-q", copy, "HEAD")
    assert (project / "data/b").read_bytes() == OLD["data/b"] and (project / "c").is_file()
    run_template(project, NEW)
    assert (project / "data/b").read_bytes() == NEW["data/b"]


def test_a_clone_of_an_incomplete_commit_is_made_whole(made, run_template, git, commit, clone, capsys):
    project = made(NEW, level="1")
    write(project, {".gitignore": b"/data/\n/c\n"})
    commit(project)
    copy = clone(project)
    run_template(copy, NEW)
    said = capsys.readouterr().out
    assert "stays deleted   c" in said and "stays deleted   data/b" in said
    (line,) = [line for line in said.splitlines() if "_restore=" in line]
    assert line.endswith("_restore=c")
    run_template(copy, NEW, _restore=".")
    assert {path: data for path, data in everything(copy).items() if path in NEW} == NEW
    with pytest.raises(RefusedError, match=r"No file of the template is missing at \.\. Nothing is missing\."):
        run_template(copy, NEW, _restore=".")
    shutil.rmtree(copy / "data")
    with pytest.raises(RefusedError, match=r"(?s)missing at c\. These are missing:\n  data/b\n"):
        run_template(copy, NEW, _restore="c")


def test_a_record_that_git_has_merged_by_halves_is_settled_first(meet, run_template):
    project = meet({"maturity_level": "1"}, {"author": "Bob"})
    assert json.loads((project / recorded_base.ANSWERS).read_text("utf-8"))["level"] == "1"  # merged without a word
    with pytest.raises(RefusedError, match="Two branches that were both upgraded meet here") as caught:
        run_template(project, NEWER, maturity_level="2")
    (line,) = [line for line in str(caught.value).splitlines() if "git checkout" in line]
    command("bash", "-c", line, cwd=project)
    kept = recorded_base.read(project)
    assert (kept.answers["maturity_level"], kept.answers["author"], kept.base) == ("0", "Bob", NEW)


@pytest.mark.parametrize("how", ["not at all", "without the record"])
def test_a_clone_that_is_not_checked_out_is_no_new_project(made, run_template, git, commit, clone, tmp_path, how):
    project = made(NEW, level="1")
    commit(project)
    copy = tmp_path / "clone/my_ml_project"
    git(tmp_path, "clone", "-q", "--no-checkout", project, copy)
    if how == "without the record":
        git(copy, "sparse-checkout", "set", "--no-cone", "/data/")
        git(copy, "checkout", "-q", "main")
    before = everything(copy)
    with pytest.raises(RefusedError, match="is not, or not wholly, checked out"):
        run_template(copy, NEWER, maturity_level="2")
    assert everything(copy) == before


def test_a_template_in_a_folder_of_its_repository_is_found_again(made, run_template, monkeypatch, capsys):
    typed = Typed({}, {"--directory": "templates/ml", "--no-input": ""})
    monkeypatch.setattr(command_line, "typed", lambda _: typed)
    project = made(OLD)
    run_template(project, NEW, _template="gh:org/templates")
    kept = json.loads((project / recorded_base.ANSWERS).read_text("utf-8"))
    assert (kept["template"], kept["directory"]) == ("gh:org/templates", "templates/ml")
    assert "gh:org/templates -f --no-input --directory templates/ml" in capsys.readouterr().out
