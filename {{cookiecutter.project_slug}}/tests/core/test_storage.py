"""Files are whole or not there, and what cannot be read is said in one sentence."""

import os

import pandas as pd
import pytest

from {{cookiecutter.project_slug}}.core import storage
from {{cookiecutter.project_slug}}.core.schema import infer_schema
from {{cookiecutter.project_slug}}.errors import ProjectError


@pytest.mark.parametrize("uri", ["/no/such/table.csv", "nosuchprotocol://table.csv", "."])
def test_what_cannot_be_fetched_is_named(uri):
    with pytest.raises(ProjectError, match="cannot be read"):
        storage.fetch(uri, max_megabytes=1)


def test_any_address_of_fsspec_is_fetched(tmp_path):
    import fsspec

    with fsspec.open("memory://table.csv", "wb") as out:
        out.write(b"a\n1\n")
    (tmp_path / "t.csv").write_bytes(b"a\n1\n")
    assert storage.fetch("memory://table.csv", 1) == storage.fetch(f"file://{tmp_path}/t.csv", 1) == b"a\n1\n"


def test_a_table_too_large_is_refused_before_it_is_read_whole(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"x" * 3_000_000)
    with pytest.raises(ProjectError, match="is larger than 2 MB"):
        storage.fetch(str(tmp_path / "t.csv"), max_megabytes=2)


def test_another_content_than_asked_for_is_refused():
    storage.check_fingerprint(b"a", storage.sha256(b"a").upper(), "t.csv")
    with pytest.raises(ProjectError, match=rf"t\.csv is not the content .* {storage.sha256(b'b')}"):
        storage.check_fingerprint(b"b", storage.sha256(b"a"), "t.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has a header and no rows"),
        (b"a,b,a\n1,2,3\n", r"more than one column named \['a'\]"),
        (b"a,b,c\n1,2,3\n4,5", "Line 3 of t.csv has 2 fields, the header 3: is the file cut off"),
        (b"a;b\n1,5;2\n", "Line 2 of t.csv has 2 fields, the header 1"),
        (b'a,b\n1,"2\n', "Line 2|cannot be read"),
        ("größe,b\n1,2\n".encode("latin-1"), "cannot be read as commas and UTF-8"),
    ],
)
def test_a_table_that_is_none_is_refused(content, message):
    with pytest.raises(ProjectError, match=message):
        storage.parse_table(content, "t.csv", {})


def test_a_table_of_another_make_is_read_as_told():
    read = {"sep": ";", "decimal": ",", "encoding": "latin-1"}
    table = storage.parse_table("größe;b\n1,5;2\n".encode("latin-1"), "t.csv", read)
    assert table.to_dict("list") == {"größe": [1.5], "b": [2]}


def test_text_that_looks_like_a_number_stays_text_once_the_schema_says_so():
    schema = {"zip": {"type": "text", "missing": False}, "kind": {"type": "category", "missing": False, "values": []}}
    table = storage.parse_table(b"zip,kind,n\n01234,1,1\n", "t.csv", {}, schema)
    assert table.to_dict("list") == {"zip": ["01234"], "kind": ["1"], "n": [1]}


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    (tmp_path / "t.csv").write_text("before")
    with pytest.raises(RuntimeError), storage.new_file(tmp_path / "t.csv") as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("t.csv", "before")]


def test_a_table_keeps_its_values_and_types(orders, tmp_path):
    table = orders.assign(order=[f"{n:03d}" for n in range(200)])
    storage.write_table(table, tmp_path / "t.csv")
    schema = infer_schema(table, open_ended=["order"])
    pd.testing.assert_frame_equal(storage.read_table(tmp_path / "t.csv", schema), table)


def test_a_schema_is_read_as_it_was_written(orders, tmp_path):
    schema = infer_schema(orders.rename(columns={"shop": 'shop: a "b"'}))
    storage.write_schema(schema, tmp_path / "schema.yaml")
    assert storage.read_schema(tmp_path / "schema.yaml") == schema
    assert storage.read_schema(tmp_path / "none.yaml") is None


@pytest.mark.parametrize(
    "text", ["{", "columns: 5", "columns: {a: {type: colour}}", "columns: {a: {type: text, min: 1}}"]
)
def test_a_schema_that_makes_no_sense_is_refused(tmp_path, text):
    (tmp_path / "schema.yaml").write_text(text)
    with pytest.raises(ProjectError, match=r"schema\.yaml cannot be understood"):
        storage.read_schema(tmp_path / "schema.yaml")


def test_the_history_keeps_what_was_written_by_hand(tmp_path):
    path = tmp_path / "history.csv"
    storage.append_history({"date": "1", "note": "NA", "r2": 0.5}, path)
    path.write_text(path.read_text().replace("0.5", "0.500"))
    history = storage.append_history({"date": "2", "note": "x", "mae": 3.0}, path)
    assert path.read_text() == "date,note,r2,mae\n1,NA,0.500,\n2,x,,3.0\n"
    assert list(history["date"]) == ["1", "2"]


def test_what_a_process_that_was_killed_left_is_removed_after_a_day_and_not_before(tmp_path):
    old, young = tmp_path / ".writing-old", tmp_path / ".writing-young"
    for folder in (old, young):
        (folder / "in").mkdir(parents=True)
    os.utime(old, (0, 0))
    storage.write_file(tmp_path / "file", b"")
    assert not old.exists() and young.exists()
