"""Files are whole or not there, and what cannot be read is said in one sentence."""

import http.server
import os
import threading

import pandas as pd
import pytest

from {{cookiecutter.project_slug}}.core import storage
from {{cookiecutter.project_slug}}.core.checking import Findings, typed_table
from {{cookiecutter.project_slug}}.core.schema import Boolean, Category, Date, Integer, Number, Text
from {{cookiecutter.project_slug}}.core.values import InJson
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


def test_a_server_that_refuses_is_quoted_without_the_secrets_of_the_address():
    class Refuses(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(403)

        def do_HEAD(self):
            self.send_error(403)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Refuses) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ProjectError, match="403, message='Forbidden'") as error:
            storage.fetch(f"http://me:secret@127.0.0.1:{server.server_port}/t.csv?secret", max_megabytes=1)
        server.shutdown()
    assert "secret" not in str(error.value)


def test_a_table_too_large_is_refused_before_it_is_read_whole(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"x" * 3_000_000)
    with pytest.raises(ProjectError, match="is larger than 2 MB"):
        storage.fetch(str(tmp_path / "t.csv"), max_megabytes=2)


def test_another_content_than_asked_for_is_refused():
    storage.check_fingerprint(b"a", storage.sha256(b"a").upper(), "t.csv")
    with pytest.raises(ProjectError, match=rf"t\.csv is not the content .* {storage.sha256(b'b')}"):
        storage.check_fingerprint(b"b", storage.sha256(b"a"), "t.csv")


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    (tmp_path / "t.csv").write_text("before")
    with pytest.raises(RuntimeError), storage.new_file(tmp_path / "t.csv") as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("t.csv", "before")]


def test_a_table_keeps_its_values_and_types(tmp_path):
    schema = {
        "number": Number(missing=True),
        "whole": Number(missing=True),
        "id": Integer(missing=False),
        "id with gaps": Integer(missing=True),
        "truth": Boolean(missing=False),
        "truth with gaps": Boolean(missing=True),
        "kind": Category(missing=True, values=["NA", "None", "1", "x"]),
        "note": Text(missing=True),
        "day": Date(missing=True),
        "moment": Date(missing=False),
    }
    big = 123456789012345678
    columns = {
        "number": [0.1 + 0.2, None, 1e300],
        "whole": [1, 2, None],
        "id": [big, big + 1, -(2**63)],
        "id with gaps": [big, None, 2**63 - 1],
        "truth": [True, False, True],
        "truth with gaps": [True, None, False],
        "kind": ["NA", "None", None],
        "note": ['a "quoted",\nnote', "a lone\rreturn", "00123"],
        "day": ["2024-12-31", None, "0001-01-01"],
        "moment": ["2024-12-31T23:59:59.000001", "2024-01-01", "9999-12-31"],
    }
    table = typed_table(columns, range(3), schema, InJson(), Findings())
    assert not table.empty
    storage.write_table(table, tmp_path / "t.csv")
    pd.testing.assert_frame_equal(storage.read_table(tmp_path / "t.csv", schema), table)
    assert {name: str(column.dtype) for name, column in table.items()} == {
        **dict.fromkeys(["number", "whole"], "float64"),
        **{"id": "int64", "id with gaps": "Int64", "truth": "bool", "truth with gaps": "boolean"},
        **dict.fromkeys(["kind", "note"], "str"),
        **dict.fromkeys(["day", "moment"], "datetime64[us]"),
    }
    assert all(table[name].dtype.storage == "python" for name in ("kind", "note"))


def test_whole_numbers_are_written_without_a_point():
    assert storage.as_csv(pd.DataFrame({"a": [1.0, None], "b": [1.0, 1.5]})) == b"a,b\n1,1.0\n,1.5\n"


@pytest.mark.parametrize("content", ["a\nx\n", "b\n1\n", ""])
def test_a_checked_table_that_was_changed_by_hand_is_refused(tmp_path, content):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(ProjectError, match="does not have the types of its schema"):
        storage.read_table(tmp_path / "t.csv", {"a": Number(missing=False), "b": Date(missing=True)})


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
