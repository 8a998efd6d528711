"""A project that came from a stranger: nothing outside of it is touched, whatever its record says or leads to."""

import io
import json
import os
import shutil
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import disk
import formats
import journal
import merging
import pytest
import recorded_base
import repository
from refusal import RefusedError
from support import generate, tool
from support import run as command
from upgrading import everything, text, times, write

OLD = {"a": text("1", "2", "3"), "sub/b": text("b")}
NEW = {"a": text("1", "2", "3", "4"), "sub/b": text("b"), "c": text("c")}
NAME = "20260101-000000-1"
DIGEST = "0" * 64
UNSAFE = ["../outside", "/etc/passwd", "a/../../x", "C:/x", "\\\\host\\x", ".git/hooks/pre-commit", "a/.GIT/config", ""]
UNSAFE += ["git~1/config", "a//b", "./a", "a\0b", "a\nb", "x:y", ".git /config"]
HOW = pytest.mark.parametrize("how", [{}, {"_dry_run": "yes"}, {"_undo": "yes"}], ids=["run", "dry run", "undo"])


@pytest.fixture
def outside(tmp_path):
    """A folder beside the project with what must not be lost."""
    folder = write(tmp_path / "outside", {"render/precious": b"1", "recovery/x": b"2", f"{NAME}/before/a": b"3"})
    return write(folder, {f"recovery/{NAME}/after/y": b"4", "journal.json": b"5", "base.zip": b"6"})


def refused(project: Path, run_template, match: str, how: dict, outside: Path | None = None) -> None:
    """A run is refused with these words, and touches nothing."""
    before = [times(folder) for folder in (project, outside) if folder]
    with pytest.raises(RefusedError, match=match):
        run_template(project, NEW, **how)
    assert [times(folder) for folder in (project, outside) if folder] == before


@HOW
@pytest.mark.parametrize(
    "link", ["", "recovery", f"recovery/{NAME}", f"recovery/{NAME}/before", "journal.json", "base.zip"]
)
def test_a_link_in_the_record_is_refused(made, run_template, outside, link, how):
    project = made(OLD)
    path = project / recorded_base.FOLDER / link
    if not link:
        path.rename(outside / "record")
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(outside / {"": "record"}.get(link, link.removeprefix("recovery/")))
    refused(project, run_template, "is a link, and could lead to files that are not the project's", how, outside)


@pytest.mark.parametrize("words", [[], ["_dry_run=yes"]], ids=["run", "dry run"])
def test_the_command_refuses_a_linked_record_before_it_renders(template, tmp_path, outside, words):
    (tmp_path / "my_ml_project").mkdir()
    (outside / "base.zip").unlink()  # with nothing recorded the folder counts as a new one
    (tmp_path / "my_ml_project/.mlops-template").symlink_to(outside)
    before = times(outside)
    given = dict(word.split("=") for word in words)
    done = generate(template, tmp_path, "-f", "--no-input", check=False, **given)
    assert done.returncode != 0 and "is a link" in done.stderr
    assert times(outside) == before


def forged(project: Path, path: str = "a", **changed: object) -> dict:
    """A journal that asks for a path to be put back, or removed."""
    content = {"keep": NAME, "entries": [[path, None, DIGEST], [path, DIGEST, None]], "folders": [], "undoes": None}
    (project / journal.JOURNAL).write_text(json.dumps(content | changed), encoding="utf-8")
    return content | changed


@HOW
@pytest.mark.parametrize("path", UNSAFE)
def test_a_journal_that_names_what_is_no_file_of_the_project_is_not_believed(made, run_template, outside, path, how):
    project = made(OLD)
    forged(project, path)
    refused(project, run_template, "was not written by this template", how, outside)


@HOW
@pytest.mark.parametrize(
    "changed",
    [
        {"keep": "../../outside"},
        {"keep": "/etc"},
        {"folders": ["../outside"]},
        {"undoes": "../x"},
        {"entries": []},
        {"entries": [["a", "no digest", None]]},
        {"entries": 1},
        {"entries": None},
    ],
    ids=str,
)
def test_a_journal_that_no_run_writes_is_not_believed(made, run_template, outside, changed, how):
    project = made(OLD)
    forged(project, **changed)
    refused(project, run_template, "was not written by this template", how, outside)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", b" " * (journal.MOST_BYTES + 1)])
def test_a_journal_that_is_none_is_refused_in_one_sentence(made, run_template, content):
    project = made(OLD)
    (project / journal.JOURNAL).write_bytes(content)
    refused(project, run_template, "was not written by this template", {})


@HOW
def test_a_journal_that_git_tracks_is_not_believed(made, run_template, how):
    project = made(OLD)
    saved = write(project / journal.RECOVERY / NAME / "before", {"a": b"evil"})
    entries = [["a", journal.fingerprint(b"evil"), journal.fingerprint(OLD["a"])], ["c", None, DIGEST]]
    forged(project, entries=entries)
    command(tool("git"), "init", "-q", cwd=project)
    command("git", "add", "-f", journal.JOURNAL, cwd=project)
    refused(project, run_template, "journal.json of .* is under version control", how)
    assert (saved / "a").read_bytes() == b"evil"


def test_an_undo_that_came_with_the_repository_is_not_believed(made, run_template):
    project = made(OLD)
    keep = write(project / journal.RECOVERY / NAME, {"before/a": b"evil"})
    forged(project)
    (project / journal.JOURNAL).rename(keep / journal.ENDED)
    command(tool("git"), "init", "-q", cwd=project)
    command("git", "add", "-f", ".mlops-template", cwd=project)
    refused(project, run_template, "is under version control", {"_undo": "yes"})


@pytest.mark.parametrize("name", [".mlops-template/answers.json", ".MLOPS-TEMPLATE/x", ".mlops-template"])
def test_a_base_that_names_the_record_itself_is_refused(made, run_template, name):
    project = made(OLD)
    (project / recorded_base.BASE).write_bytes(archive("a", name))
    refused(project, run_template, "which is the record's own", {})


def archive(*names: str, data: bytes = b"x") -> bytes:
    """A zip with files of these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name in names:
            out.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@HOW
@pytest.mark.parametrize("path", [path for path in UNSAFE if path and "\0" not in path])
def test_a_base_that_names_what_is_no_file_of_the_project_is_refused(made, run_template, outside, path, how):
    project = made(OLD)
    (project / recorded_base.BASE).write_bytes(archive("a", path))
    match = "no run to undo" if "_undo" in how else "cannot be read: it names"
    refused(project, run_template, match, how, outside)


@pytest.mark.parametrize("key", ["conflicts", "deleted"])
def test_answers_that_name_what_is_no_file_of_the_project_are_refused(made, run_template, key):
    project = made(OLD)
    answers = project / recorded_base.ANSWERS
    answers.write_text(json.dumps(json.loads(answers.read_text("utf-8")) | {key: ["../outside"]}), encoding="utf-8")
    refused(project, run_template, r"cannot be read: it names '\.\./outside'", {})


def test_an_archive_that_would_fill_the_memory_is_refused_before_it_is_unpacked(made, run_template):
    project = made(OLD)
    (project / recorded_base.BASE).write_bytes(archive("a", data=bytes(recorded_base.MOST_BYTES + 1)))
    tracemalloc.start()
    try:
        refused(project, run_template, "unpacked it would take more than 200 MB", {})
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_an_archive_that_lies_about_its_size_is_refused_before_it_is_unpacked():
    packed = archive("a", data=bytes(100 * 2**20))
    lying = packed.replace((100 * 2**20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != packed
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):
            recorded_base.unpack(lying)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("twice", [("a", "a"), ("a", "b", "a")])
def test_an_archive_with_two_files_of_one_name_is_refused(twice):
    with pytest.warns(UserWarning, match="Duplicate name"):
        packed = archive(*twice)
    with pytest.raises(ValueError, match="two files of one name"):
        recorded_base.unpack(packed)


def test_only_what_has_the_name_of_a_run_is_tidied_away(made, run_template):
    project = made(OLD)
    mine = write(project / journal.RECOVERY, {"notes/after/mine": b"1", "20260101/after/mine": b"2", "mine": b"3"})
    write(mine, {f"{NAME}/after/left": b"4", f"{NAME}/journal": b"5"})
    run_template(project, NEW)
    assert {path.name for path in mine.iterdir()} >= {"notes", "20260101", "mine"}
    assert (
        not (mine / NAME).exists()
        and (mine / "notes/after/mine").is_file()
        and (mine / "20260101/after/mine").is_file()
    )


def test_a_dry_run_tidies_nothing_away_and_says_what_would_be_put_back(made, run_template, capsys):
    project = write(made(OLD), {"a": NEW["a"]})
    base = (project / recorded_base.BASE).read_bytes()
    write(project / journal.RECOVERY, {f"{NAME}/before/a": OLD["a"], "20260101-000000-2/after/left": b""})
    entries = [["a", journal.fingerprint(OLD["a"]), journal.fingerprint(NEW["a"])]]
    forged(project, entries=[*entries, [recorded_base.BASE, journal.fingerprint(base), DIGEST]])
    before = times(project), everything(project)
    run_template(project, NEW, _dry_run="yes")
    assert (times(project), everything(project)) == before
    said = capsys.readouterr().out
    assert "An earlier run was cut short. What it had changed is put back first: 1 file." in said
    run_template(project, OLD)
    assert "was put back first: 1 file." in capsys.readouterr().out and (project / "a").read_bytes() == OLD["a"]


OF_GIT = {
    "GIT_DIR": ".git",
    "GIT_WORK_TREE": ".",
    "GIT_INDEX_FILE": ".git/index",
    "GIT_OBJECT_DIRECTORY": ".git/objects",
}


@pytest.mark.parametrize("variable", OF_GIT)
def test_another_repository_in_the_environment_is_left_alone(made, run_template, tmp_path, monkeypatch, variable):
    project = write(made(OLD), {"a": text("1", "mine", "3")})
    other = write(tmp_path / "other", {"a": text("another project's")})
    for folder in (project, other):
        commit_all(folder)
    before = everything(other)
    monkeypatch.setenv(variable, str(other / OF_GIT[variable]))
    run_template(project, {"a": text("1", "now", "3"), "sub/b": text("b")})
    monkeypatch.delenv(variable)
    assert everything(other) == before
    assert "UU a" in command("git", "status", "--porcelain", cwd=project).stdout


@pytest.fixture
def pwned(tmp_path):
    """A command that leaves a file behind, and that file."""
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\ncat\n")
    script.chmod(0o755)
    return script, tmp_path / "pwned"


def commit_all(folder: Path) -> None:
    command(tool("git"), "init", "-q", cwd=folder)
    command("git", "add", "-A", cwd=folder)
    command("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "all", cwd=folder)


def test_nothing_in_the_configuration_of_the_repository_is_run(made, run_template, pwned):
    script, proof = pwned
    project = write(made(OLD), {"a": text("1", "mine", "3"), ".gitattributes": b"* filter=evil\n"})
    commit_all(project)
    for key in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "core.pager", "diff.external"):
        command("git", "config", key, script, cwd=project)
    for hook in ("post-index-change", "reference-transaction"):
        (project / ".git/hooks" / hook).symlink_to(script)
    for answers in ({}, {"_undo": "yes"}):
        run_template(project, {"a": text("1", "now", "3"), "sub/b": text("b")}, **answers)
    assert not proof.exists()
    command("git", "status", cwd=project)
    assert proof.exists()  # as git itself runs it


@HOW
def test_a_repository_that_lies_in_the_project_is_not_asked(made, run_template, pwned, how):
    """A clone can hold the files of a repository without a work tree, which git takes for one."""
    script, proof = pwned
    project = made(OLD)
    command(tool("git"), "init", "-q", "--bare", ".", cwd=project)
    (project / "config").write_text(f'[core]\nbare = false\nworktree = .\nfsmonitor = "{script}"\n')
    (project / "index").write_bytes(b"")
    forged(project)
    with suppress(RefusedError):
        run_template(project, {"a": text("1", "now", "3"), "sub/b": text("b")}, **how)
    assert not proof.exists()


@pytest.mark.parametrize("link", [".git", ".git/index"])
def test_the_repository_of_somebody_else_is_left_alone(made, run_template, tmp_path, link):
    project, other = write(made(OLD), {"a": text("1", "mine", "3")}), write(tmp_path / "other", OLD)
    for folder in (project, other):
        commit_all(folder)
    if link == ".git":
        shutil.rmtree(project / ".git")
        (project / ".git").write_text(f"gitdir: {other}/.git\n")
    else:
        (project / link).unlink()
        (project / link).symlink_to(other / link)
    before = everything(other)
    run_template(project, {"a": text("1", "now", "3"), "sub/b": text("b")})
    assert (project / "a").read_bytes().count(b"<<<<<<< yours") == 1
    run_template(project, {}, _undo="yes")
    assert everything(other) == before


@pytest.mark.parametrize("words", [{}, {"_dry_run": "yes"}], ids=["run", "dry run"])
def test_what_lies_where_new_projects_are_rendered_is_not_taken_for_the_template(template, project, words):
    made = project(maturity_level="1")
    planted = write(made / ".mlops-template/render", {"maturity.yaml": b"levels: {}", "x/evil.py": b"evil"})
    before = times(made)
    done = generate(template, made.parent, "-f", "--no-input", **words)
    assert "level 1 → 1" in done.stdout and times(made) == before
    assert (planted / "maturity.yaml").is_file()


def test_an_archive_with_a_million_files_is_refused_before_it_is_read():
    packed = archive("a")
    end = bytearray(packed[-22:])
    end[12:16] = (recorded_base.MOST_OF_NAMES + 1).to_bytes(4, "little")
    with pytest.raises(ValueError, match="is no archive of the template"):
        recorded_base.unpack(packed[:-22] + bytes(end))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_is_packed_in_another_way_is_refused_before_it_is_unpacked(method):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as out:
        out.writestr("a", bytes(10))
    with pytest.raises(ValueError, match="is packed as no archive of the template is"):
        recorded_base.unpack(buffer.getvalue())


def test_a_path_without_an_end_is_none_of_a_project():
    with pytest.raises(ValueError, match="is no file of a project"):
        recorded_base.checked_path("a/" * 500 + "a")


@pytest.mark.parametrize("name", ["base.zip", "answers.json"])
@HOW
def test_a_pipe_in_place_of_the_record_does_not_stop_for_ever(made, run_template, name, how):
    project = made(OLD)
    path = project / recorded_base.FOLDER / name
    path.unlink()
    os.mkfifo(path)
    refused(project, run_template, "no run to undo" if "_undo" in how else "is no regular file", how)


def test_a_pipe_that_git_waits_for_does_not_stop_for_ever(made, run_template, monkeypatch):
    project = made(OLD)
    commit_all(project)
    os.mkfifo(project / ".gitignore")
    monkeypatch.setattr(repository, "MOST_SECONDS", 0.5)
    run_template(project, NEW)
    assert (project / "c").is_file()


def test_texts_that_would_take_hours_to_compare_are_put_beside():
    assert merging.merge("README.md", b"\n" * 15_000, b"\n" * 15_001 + b"x", b"\n" * 15_000 + b"y") is None
    assert formats.problem("a.toml", b"a." * 20_000 + b"a = 1") is not None


def test_a_file_that_does_not_fit_into_memory_is_left_as_it_is(made, run_template, monkeypatch):
    project = made(OLD)
    with (project / "a").open("wb") as file:
        file.truncate(10_000)
    monkeypatch.setattr(disk, "LARGEST", 9_999)
    run_template(project, NEW)
    assert (project / "a.template-new").read_bytes() == NEW["a"] and (project / "a").stat().st_size == 10_000


def test_no_folder_outside_is_removed_through_a_link(made, run_template, outside):
    project = made(OLD)
    (outside / "empty").mkdir()
    (project / "link").symlink_to(outside)
    base = journal.fingerprint((project / recorded_base.BASE).read_bytes())
    forged(project, entries=[["c", None, DIGEST], [recorded_base.BASE, base, DIGEST]], folders=["link/empty"])
    run_template(project, OLD)
    assert (outside / "empty").is_dir() and not (project / journal.JOURNAL).exists()


@pytest.mark.parametrize("name", ["pipe", "link", "deep"])
def test_what_lies_beside_a_new_project_does_not_stop_it(template, tmp_path, name):
    answers = write(tmp_path / "other", {".mlops-template/answers.json": b"[" * 100_000}) / recorded_base.ANSWERS
    if name != "deep":
        answers.unlink()
        os.mkfifo(answers) if name == "pipe" else answers.symlink_to("/dev/zero")
    generate(template, tmp_path, "-f", "--no-input")
    assert (tmp_path / "my_ml_project/README.md").is_file()


def test_a_name_says_nothing_to_the_terminal():
    assert str(RefusedError("\x1b[2Ja\nb")) == "?[2Ja\nb"
