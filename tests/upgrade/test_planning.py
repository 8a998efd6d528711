"""The rule of each file: whose change stands."""

import pytest
from planning import ADDED, ASIDE, CONFLICT, KEPT, MERGED, REMOVED, STAYS_DELETED, UPDATED, UnsettledError, plan
from recorded_base import File, Record
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
    assert set(result.writes) <= {path}
    return result.outcomes.get(path), result.writes.get(path, "nothing")


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
        (A, None, A, None, "nothing"),
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
    windows = File(mine.data.replace(b"\n", b"\r\n"))
    outcome, written = planned(tmp_path / "windows", "a.txt", base, windows, now)
    assert outcome == unix[0]
    assert written == (unix[1] if unix[1] == "nothing" else File(unix[1].data.replace(b"\n", b"\r\n")))


@pytest.mark.parametrize(
    ("base", "mine", "now", "wanted"),
    [(False, False, True, True), (False, True, False, True), (True, False, True, False), (True, True, False, False)],
)
@pytest.mark.parametrize("versions", [(A, A, A), (A, A, C), (A, B, C)])
def test_the_executable_bit_is_merged_like_a_line(tmp_path, versions, base, mine, now, wanted):
    files = [File(file.data, bit) for file, bit in zip(versions, (base, mine, now), strict=True)]
    _, written = planned(tmp_path, "run.sh", *files)
    assert (files[1] if written == "nothing" else written).executable == wanted


def test_what_was_deleted_stays_so_at_every_level(tmp_path):
    lower = plan(tmp_path, Record({"a.txt": A}, {}), {})
    assert (lower.writes, lower.deleted) == ({}, ["a.txt"])
    higher = plan(tmp_path, Record({}, {}, deleted=lower.deleted), {"a.txt": C})
    assert (higher.writes, higher.deleted) == ({}, ["a.txt"])
    assert higher.outcomes == {"a.txt": STAYS_DELETED}


def test_what_was_deleted_and_made_again_is_the_users(tmp_path):
    assert planned(tmp_path, "a.txt", None, A, A, deleted=["a.txt"]) == (None, "nothing")


@pytest.mark.parametrize("path", ["logo.png", "data/table.parquet"])
def test_bytes_stay_with_the_templates_beside_them(tmp_path, path):
    project = write(tmp_path, {path: File(b"\0mine")})
    result = plan(project, Record({path: File(b"\0base")}, {}), {path: File(b"\0now")})
    assert result.outcomes == {path: ASIDE} and result.beside == {path: path + ".template-new"}
    assert result.writes == {path + ".template-new": File(b"\0now")}


def test_a_version_beside_never_overwrites_another(tmp_path):
    there = {"logo": File(b"\0mine"), "logo.template-new": File(b"\0older"), "logo.template-new-2": File(b"\0other")}
    result = plan(write(tmp_path, there), Record({"logo": File(b"\0base")}, {}), {"logo": File(b"\0now")})
    assert result.writes == {"logo.template-new-3": File(b"\0now")}
    write(tmp_path, {"logo.template-new-2": File(b"\0now")})
    again = plan(tmp_path, Record({"logo": File(b"\0base")}, {}), {"logo": File(b"\0now")})
    assert again.writes == {} and again.beside == {"logo": "logo.template-new-2"}


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
    assert result.writes == {beside: C} and result.beside == {"sub/a.txt": beside}
    assert plan(project, Record({"sub/a.txt": A}, {}), {"sub/a.txt": A}).writes == {}
    assert plan(project, Record({"sub/a.txt": A}, {}), {}).writes == {}


def test_open_conflicts_are_not_merged_into_again(tmp_path):
    project = write(tmp_path, {"a.txt": MARKED, "b.txt": MARKED})
    last = Record({"a.txt": CLASH, "b.txt": CLASH}, {}, conflicts=["a.txt", "b.txt"])
    assert plan(project, last, {"a.txt": CLASH, "b.txt": CLASH}).writes == {}
    with pytest.raises(UnsettledError) as caught:
        plan(project, last, {"a.txt": C, "b.txt": C})
    assert caught.value.args == ("a.txt", "b.txt")


def test_text_about_conflicts_is_not_taken_for_one(tmp_path):
    mine, now = text("# Mine", *MARKED.data.decode().splitlines()), text(*MARKED.data.decode().splitlines(), "new")
    settled = planned(tmp_path / "1", "README.md", MARKED, mine, now, conflicts=["README.md"])
    assert settled[0] == MERGED
    assert planned(tmp_path / "2", "a.txt", A, MARKED, C)[0] == MERGED  # not known as one: the user's own words
