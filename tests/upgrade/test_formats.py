"""What is readable in its format, and that no merge makes a file unreadable that its user could read."""

import json
import warnings

import formats
import merging
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import BUILT, files_below

CELL = '{"cell_type": "markdown", "metadata": {}, "source": [], "id": "%s"}'
NOTEBOOK = '{"cells": [%s], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
LAUGHS = "a0: &a0 [ha]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
READABLE = {
    "a.toml": ["", "a = 1\n", "a = 1\r\n[b]\r\nc = 2\r\n", b"\xef\xbb\xbfa = 1\n", "[[a]]\n[[a]]\n"],
    "a.yaml": [
        *["", "# nothing\n", "a: 1\r\nb: [1, 2]\r\n", b"\xef\xbb\xbfa: 1\n", "a: 1\n---\na: 2\n"],
        *[
            "a: !reference [x, y]\n!Sub b: !GetAtt c\n",
            "1: a\n'1': b\n",
            "- a: 1\n- a: 1\n",
            "? [a]\n: b\n? [a]\n: c\n",
        ],
        *["a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n", "a: a\nb: {a: a}\nc: [b, a, b]\n", "&x a: *x\n", "&a [*a]", LAUGHS],
    ],
    "a.yml": ["on: [push]\njobs: {}\n"],
    "a.json": ['{"a": [{"a": 1}, {"a": 1}]}', b'\xef\xbb\xbf{"a": 1}\r\n', "1"],
    "a.ipynb": [NOTEBOOK % "", NOTEBOOK % ", ".join(CELL % n for n in range(3)), '{"cells": []}\r\n'],
    "a.py": ["", "x = 1\r\n", b"\xef\xbb\xbfx = 1\n", b"# coding: latin-1\nx = '\xe9'\n"],
    "a.txt": [b"\xff", "[", "{"],
    "Makefile": ["\tx"],
}
BROKEN = {
    "a.toml": ["[a]\n[a]\n", "a = 1\na = 2\n", "a = \n", "<<<<<<< yours\n", b"a = '\xe9'\n", "a = " + "[" * 10_000],
    "a.yaml": [
        *[
            "a: 1\nb: 2\na: 1\n",
            "a: 1\n'a': 1\n",
            "x:\n  - {a: 1, a: 2}\n",
            "on: 1\non: 2\n",
            "a: 1\n---\nb: 1\nb: 2\n",
        ],
        *["a: *b\n", "a: &b 1\n---\na: *b\n", "a:\n\tb: 1\n", "a: [\n", "<<<<<<< yours\na: 1\n", "a: !b!c d\n"],
        *[b"a: \xe9\n", "a: \0\n", "[" * 200, "b:\n  <<: {}\n  <<: {}\n", '"\\Uffffffff"\n'],
    ],
    "A.YML": ["a: 1\na: 1\n"],
    "a.json": ["", '{"a": 1, "a": 1}', '[{"b": {"a": 1, "a": 2}}]', '{"a": 1,}', b'"\xe9"', "[" * 100_000, "// no\n1"],
    "a.ipynb": [
        *["", "[]", "1", "{}", '{"cells": {}}', '{"cells": [1]}', '{"cells": [{"cell_type": "code"}]}'],
        *['{"cells": [{"source": ""}]}', '{"cells": [], "cells": []}', NOTEBOOK % (CELL % "a").replace('"a"', "[1]")],
        NOTEBOOK % ", ".join([CELL % "a"] * 2),
    ],
    "a.py": [
        *["x = \n", "f(a=1, a=2)\n", "return\n", b"x = '\xe9'\n", b"# coding: klingon\n", "x\0", "a\n  b\n", "(" * 999],
        *["x = 1\nfrom __future__ import annotations\n", "x" + ".y" * 100_000, "-" * 100_000 + "1"],
    ],
}


def each(files: dict) -> list[tuple[str, bytes]]:
    return [(path, text if isinstance(text, bytes) else text.encode()) for path in files for text in files[path]]


@pytest.mark.parametrize(("path", "data"), each(READABLE))
def test_what_is_readable(path, data):
    assert formats.problem(path, data) is None


@pytest.mark.parametrize(("path", "data"), each(BROKEN))
def test_what_is_not(path, data):
    assert formats.problem(path, data)


def test_yaml_without_the_parser_in_c(monkeypatch):
    """Not every PyYAML has it."""
    monkeypatch.setattr(formats, "YAML_READER", yaml.SafeLoader)
    assert [data for path, data in each(READABLE) if path == "a.yaml" and formats.problem(path, data)] == []
    assert [data for path, data in each(BROKEN) if path == "a.yaml" and not formats.problem(path, data)] == []


@pytest.mark.parametrize("depth", [500, 200_000])
def test_lists_as_deep_as_they_come(depth):
    """A depth at which the nodes of it would overflow C's stack, and end Python without a word."""
    assert formats.problem("a.yaml", b"- " * depth + b"a\n") is None
    assert formats.problem("a.yaml", b"- " * depth + b"{a: 1, a: 2}\n")


@given(path=st.sampled_from([f"a{suffix}" for suffix in formats.CHECKS]), data=st.data())
def test_no_bytes_are_too_strange(path, data):
    own = [known for name, known in each(READABLE) + each(BROKEN) if name == path and len(known) < 1_000]
    known, other = data.draw(st.sampled_from(own or [b""])), data.draw(st.binary(max_size=20))
    at = data.draw(st.integers(0, len(known)))
    assert isinstance(formats.problem(path, known[:at] + other + known[at:]), str | None)


def test_what_python_only_warns_of_is_not_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert formats.problem("a.py", b"x = '\\d' is 1\n") is None


def test_the_template_has_no_unreadable_file(baked):
    """Else no merge of that file would be looked at."""
    files = files_below(baked(maturity_level=BUILT[-1]))
    assert {path: found for path, data in files.items() if (found := formats.problem(path, data))} == {}


PYPROJECT = b"[project]\nname = 'a'\n\n[tool.pytest]\nx = 1\n\n[tool.uv]\npackage = false\n"
RUFF = b"\n[tool.ruff]\nline-length = %d\n"
WORKFLOW = b"jobs:\n  build:\n    runs-on: ubuntu\n    env:\n      A: 1\n    steps: []\n"
TIMEOUT = b"    timeout-minutes: %d\n"
CALL = b"fit(\n    table,\n    steps=3,\n    seed=0,\n)\n"
CLASHES = {  # both sides add the same, at lines far enough from each other for a merge by lines
    # as in github.com/lbedner/aegis-stack/pull/1115
    "pyproject.toml": (
        PYPROJECT,
        PYPROJECT + RUFF % 80,
        PYPROJECT.replace(b"\n[tool.uv]", RUFF % 120 + b"\n[tool.uv]"),
    ),
    # as in github.com/ptarmiganlabs/butler-sheet-icons/pull/1042
    ".github/workflows/ci.yml": (
        WORKFLOW,
        WORKFLOW.replace(b"    env", TIMEOUT % 20 + b"    env"),
        WORKFLOW + TIMEOUT % 45,
    ),
    "train.py": (
        CALL,
        CALL.replace(b"    table", b"    table,\n    rate=1"),
        CALL.replace(b"seed=0,", b"seed=0,\n    rate=2,"),
    ),
}


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["Unix", "Windows"])
@pytest.mark.parametrize("path", CLASHES)
def test_changes_that_clash_without_touching_are_conflicts_all_of_them(path, ends):
    base, mine, theirs = CLASHES[path]
    mine = mine.replace(b"\n", ends)
    clean, conflict = merging.merge_lines(base, mine, theirs)
    assert not conflict and formats.problem(path, clean) and formats.problem(path, mine) is None
    assert merging.merge("notes.txt", base, mine, theirs) == (clean, False)
    merged, conflict = merging.merge(path, base, mine, theirs)
    assert conflict and merging.conflicts_in(merged) == 2
    assert merged == merging.merge_lines(base, mine, theirs, one_sided_too=True)[0]


def test_they_are_marked_so():
    merged, _ = merging.merge("pyproject.toml", *CLASHES["pyproject.toml"])
    both = [
        *("[project]", "name = 'a'", "", "[tool.pytest]", "x = 1"),
        *("", "<<<<<<< yours", "=======", "[tool.ruff]", "line-length = 120", "", ">>>>>>> template, now"),
        *("[tool.uv]", "package = false"),
        *("<<<<<<< yours", "", "[tool.ruff]", "line-length = 80", "=======", ">>>>>>> template, now"),
    ]
    assert merged.decode().splitlines() == both


def test_the_same_key_twice_in_json_is_no_merge():
    """As in github.com/warp-drive-data/warp-drive/pull/6442."""
    base = b'{\n"a": "1",\n"b": "1",\n"c": "1"\n}\n'
    mine, theirs = base.replace(b'"b"', b'"new": "1",\n"b"'), base.replace(b'"c"', b'"new": "2",\n"c"')
    merged, conflict = merging.merge_lines(base, mine, theirs)
    assert not conflict and formats.is_json(merged) and formats.problem("package.json", mine) is None
    assert merging.merge("package.json", base, mine, theirs) is None
    assert merging.merge("package.json", base, mine, base.replace(b'"c": "1"', b'"c": "2"'))


def test_json_never_holds_marks_and_is_not_merged_if_the_user_has_none_either():
    base = b'{\n"a": 1,\n"b": 1,\n"c": 1\n}\n'
    mine, theirs = base.replace(b'"a": 1', b'"a": 2'), base.replace(b'"a": 1', b'"a": 3')
    assert merging.merge("a.json", base, mine, theirs) is None
    assert merging.merge_lines(base, base[:-2], theirs)[1] is False
    assert merging.merge("a.json", base, base[:-2], theirs) is None


def test_the_same_cell_twice_in_a_notebook_is_no_merge():
    """As in github.com/jupyter/notebook/issues/6001: both have moved it, to different places."""
    base, mine, theirs = (
        json.dumps(json.loads(NOTEBOOK % ", ".join(CELL % name for name in order)), indent=1).encode()
        for order in ("abcdefg", "dabcefg", "abcefgd")
    )
    merged, conflict = merging.merge_lines(base, mine, theirs)
    assert not conflict and formats.is_json(merged) and formats.problem("a.ipynb", mine) is None
    assert merging.merge("a.ipynb", base, mine, theirs) is None


def test_where_lines_conflict_as_well_both_kinds_are_marked():
    """Settling what merges by lines have to ask would leave a file that is no TOML."""
    base, mine, theirs = (
        text.replace(b"'a'", name)
        for text, name in zip(CLASHES["pyproject.toml"], (b"'a'", b"'b'", b"'c'"), strict=True)
    )
    assert merging.conflicts_in(merging.merge_lines(base, mine, theirs)[0]) == 1
    assert merging.conflicts_in(merging.merge("pyproject.toml", base, mine, theirs)[0]) == 3


def test_where_a_conflict_can_be_settled_for_one_side_only_that_is_marked():
    base, one, other = b"a = 1\n\nb = 1\n", b"a = 2\n\nb = 1\nd = 1\n", b"a = 3\nd = 1\n\nb = 1\n"
    for mine, theirs in ((one, other), (other, one)):
        merged, conflict = merging.merge("a.toml", base, mine, theirs)
        assert conflict and merging.conflicts_in(merged) == 1 and merged.endswith(b"\nb = 1\nd = 1\n")


def test_where_it_can_be_settled_for_neither_side_all_is_marked():
    base, mine = b"a = 1\n\nb = 1\n\nc = 1\n", b"a = 2\nd = 1\n\nb = 1\ne = 1\n\nc = 1\n"
    merged, conflict = merging.merge("a.toml", base, mine, b"a = 3\ne = 1\n\nb = 1\n\nc = 1\nd = 1\n")
    assert conflict and merging.conflicts_in(merged) == 3


@pytest.mark.parametrize("path", CLASHES)
def test_what_was_unreadable_before_is_merged_by_its_lines(path):
    base, mine, theirs = (b"%s\n(\n" % text for text in CLASHES[path])
    assert formats.problem(path, mine)
    assert merging.merge(path, base, mine, theirs) == merging.merge_lines(base, mine, theirs)
