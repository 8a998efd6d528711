"""What is released is what was trained, for as long as the store keeps it; a pointer says which it is."""

import fsspec
import pytest
from conftest import write_params

from {{cookiecutter.project_slug}}.core import storage
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases import store
from {{cookiecutter.project_slug}}.releases.record import POINTER, Pointer, read_pointer, write_pointer


@pytest.fixture(autouse=True)
def settings(run):
    """The settings of the project whose models are released here."""
    write_params()


def test_a_model_is_published_and_comes_back_whole(run, make_model):
    place = make_model()
    assert "CI cannot read" in run("publish", "--note", "why not")
    release = store.read_release(read_pointer())
    assert release.model.sha256 == storage.read_model(place)[1]["sha256"]
    assert release.note == "why not" and release.by and release.previous is None and release.data["sha256"]
    with store.fetched_model(release) as fetched:
        assert {path.name: path.read_bytes() for path in fetched.iterdir()} == {
            path.name: path.read_bytes() for path in place.iterdir()
        }
        assert "model-settings.json" in release.model.files
    assert not fetched.exists()
    assert release.model.sha256 in run("released")


def test_the_same_model_is_not_published_twice(run, make_model):
    make_model()
    run("publish")
    before = POINTER.read_bytes()
    assert "nothing to do" in run("publish")
    assert POINTER.read_bytes() == before and len(fsspec.filesystem("file").ls("releases")) == 1


def test_a_rollback_points_at_the_release_before_and_no_further_than_the_first(run, make_model):
    first = make_model()
    run("publish")
    pointer = POINTER.read_bytes()
    make_model(rows=150)
    run("publish")
    assert storage.read_model(first)[1]["sha256"] not in run("released")
    assert "Back from" in run("rollback")
    assert POINTER.read_bytes() == pointer
    assert "is the first release" in run("rollback")
    assert POINTER.read_bytes() == pointer


def test_without_a_model_or_a_release_it_is_said_what_to_do(run):
    assert "train one first" in run("publish")
    for command in ("rollback", "released", "serve", "deploy", "smoke-test"):
        assert "Nothing is released yet" in run(command)


@pytest.mark.parametrize("file", ["model/model.skops", "model/model-settings.json", "model/card.md", "release.json"])
def test_what_was_changed_or_is_gone_after_the_release_is_noticed(run, make_model, tmp_path, file):
    make_model()
    run("publish")
    (path,) = (tmp_path / "releases").glob(f"*/{file}")
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    assert "was changed after its release" in run("released")
    path.unlink()
    assert "cannot be used: FileNotFoundError" in run("released")
    path.write_bytes(content)
    assert "sha256" in run("released")


def test_a_record_that_contradicts_itself_or_leaves_its_folder_is_refused(run, make_model):
    make_model()
    run("publish")
    release = store.read_release(read_pointer())
    for files, message in [
        (release.model.files | {"../../evil": "0"}, "names files outside"),
        (release.model.files | {"model.skops": "0"}, "contradicts itself"),
    ]:
        bad = release.model_copy(update={"model": release.model.model_copy(update={"files": files})})
        with pytest.raises(ProjectError, match=message):
            store.read_model_files(bad)


def test_a_store_that_fails_halfway_releases_nothing(run, make_model, monkeypatch):
    make_model()
    run("publish")
    before = POINTER.read_bytes()
    make_model(rows=150)
    real = store.write_new

    def full(uri, content):
        if uri.endswith("release.json"):
            raise ProjectError("the store is full")
        real(uri, content)

    monkeypatch.setattr(store, "write_new", full)
    assert "the store is full" in run("publish")
    assert POINTER.read_bytes() == before and "sha256" in run("released")


def test_nothing_in_the_store_is_written_over(tmp_path):
    store.write_new(str(tmp_path / "a/b"), b"1")
    with pytest.raises(ProjectError, match="is there already"):
        store.write_new(str(tmp_path / "a/b"), b"2")
    assert (tmp_path / "a/b").read_bytes() == b"1"


def test_a_store_that_keeps_something_else_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.cat_file", lambda *_: b"other")
    with pytest.raises(ProjectError, match="does not hold what was written"):
        store.write_new(str(tmp_path / "a"), b"1")


def test_any_address_of_fsspec_is_a_store(make_model):
    place = make_model()
    pointer = store.publish(place, "memory://bucket/releases/", by="me", note="", previous=None)
    assert pointer.record.startswith("memory://bucket/releases/2")
    with store.fetched_model(store.read_release(pointer)) as fetched:
        assert storage.read_model(fetched)[1] == storage.read_model(place)[1]
    assert not store.is_local(pointer.record) and store.is_local("releases")


def test_a_store_of_an_unknown_kind_is_named():
    with pytest.raises(ProjectError, match="nosuch://x cannot be used"):
        store.is_local("nosuch://x")


@pytest.mark.parametrize("text", ["", "{", "record: x", "record: x\nsha256: y\nmore: z", "<<<<<<< HEAD"])
def test_a_pointer_that_makes_no_sense_is_named(tmp_path, text):
    (tmp_path / "release.yaml").write_text(text)
    with pytest.raises(ProjectError, match="does not point at a release"):
        read_pointer(tmp_path / "release.yaml")


def test_a_record_that_is_none_is_named(tmp_path):
    (tmp_path / "release.json").write_bytes(b"{}")
    with pytest.raises(ProjectError, match="is not a release record"):
        store.read_release(Pointer(record=str(tmp_path / "release.json"), sha256=storage.sha256(b"{}")))


def test_a_pointer_is_read_as_it_was_written(tmp_path):
    pointer = Pointer(record="s3://bücket/a: b/release.json", sha256="0" * 64)
    write_pointer(pointer, tmp_path / "release.yaml")
    assert read_pointer(tmp_path / "release.yaml") == pointer
    assert read_pointer(tmp_path / "none.yaml") is None
