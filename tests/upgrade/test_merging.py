"""The merge of one file: held against git's own, and against what no merge may do."""

import json
import random
import subprocess

import merging
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import tool, volume

WORDS = [b"alpha\n", b"beta\n", b"gamma\n", b"delta\n", b"\n", b"    return x\n"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join)
MERGES = volume(100)


def by_git(folder, base: bytes, mine: bytes, theirs: bytes) -> tuple[bytes, bool]:
    """What `git merge-file` makes of it, and whether it finds a conflict."""
    for name, data in {"mine": mine, "base": base, "theirs": theirs}.items():
        (folder / name).write_bytes(data)
    command = [tool("git"), "merge-file", "-p", "mine", "base", "theirs"]
    done = subprocess.run(command, cwd=folder, capture_output=True)
    assert 0 <= done.returncode < 128, done.stderr
    return done.stdout, done.returncode > 0


def edited(text: list[bytes], chance: random.Random) -> list[bytes]:
    """The lines with a few of them changed, added or removed."""
    lines = list(text)
    for _ in range(chance.randint(0, 3)):
        at = chance.randint(0, len(lines))
        new = [b"new %d\n" % chance.randint(0, 9) for _ in range(chance.randint(0, 2))]
        lines[at : at + chance.randint(0, 2)] = new
    return lines


def test_random_merges_are_those_of_git_and_no_line_of_the_user_is_lost(tmp_path):
    chance, clean = random.Random(0), 0
    for _ in range(MERGES):
        base = [b"line %d\n" % chance.randint(0, 30) for _ in range(chance.randint(0, 15))]
        mine, theirs = edited(base, chance), edited(base, chance)
        merged, conflict = merging.merge_lines(b"".join(base), b"".join(mine), b"".join(theirs))
        for line in set(mine) - set(base):
            assert merged.count(line) >= mine.count(line), (base, mine, theirs)
        from_git, git_conflict = by_git(tmp_path, b"".join(base), b"".join(mine), b"".join(theirs))
        if not conflict and not git_conflict:
            assert merged == from_git, (base, mine, theirs)
            clean += 1
    assert clean > MERGES / 2


@given(base=TEXTS, mine=TEXTS, theirs=TEXTS)
def test_one_side_alone_wins_and_the_sides_are_alike(base, mine, theirs):
    assert merging.merge_lines(base, mine, base) == (mine, False)
    assert merging.merge_lines(base, base, theirs) == (theirs, False)
    assert merging.merge_lines(base, mine, mine) == (mine, False)
    assert merging.merge_lines(base, mine, theirs)[1] == merging.merge_lines(base, theirs, mine)[1]


@given(base=TEXTS, mine=TEXTS, theirs=TEXTS)
def test_a_conflict_can_be_settled_for_either_side(base, mine, theirs):
    """Taking one side of every conflict, and nothing else, leaves no mark."""
    merged, conflict = merging.merge_lines(base, mine, theirs)
    assert (merging.conflicts_in(merged) > 0) == conflict
    for mark in (merging.MINE, merging.NOW):
        assert merging.conflicts_in(settled(merged, mark)) == 0


def settled(merged: bytes, side: bytes) -> bytes:
    """The merged text with this side of every conflict."""
    marks = {merging.MINE, merging.BASE, merging.NOW, merging.END}
    lines, now = [], None
    for line in merging.lines_of(merged):
        mark = line.rstrip(b"\n")
        if mark in marks:
            now = None if mark == merging.END else mark
        elif now in (None, side):
            lines.append(line)
    return b"".join(lines)


def test_a_conflict_is_shown_with_what_the_template_had():
    assert merging.merge_lines(b"a\nb\nc\n", b"a\nmine\nc\n", b"a\ntheirs\nc\n") == (
        b"a\n<<<<<<< yours\nmine\n||||||| template, last time\nb\n=======\ntheirs\n>>>>>>> template, now\nc\n",
        True,
    )


def test_without_a_base_only_what_differs_is_marked():
    merged, conflict = merging.merge_lines(b"", b"same\nmine\nend\n", b"same\ntheirs\nend\n")
    assert conflict and merged == b"same\n<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> template, now\nend\n"


@pytest.mark.parametrize("mine", [b"1\r\nmine\r\n3\r\n4\r\n", b"1\r\nmine\r\n3\n4\r\n"], ids=["all", "most"])
def test_line_ends_stay_those_of_the_user(mine):
    merged, conflict = merging.merge_lines(b"1\n2\n3\n4\n", mine, b"1\n2\n3\nfour\n")
    assert not conflict and merged == mine.replace(b"4", b"four")
    marked, conflict = merging.merge_lines(b"1\n2\n3\n4\n", mine, b"1\ntheirs\n3\n4\n")
    assert conflict and b"<<<<<<< yours\r\n" in marked
    other_ends = [[line for line in merging.lines_of(text) if not line.endswith(b"\r\n")] for text in (marked, mine)]
    assert other_ends[0] == other_ends[1]


def test_a_last_line_without_an_end_stays_one():
    assert merging.merge_lines(b"1\n2", b"one\n2", b"1\n2") == (b"one\n2", False)
    merged, conflict = merging.merge_lines(b"1\n2", b"1\nmine", b"1\ntheirs")
    assert conflict and merged.splitlines()[-1] == merging.END and b"mine\n" in merged and b"theirs\n" in merged


def test_bytes_that_are_no_text_are_not_merged():
    assert merging.merge("logo.png", b"\0" * 3, b"\0mine", b"\0theirs") is None
    assert merging.merge("a.txt", b"", b"mine", b"\0theirs") is None
    latin_1 = (text.encode("latin-1") for text in ("café\n", "café\nmine\n", "thé\ncafé\n"))
    assert merging.merge("a.txt", *latin_1) == ("thé\ncafé\nmine\n".encode("latin-1"), False)


def notebook(*sources: str, outputs: tuple = ()) -> bytes:
    cells = [
        {"cell_type": "code", "id": str(n), "execution_count": len(outputs) or None, "metadata": {}}
        | {"outputs": list(outputs), "source": source.splitlines(keepends=True)}
        for n, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode() + b"\n"


def test_a_notebook_that_was_only_run_says_the_same():
    ran = notebook("x = 1", outputs=({"output_type": "stream", "name": "stdout", "text": "1"},))
    assert merging.same_content("a.ipynb", notebook("x = 1"), ran)
    assert not merging.same_content("a.ipynb", notebook("x = 2"), ran)
    assert not merging.same_content("a.txt", notebook("x = 1"), ran)


@pytest.mark.parametrize("broken", [b"", b"[]", b"{}", b'{"cells": [1]}', b"\xff", b'{"cells": [{"cell_type": 1}]}'])
def test_what_is_no_notebook_is_compared_as_text(broken):
    assert not merging.same_content("a.ipynb", notebook("x = 1"), broken)
    assert merging.same_content("a.ipynb", broken, broken)


def test_notebooks_merge_cell_by_cell_and_never_hold_marks():
    base, mine = notebook("x = 1", "y = 1", "z = 1"), notebook("x = 2", "y = 1", "z = 1")
    merged, conflict = merging.merge("a.ipynb", base, mine, notebook("x = 1", "y = 1", "z = 3"))
    assert not conflict and merged == notebook("x = 2", "y = 1", "z = 3")
    assert merging.merge("a.ipynb", base, mine, notebook("x = 3", "y = 1", "z = 1")) is None
    assert merging.merge("a.json", b'{"a": 1,\n"b": 1\n}', b'{"a": 1,\n"b": 1,\n', b'{"a": 2,\n"b": 1\n}') is None


def test_text_about_conflicts_is_none():
    assert merging.conflicts_in(b"<<<<<<< yours\nis how it begins\n") == 0
    assert merging.conflicts_in(b"    <<<<<<< yours\n    =======\n    >>>>>>> template, now\n") == 0
    assert merging.conflicts_in(b"<<<<<<< yours\n=======\n>>>>>>> template, now\n" * 2) == 2
