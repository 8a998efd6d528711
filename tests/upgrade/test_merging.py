"""The merge of one file: held against git's own, and against what no merge may do."""

import copy
import json
import random
import subprocess

import merging
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import TREE, tool, volume

WORDS = [b"alpha\n", b"beta\n", b"gamma\n", b"delta\n", b"\n", b"    return x\n"]
CUTS = st.tuples(st.booleans(), st.booleans())
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


@given(base=TEXTS, mine=TEXTS, theirs=TEXTS, ends=st.lists(st.sampled_from([b"\n", b"\r\n"]), min_size=1), cut=CUTS)
def test_where_all_is_marked_each_side_comes_back_whole(base, mine, theirs, ends, cut):
    mine, theirs = (text[: len(text) - off] for text, off in zip((mine, theirs), cut, strict=True))
    mine = b"".join(line.replace(b"\n", ends[n % len(ends)]) for n, line in enumerate(merging.lines_of(mine)))
    merged, conflict = merging.merge_lines(base, mine, theirs, one_sided_too=True)
    assert conflict == (merging.conflicts_in(merged) > 0) == (not merging.same_text(mine, theirs))
    line_end = merging.with_line_ends_of(mine, b"\n")
    own, other = settled(merged, merging.MINE), settled(merged, merging.NOW)
    assert own in (mine, mine + line_end), "a mark ends a last line that has no end"
    assert merging.unix_lines(other) in (theirs, theirs + b"\n")
    if len(set(ends)) == 1:
        assert other in (merging.with_line_ends_of(mine, theirs), merging.with_line_ends_of(mine, theirs) + line_end)


def test_what_one_side_changed_is_marked_with_the_others():
    merged, conflict = merging.merge_lines(b"1\n2\n3\n", b"mine\n1\n2\n3\n", b"1\n2\ntheirs\n", one_sided_too=True)
    assert conflict and merged == (
        b"<<<<<<< yours\nmine\n=======\n>>>>>>> template, now\n1\n2\n"
        b"<<<<<<< yours\n3\n||||||| template, last time\n3\n=======\ntheirs\n>>>>>>> template, now\n"
    )
    assert merging.merge_lines(b"1\n", b"2\n", b"2\n", one_sided_too=True) == (b"2\n", False)


def settled(merged: bytes, side: bytes) -> bytes:
    """The merged text with this side of every conflict."""
    marks = {merging.MINE, merging.BASE, merging.NOW, merging.END}
    lines, now = [], None
    for line in merging.lines_of(merged):
        mark = line.rstrip(b"\r\n")
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


@pytest.fixture
def notebook() -> dict:
    """The template's own."""
    return json.loads((TREE / "notebooks/model.ipynb").read_bytes())


def saved(notebook: dict) -> bytes:
    """As Jupyter writes it."""
    return (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def after_a_run(notebook: dict) -> dict:
    """What running leaves in a notebook, as `jupyter execute` and Jupyter Lab leave it."""
    ran = copy.deepcopy(notebook)
    for number, cell in enumerate(cell for cell in ran["cells"] if cell["cell_type"] == "code"):
        data = {"image/png": "iVBORw0KGgo=\n" * number, "text/html": ["<td>\n", "</td>\n"] * number}
        cell["metadata"] = {"execution": {"iopub.status.busy": f"00:00:{number:02}Z"}}
        cell["execution_count"] = number
        cell["outputs"] = [
            {"name": "stdout", "output_type": "stream", "text": ["\n", f"{number} rows\n"]},
            {"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"},
        ]
    ran["metadata"]["language_info"] |= {"file_extension": ".py", "version": "3.12.1"}
    return ran


def merged_notebook(base: dict, mine: dict, theirs: dict) -> dict | None:
    """What the merge makes of them, which has to be a notebook."""
    merged = merging.merge("notebooks/model.ipynb", *map(saved, (base, mine, theirs)))
    if merged is None:
        return None
    nbformat.validate(nbformat.reads(merged[0].decode(), as_version=4))
    assert merged == (saved(json.loads(merged[0])), False)
    return json.loads(merged[0])


def test_the_template_stores_its_notebooks_as_jupyter_saves_them(notebook):
    assert saved(notebook) == (TREE / "notebooks/model.ipynb").read_bytes()


def test_a_notebook_that_was_run_keeps_all_of_that_and_gets_what_the_template_changed(notebook):
    """Even the outputs of a cell whose code the template changed stay: as after an edit, until it is run again."""
    mine = after_a_run(notebook)
    mine["metadata"] |= {"jupytext": {"formats": "ipynb,py:percent"}}
    mine["cells"][0]["metadata"] = {"slideshow": {"slide_type": "slide"}, "tags": ["intro"]}
    for cell in range(len(notebook["cells"])):
        for line in (0, -1):
            theirs, wanted = copy.deepcopy(notebook), copy.deepcopy(mine)
            for changed in (theirs, wanted):
                changed["cells"][cell]["source"].insert(line, "# from the template\n")
            assert merged_notebook(notebook, mine, theirs) == wanted


def test_where_both_changed_lines_that_touch_the_notebook_stays_as_it_is(notebook):
    mine, theirs = after_a_run(notebook), copy.deepcopy(notebook)
    mine["cells"][1]["source"][0] = "DATA = 'mine.csv'\n"
    theirs["cells"][1]["source"][1] = "READ = {'sep': ';'}\n"
    assert merged_notebook(notebook, mine, theirs) is None
    del theirs["cells"][1]
    assert merged_notebook(notebook, after_a_run(notebook), theirs) is None, "the outputs would go with the cell"


def test_a_notebook_that_another_program_wrote_anew_stays_as_it_is(notebook):
    """Colab saves with two spaces and its own order of keys."""
    theirs = copy.deepcopy(notebook)
    theirs["cells"][2]["source"].insert(0, "# new\n")
    mine = json.dumps(dict(reversed(after_a_run(notebook).items())), indent=2).encode()
    assert merging.merge("a.ipynb", saved(notebook), mine, saved(theirs)) is None


def change(notebook: dict, chance: random.Random, name: str) -> None:
    """Change one thing as its user or the template might."""
    cells = notebook["cells"]
    kind, cell = chance.choice(["edit", "edit", "add", "delete", "move"]), chance.choice(cells)
    if kind == "edit":
        cell["source"].insert(chance.randrange(len(cell["source"]) + 1), f"# {name}\n")
    if kind in ("delete", "move"):
        cells.remove(cell)
    if kind == "move":
        cells.insert(chance.randrange(len(cells) + 1), cell)
    if kind == "add":
        new = {"cell_type": "markdown", "id": name, "metadata": {}, "source": [f"# {name}"]}
        cells.insert(chance.randrange(len(cells) + 1), new)


def test_no_random_merge_of_notebooks_loses_an_output_or_what_no_notebook_is(notebook):
    chance, clean = random.Random(0), 0
    for number in range(MERGES):
        mine, theirs = after_a_run(notebook), copy.deepcopy(notebook)
        change(mine, chance, f"mine-{number}")
        change(theirs, chance, f"theirs-{number}")
        merged = merged_notebook(notebook, mine, theirs)
        if merged:
            there = {cell["id"]: cell.get("outputs") for cell in merged["cells"]}
            assert all(there[cell["id"]] == cell["outputs"] for cell in mine["cells"] if cell.get("outputs")), number
            clean += 1
    assert clean > MERGES / 2


def test_text_about_conflicts_is_none():
    assert merging.conflicts_in(b"<<<<<<< yours\nis how it begins\n") == 0
    assert merging.conflicts_in(b"    <<<<<<< yours\n    =======\n    >>>>>>> template, now\n") == 0
    assert merging.conflicts_in(b"<<<<<<< yours\n=======\n>>>>>>> template, now\n" * 2) == 2
