"""The rule of each file: whose change stands."""

import json

import pytest
from planning import ADDED, ASIDE, CONFLICT, KEPT, MERGED, REMOVED, STAYS_DELETED, UPDATED, UnsettledError, plan
from recorded_base import Record
from upgrading import text, write

A, B, C = text("1", "2", "3"), text("1", "mine", "3"), text("1", "2", "3", "new")
BOTH = text("1", "mine", "3", "new")
CLASH = text("1", "theirs", "3")
MARKED = text(
    "1", "<<<<<<< yours", "mine", "||||||| template, last time", "2", "=======", "theirs", ">>>>>>> template, now", "3"
)


def planned(folder, path, base, mine, now, **known):
    """What is planned for one file: its outcome and what would be written, "nothing" if nothing."""
    project = write(folder / "project", {path: mine} if mine else {})
    project.mkdir(exist_ok=True)
    result = plan(project, Record({path: base} if base else {}, {}, **known), {path: now} if now else {})
    assert set(result.changes.writes) <= {path}
    return result.outcomes.get(path), result.changes.writes.get(path, "nothing")


@pytest.mark.parametrize(
    ("base", "mine", "now", "outcome", "written"),
    [
        (A, A, A, None, "nothing"),
        (A, A, C, UPDATED, C),
        (A, B, A, None, "nothing"),
        (A, C, C, None, "nothing"),
        (A, B, C, MERGED, BOTH),
        (A, B, CLASH, CONFLICT, MARKED),
        (None, None, A, ADDED, A),
        (None, A, A, None, "nothing"),
        (None, B, None, None, "nothing"),
        (A, None, A, STAYS_DELETED, "nothing"),
        (A, None, C, STAYS_DELETED, "nothing"),
        (A, None, None, None, "nothing"),
        (A, A, None, REMOVED, None),
        (A, B, None, KEPT, "nothing"),
    ],
    ids=str,
)
def test_three_versions_of_a_text(tmp_path, base, mine, now, outcome, written):
    assert planned(tmp_path, "a.txt", base, mine, now) == (outcome, written)


def test_a_file_of_the_user_where_the_template_adds_one_is_merged_and_not_overwritten(tmp_path):
    outcome, written = planned(tmp_path, "a.txt", None, B, CLASH)
    assert outcome == CONFLICT
    assert written == text("1", "<<<<<<< yours", "mine", "=======", "theirs", ">>>>>>> template, now", "3")


@pytest.mark.parametrize(("base", "mine", "now"), [(A, B, C), (A, A, C), (A, C, C), (A, B, CLASH)])
def test_line_ends_are_the_users(tmp_path, base, mine, now):
    unix = planned(tmp_path / "unix", "a.txt", base, mine, now)
    windows = mine.replace(b"\n", b"\r\n")
    outcome, written = planned(tmp_path / "windows", "a.txt", base, windows, now)
    assert outcome == unix[0]
    assert written == (unix[1] if unix[1] == "nothing" else unix[1].replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(("base", "mine"), [(A, b"1\r\n2\n3\r\n"), (None, b"1\r\n2\n3\r\n")])
def test_mixed_line_ends_of_an_unedited_file_stay(tmp_path, base, mine):
    assert planned(tmp_path, "a.txt", base, mine, A) == (None, "nothing")


def test_what_was_deleted_stays_so_at_every_level(tmp_path):
    lower = plan(tmp_path, Record({"a.txt": A}, {}), {})
    assert (lower.changes.writes, lower.base) == ({}, {"a.txt": A})
    higher = plan(tmp_path, Record(lower.base, {}), {"a.txt": C})
    assert (higher.changes.writes, higher.base) == ({}, {"a.txt": A})
    assert higher.outcomes == {"a.txt": STAYS_DELETED}


def test_what_was_deleted_and_made_again_is_the_users(tmp_path):
    assert planned(tmp_path, "a.txt", A, B, A) == (None, "nothing")


@pytest.mark.parametrize(
    ("base", "mine", "now", "moved_on"),
    [
        *[(A, A, C, C), (A, B, C, C), (A, B, CLASH, CLASH), (None, None, A, A), (A, A, None, None)],
        *[(A, None, C, A), (A, B, None, A), (A, None, None, A)],
    ],
)
def test_the_base_moves_on_only_where_the_template_came(tmp_path, base, mine, now, moved_on):
    project = write(tmp_path / "project", {"a.txt": mine} if mine else {})
    project.mkdir(exist_ok=True)
    result = plan(project, Record({"a.txt": base} if base else {}, {}), {"a.txt": now} if now else {})
    assert result.base.get("a.txt") == moved_on


def test_a_person_without_a_file_does_not_keep_its_changes_from_the_others(tmp_path):
    theirs = {"data/a.txt": C, "b.txt": C}
    without, others = write(tmp_path / "1", {"b.txt": A}), write(tmp_path / "2", {"data/a.txt": A, "b.txt": C})
    recorded = plan(without, Record({"data/a.txt": A, "b.txt": A}, {}), theirs).base
    assert plan(others, Record(recorded, {}), theirs).changes.writes == {"data/a.txt": C}


@pytest.mark.parametrize("left", [[], ["__pycache__/model.cpython-311.pyc"], [".ipynb_checkpoints/a", ".DS_Store"]])
def test_nothing_new_lands_in_a_folder_that_was_moved_or_deleted(tmp_path, left):
    base = {"src/old/core/a.py": A, "src/old/b.py": A, "tests/t.py": A}
    project = write(tmp_path, {"src/new/core/a.py": A, "tests/t.py": A} | {f"src/old/{path}": A for path in left})
    theirs = base | {"src/old/core/new.py": A, "src/old/more/new.py": A, "tests/new.py": A, "new/new.py": A}
    result = plan(project, Record(base, {}), theirs)
    assert set(result.changes.writes) == {"tests/new.py", "new/new.py"}
    assert result.gone == {"src/old/core/new.py": "src/old", "src/old/more/new.py": "src/old"}
    assert "src/old/core/new.py" not in result.base
    write(project, {"src/old/mine.py": text("I still work here")})
    assert "src/old/more/new.py" in plan(project, Record(base, {}), theirs).changes.writes


@pytest.mark.parametrize(
    ("wanted", "comes"),
    [
        *[("docs/1", {"docs/1"}), ("docs", {"docs/1", "docs/new"}), ("./docs/", {"docs/1", "docs/new"})],
        *[(".", {"docs/1", "docs/new", "a"}), ("doc", set()), ("b", set())],
    ],
)
def test_what_was_deleted_can_be_had_again(tmp_path, wanted, comes):
    project = write(tmp_path, {"b": A})
    theirs = {"docs/1": C, "docs/new": A, "a": A, "b": A}
    result = plan(project, Record({"docs/1": A, "a": A, "b": A, "gone": A}, {}), theirs, restore=wanted)
    assert result.changes.writes == {path: theirs[path] for path in comes}
    assert all(result.base[path] == theirs[path] for path in comes)


@pytest.mark.parametrize("path", ["logo.png", "data/table.parquet"])
def test_bytes_stay_with_the_templates_beside_them(tmp_path, path):
    project = write(tmp_path, {path: b"\0mine"})
    result = plan(project, Record({path: b"\0base"}, {}), {path: b"\0now"})
    assert result.outcomes == {path: ASIDE} and result.beside == {path: path + ".template-new"}
    assert result.changes.writes == {path + ".template-new": b"\0now"}


def test_a_version_beside_never_overwrites_another(tmp_path):
    there = {"logo": b"\0mine", "logo.template-new": b"\0older", "logo.template-new-2": b"\0other"}
    result = plan(write(tmp_path, there), Record({"logo": b"\0base"}, {}), {"logo": b"\0now"})
    assert result.changes.writes == {"logo.template-new-3": b"\0now"}
    write(tmp_path, {"logo.template-new-2": b"\0now"})
    again = plan(tmp_path, Record({"logo": b"\0base"}, {}), {"logo": b"\0now"})
    assert again.changes.writes == {} and again.beside == {"logo": "logo.template-new-2"}


@pytest.mark.parametrize("obstacle", ["link", "dangling link", "link above", "folder", "file above", "pipe"])
def test_what_is_in_the_way_stays_untouched(tmp_path, obstacle):
    import os

    project, elsewhere = tmp_path / "project", write(tmp_path / "elsewhere", {"precious": B})
    project.mkdir()
    if obstacle == "link above":
        (project / "sub").symlink_to(elsewhere)
    elif obstacle == "file above":
        (project / "sub").write_text("mine")
    else:
        (project / "sub").mkdir()
        target = project / "sub/a.txt"
        {
            "link": lambda: target.symlink_to(elsewhere / "precious"),
            "dangling link": lambda: target.symlink_to("nowhere"),
            "folder": target.mkdir,
            "pipe": lambda: os.mkfifo(target),
        }[obstacle]()
    result = plan(project, Record({"sub/a.txt": A}, {}), {"sub/a.txt": C})
    beside = "sub.template-new/a.txt" if "above" in obstacle else "sub/a.txt.template-new"
    assert result.changes.writes == {beside: C} and result.beside == {"sub/a.txt": beside}
    assert plan(project, Record({"sub/a.txt": A}, {}), {"sub/a.txt": A}).changes.writes == {}
    assert plan(project, Record({"sub/a.txt": A}, {}), {}).changes.writes == {}


def test_open_conflicts_are_not_merged_into_again(tmp_path):
    project = write(tmp_path, {"a.txt": MARKED, "b.txt": MARKED})
    last = Record({"a.txt": CLASH, "b.txt": CLASH}, {}, conflicts=["a.txt", "b.txt"])
    assert plan(project, last, {"a.txt": CLASH, "b.txt": CLASH}).changes.writes == {}
    with pytest.raises(UnsettledError) as caught:
        plan(project, last, {"a.txt": C, "b.txt": C})
    assert caught.value.args == ("a.txt", "b.txt")


def test_text_about_conflicts_is_not_taken_for_one(tmp_path):
    mine, now = text("# Mine", *MARKED.decode().splitlines()), text(*MARKED.decode().splitlines(), "new")
    settled = planned(tmp_path / "1", "README.md", MARKED, mine, now, conflicts=["README.md"])
    assert settled[0] == MERGED
    assert planned(tmp_path / "2", "a.txt", A, MARKED, C)[0] == MERGED  # not known as one: the user's own words


def notebook(source: str, outputs: list[str], **metadata: object) -> bytes:
    cell = {"cell_type": "code", "execution_count": len(outputs) or None, "id": "a", "metadata": metadata}
    cells = [cell | {"outputs": outputs, "source": [source]}, cell | {"id": "b", "outputs": [], "source": ["y"]}]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


@pytest.mark.parametrize(
    "metadata", [{}, {"slideshow": {"slide_type": "slide"}}, {"jupytext": {"formats": "ipynb,py"}}]
)
def test_a_notebook_that_was_run_or_marked_is_its_users_work(tmp_path, metadata):
    base, mine = notebook("x", []), notebook("x", [] if metadata else ["hours of work"], **metadata)
    now = notebook("x", []).replace(b'"y"', b'"new"')
    outcome, written = planned(tmp_path / "1", "model.ipynb", base, mine, now)
    assert outcome == MERGED and written == mine.replace(b'"y"', b'"new"')
    assert planned(tmp_path / "2", "model.ipynb", base, mine, None) == (KEPT, "nothing")
    assert planned(tmp_path / "3", "model.ipynb", base, base, now) == (UPDATED, now)


def test_changes_that_no_program_could_read_together_are_a_conflict(tmp_path):
    base = text("[project]", 'name = "x"', "", "[tool.pytest]", "a = 1")
    mine = base + text("", "[tool.ruff]", "line-length = 100")
    now = text("[project]", 'name = "x"', "", "[tool.ruff]", "line-length = 120", "", "[tool.pytest]", "a = 1")
    outcome, written = planned(tmp_path / "1", "pyproject.toml", base, mine, now)
    assert outcome == CONFLICT and written.count(b"<<<<<<< yours") == 2
    assert planned(tmp_path / "2", "pyproject.txt", base, mine, now)[0] == MERGED
