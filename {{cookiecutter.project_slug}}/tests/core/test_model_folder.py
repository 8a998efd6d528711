"""The folder of a model is exactly what its record lists: whatever else is in it keeps it from being read."""

import json
import os
import shutil
import zipfile

import pandas as pd
import pytest
from conftest import as_format_1

from {{cookiecutter.project_slug}}.core import model, model_file, model_folder
from {{cookiecutter.project_slug}}.core.model_folder import MODEL, RECORD, copy_files, open_folder
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.core.record import FORMAT, parse_record
from {{cookiecutter.project_slug}}.core.storage import sha256
from {{cookiecutter.project_slug}}.errors import ProjectError


@pytest.fixture
def folder(make_model):
    return make_model()


def rewrite(folder, **fields) -> None:
    """Write fields into the record's file, as somebody could who may write to it."""
    path = folder.place / RECORD
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | fields), "utf-8")


def test_the_digest_of_a_model_is_that_of_its_record_which_lists_all_files(folder):
    assert folder.sha256 == sha256((folder.place / RECORD).read_bytes())
    assert {path.name for path in folder.place.iterdir()} == {RECORD, *folder.record.files}
    assert open_folder(folder.place, folder.sha256) == folder and folder.record.format == FORMAT
    with pytest.raises(ProjectError, match="which it should be"):
        open_folder(folder.place, "0" * 64)


@pytest.mark.parametrize(
    "name",
    ["skops.py", "__init__.py", "settings.json", "model-settings.json", "x.so", "x.pkl", ".writing-1", "more.csv"],
)
def test_a_file_more_is_named(folder, name):
    (folder.place / name).write_bytes(b"")
    with pytest.raises(ProjectError, match=rf"holds \['{name}'\], which its record does not list"):
        open_folder(folder.place)


def test_folders_and_links_are_named(folder, tmp_path):
    (folder.place / "more").mkdir()
    with pytest.raises(ProjectError, match=r"\['more'\] in it are no plain files"):
        open_folder(folder.place)
    (folder.place / "more").rmdir()
    shutil.move(folder.place / "card.md", tmp_path / "card.md")
    (folder.place / "card.md").symlink_to(tmp_path / "card.md")
    with pytest.raises(ProjectError, match=r"\['card.md'\] in it are no plain files"):
        open_folder(folder.place)
    (tmp_path / "link").symlink_to(folder.place)
    with pytest.raises(ProjectError, match="is no folder of a model"):
        open_folder(tmp_path / "link")


def test_pipes_are_not_waited_for(folder):
    (folder.place / "card.md").unlink()
    os.mkfifo(folder.place / "card.md")
    with pytest.raises(ProjectError, match="no plain files"):
        open_folder(folder.place)


@pytest.mark.parametrize("name", [MODEL, "card.md", "example.csv"])
def test_a_file_that_was_changed_or_is_gone_is_named(folder, name):
    content = (folder.place / name).read_bytes()
    for other in (content + b" ", content[:-1], content[:-1] + b"!"):
        (folder.place / name).write_bytes(other)
        with pytest.raises(ProjectError, match=f"{name} is not the file that was written"):
            open_folder(folder.place)
    (folder.place / name).unlink()
    with pytest.raises(ProjectError, match=f"lacks .*{name}"):
        open_folder(folder.place)


@pytest.mark.parametrize(
    "name",
    ["../x.csv", "/etc/x.csv", "a/b.csv", "skops.py", "x", "settings.json", "model-settings.json", ".csv", "a\nb.csv"],
)
def test_a_record_that_lists_what_no_model_has_is_refused(folder, name):
    rewrite(folder, files={} | json.loads(folder.record.model_dump_json())["files"] | {name: {"sha256": "0" * 64}})
    with pytest.raises(ProjectError, match=r"lacks|A model has files of the kinds"):
        open_folder(folder.place)
    with pytest.raises(ProjectError, match="A model has files of the kinds"):
        model_folder.list_files(parse_record((folder.place / RECORD).read_bytes(), "x"), "x")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": FORMAT + 1}, "Bring the project up to date with `make upgrade`"),
        ({"format": "new"}, "Bring the project up to date"),
        ({"format": 1}, "a sha256 belongs to format 1 alone"),
        ({"sha256": "0" * 64}, "a sha256 belongs to format 1 alone"),
        ({"features": 5}, "features"),
    ],
)
def test_a_record_that_is_none_says_why(folder, fields, message):
    rewrite(folder, **fields)
    with pytest.raises(ProjectError, match=message):
        open_folder(folder.place)


def test_what_a_newer_project_adds_to_the_format_is_passed_over(folder):
    rewrite(folder, more="from later")
    assert open_folder(folder.place).record == folder.record


def test_sizes_are_looked_at_before_anything_is_read(folder, monkeypatch):
    monkeypatch.setattr(model_folder, "MOST_BYTES_OF_A_RECORD", 10)
    with pytest.raises(ProjectError, match="or a huge one"):
        open_folder(folder.place)
    monkeypatch.undo()
    monkeypatch.setattr(model_folder, "MOST_BYTES", 10)
    with pytest.raises(ProjectError, match="larger than"):
        open_folder(folder.place)


def test_a_model_file_that_grows_when_it_is_read_is_not_loaded(folder, tmp_path, monkeypatch):
    path = tmp_path / MODEL
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("1.npy", bytes(10_000_000))
    with pytest.raises(ProjectError, match="compressed"):
        model_file.load_model(path)
    inner = tmp_path / "inner.npz"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("data.npy", bytes(10_000_000))
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(inner, "1.npz")
    monkeypatch.setattr(model_file, "MOST_BYTES", 1_000_000)
    with pytest.raises(ProjectError, match="unpacked, it takes"):
        model_file.load_model(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(ProjectError, match="is no model file"):
        model_file.load_model(path)


def test_a_model_of_types_that_nobody_has_looked_at_is_not_loaded(folder, monkeypatch):
    monkeypatch.setattr(model, "TRUSTED", [])
    with pytest.raises(ProjectError, match=r'add to TRUSTED in core/model.py:\n    "numpy\.dtype",$'):
        folder.load()


def test_a_folder_of_the_first_format_is_read_and_answers_the_same(folder):
    rows, model = folder.example(), folder.load()
    old = as_format_1(folder)
    assert old.record.format == 1 and old.sha256 == sha256((old.place / MODEL).read_bytes())
    pd.testing.assert_frame_equal(predict(old.load(), old.example()), predict(model, rows))
    (old.place / "shap.png").write_bytes(b"")  # of an owner who draws more
    assert open_folder(old.place).record.format == 1
    (old.place / "skops.py").write_bytes(b"")
    with pytest.raises(ProjectError, match=r"holds \['skops.py'\]"):
        open_folder(old.place)
    (old.place / "skops.py").unlink()
    with (old.place / MODEL).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ProjectError, match="is not the file that was written"):
        open_folder(old.place)


def test_only_the_files_of_a_model_are_copied(folder, tmp_path):
    (tmp_path / "copy").mkdir()
    copy_files(folder, tmp_path / "copy")
    assert open_folder(tmp_path / "copy").sha256 == folder.sha256


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{}", b"[]", b"nothing", b'{"format": "' + b"x" * 10**6 + b'"}'])
def test_what_is_wrong_with_a_record_is_said_in_one_short_sentence(folder, content):
    (folder.place / RECORD).write_bytes(content)
    with pytest.raises(ProjectError, match="is not the record of a model") as error:
        open_folder(folder.place)
    assert len(str(error.value)) < 1000
    with pytest.raises(ProjectError, match="which it should be"):  # before it is looked into
        open_folder(folder.place, folder.sha256)


def test_what_is_named_by_others_moves_no_cursor(folder):
    (folder.place / "\x1b[2J\r.csv").write_bytes(b"")
    with pytest.raises(ProjectError, match=r"holds ") as error:
        open_folder(folder.place)
    assert "\x1b" not in str(error.value) and "\x1b" not in str(ProjectError("a \x1b[2J b"))
