"""What is released is what was trained, for as long as the store keeps it; a pointer says which it is."""

import json
import multiprocessing
import os
import shutil
from pathlib import Path

import fsspec
import pytest
from conftest import as_format_1, write_params

from {{cookiecutter.project_slug}} import discovery
from {{cookiecutter.project_slug}}.core.model_folder import RECORD, open_folder
from {{cookiecutter.project_slug}}.core.record import FORMAT
from {{cookiecutter.project_slug}}.core.storage import sha256
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases import releasing, store
from {{cookiecutter.project_slug}}.releases.pointers import POINTER, read_pointer, write_pointer
from {{cookiecutter.project_slug}}.releases.record import Pointer
from {{cookiecutter.project_slug}}.serving.model_settings import MODEL_SETTINGS, model_settings
from {{cookiecutter.project_slug}}.settings import load_settings

STORE = "releases"


@pytest.fixture(autouse=True)
def settings(run):
    """The settings of the project whose models are released here."""
    write_params()


def current():
    return store.read_release(read_pointer(), STORE)


def stored(name: str) -> Path:
    """A file of the one release in the store."""
    (path,) = Path(STORE).glob(f"*/{name}")
    return path


def test_a_model_is_published_and_comes_back_whole(run, make_model):
    folder = make_model()
    before = {path: path.read_bytes() for path in folder.place.iterdir()}
    said = run("publish", "--note", "why not")
    assert "CI cannot read" in said
    assert {path: path.read_bytes() for path in folder.place.iterdir()} == before
    release = current()
    assert release.model.sha256 == folder.sha256 and release.format == FORMAT and release.policy is None
    assert release.note == "why not" and release.by and release.previous is None and release.data["sha256"]
    with store.fetched_model(release) as fetched:
        assert fetched.record == folder.record and fetched.sha256 == folder.sha256
    assert not fetched.place.exists()
    assert {path.name for path in stored("model").iterdir()} == {RECORD, MODEL_SETTINGS, *folder.record.files}
    assert stored(f"model/{MODEL_SETTINGS}").read_bytes() == model_settings(folder)
    assert release.model.sha256 in run("released")


def test_the_same_model_is_not_published_twice(run, make_model):
    make_model()
    run("publish")
    before = POINTER.read_bytes()
    assert "nothing to do" in run("publish")
    assert POINTER.read_bytes() == before and len(fsspec.filesystem("file").ls(STORE)) == 1


def test_a_rollback_points_at_the_release_before_and_no_further_than_the_first(run, make_model):
    first = make_model()
    run("publish")
    pointer = POINTER.read_bytes()
    make_model(rows=150)
    run("publish")
    assert first.sha256 not in run("released")
    assert "Back from" in run("rollback")
    assert POINTER.read_bytes() == pointer
    assert "is the first release" in run("rollback")
    assert POINTER.read_bytes() == pointer


def test_without_a_model_or_a_release_it_is_said_what_to_do(run):
    assert "train one first" in run("publish")
    waits = discovery.modules("after_version")  # from level 3 on, `serve` waits for the first release
    for command in ("rollback", "released", "deploy", "smoke-test", *([] if waits else ["serve"])):
        assert "Nothing is released yet" in run(command)


@pytest.mark.parametrize(
    "file", ["model/model.skops", "model/model-settings.json", "model/card.md", "model/model.json", "release.json"]
)
def test_what_was_changed_or_is_gone_after_the_release_is_noticed(run, make_model, file):
    make_model()
    run("publish")
    path = stored(file)
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    assert "was changed after its release" in run("released")
    path.unlink()
    assert "Error: " in (said := run("released")) and Path(file).name in said
    path.write_bytes(content)
    assert "sha256" in run("released")


@pytest.mark.parametrize("name", ["skops.py", "__init__.py", "settings.json", "pandas/__init__.py", ".writing-x"])
def test_what_somebody_put_beside_the_model_keeps_it_from_being_served(run, make_model, name):
    make_model()
    run("publish")
    path = stored("model") / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("raise SystemExit('theirs')")
    for command in ("released", "serve", "smoke-test"):
        assert "which its record does not list" in (said := run(command)) or "no plain files" in said


def test_settings_that_are_not_those_that_we_would_write_are_noticed(run, make_model):
    """They say what code is run, and Seldon takes them from the store."""
    folder = make_model()
    run("publish")
    path = stored(f"model/{MODEL_SETTINGS}")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"implementation": "theirs.Runtime"}))
    assert "was changed after its release" in run("released")
    path.write_bytes(model_settings(folder))
    assert "sha256" in run("released")


def test_no_link_in_the_store_is_followed(run, make_model, tmp_path):
    make_model()
    run("publish")
    for name in ("model/card.md", "model", "release.json", ""):
        path = stored("release.json").parent / name if name else stored("release.json").parent
        shutil.move(path, tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
        assert "link" in (said := run("released")) or "no plain files" in said, name
        path.unlink()
        shutil.move(tmp_path / "elsewhere", path)
    assert "sha256" in run("released")


@pytest.mark.parametrize(
    "record",
    [
        "elsewhere/20260101T000000000000Z-0123456789ab/release.json",
        "releases/../elsewhere/20260101T000000000000Z-0123456789ab/release.json",
        "releases/release.json",
        "releases/a name/release.json",
        "releases/20260101T000000000000Z-0123456789ab/model/release.json",
        "memory://releases/20260101T000000000000Z-0123456789ab/release.json",
        "webhdfs://elsewhere:1/releases/20260101T000000000000Z-0123456789ab/release.json",
        "releases/\u0662\u06600260101T000000000000Z-0123456789ab/release.json",
    ],
)
def test_a_pointer_at_another_place_than_the_store_is_refused(record):
    write_pointer(Pointer(record=record, sha256="0" * 64))
    with pytest.raises(ProjectError, match=r"is no release in releases, which state\.releases"):
        releasing.current_release(load_settings())


def test_a_record_that_would_never_end_is_not_waited_for(run, make_model):
    make_model()
    run("publish")
    path = stored("release.json")
    path.unlink()
    os.mkfifo(path)
    assert "no plain file" in run("released")


def test_a_record_whose_model_is_in_another_place_is_refused(run, make_model, tmp_path):
    make_model()
    run("publish")
    release, path = current(), stored("release.json")
    for uri in ("releases/../elsewhere/model", str(tmp_path), release.model.uri + "/"):
        moved = release.model_copy(update={"model": release.model.model_copy(update={"uri": uri})})
        path.write_bytes(moved.as_bytes())
        write_pointer(Pointer(record=str(path), sha256=sha256(moved.as_bytes())))
        assert "is the record of a release in another place" in run("released")


def test_a_forged_model_with_a_consistent_record_of_its_own_is_not_what_was_released(run, make_model):
    folder, forged = make_model(), make_model(rows=150)
    run("publish")  # the latest, which is the second
    for path in folder.place.iterdir():
        (stored("model") / path.name).write_bytes(path.read_bytes())
    (stored("model") / MODEL_SETTINGS).write_bytes(model_settings(folder))
    assert current().model.sha256 == forged.sha256 and "was changed after its release" in run("released")


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


def test_a_store_that_keeps_something_else_releases_nothing(run, make_model, monkeypatch):
    make_model()
    write = fsspec.implementations.local.LocalFileSystem.pipe_file
    monkeypatch.setattr(
        "fsspec.implementations.local.LocalFileSystem.pipe_file",
        lambda self, path, content: write(self, path, content[:-1]),
    )
    assert "was changed after its release" in run("publish") and read_pointer() is None


def test_any_address_of_fsspec_is_a_store(make_model):
    folder, there = make_model(), "memory://bucket/releases/"
    pointer = store.publish(folder, there, by="me", note="", previous=None)
    assert pointer.record.startswith("memory://bucket/releases/2")
    with store.fetched_model(store.read_release(pointer, there)) as fetched:
        assert fetched.record == folder.record
    assert not store.is_local(pointer.record) and store.is_local(STORE)


def test_a_store_that_has_moved_gets_what_is_released_anew(run, make_model):
    make_model()
    run("publish")
    write_params(state={"releases": "memory://moved"})
    assert "is no release in memory://moved" in run("released")
    assert "is released as memory://moved/" in run("publish")
    write_params(state={"releases": "elsewhere"})
    assert "is released as elsewhere/" in run("publish") and "sha256" in run("released")


def test_a_release_that_is_lost_keeps_no_other_from_being_made(run, make_model):
    make_model()
    run("publish")
    lost = read_pointer()
    stored("release.json").unlink()
    make_model(rows=150)
    assert "The release before cannot be read" in (said := run("publish")) and "is released as" in said
    assert current().previous == lost


def test_nobody_goes_back_to_a_model_that_is_gone(run, make_model):
    make_model()
    run("publish")
    stored("model/card.md").unlink()
    make_model(rows=150)
    run("publish")
    now = read_pointer()
    assert "card.md" in run("rollback") and read_pointer() == now


def test_releases_stay_readable_when_the_settings_are_generated_otherwise(run, make_model, monkeypatch):
    make_model()
    run("publish")
    monkeypatch.setattr(store, "model_settings", lambda folder: b"of a later version")
    assert "sha256" in run("released")


def test_a_store_of_an_unknown_kind_is_named():
    with pytest.raises(ProjectError, match="nosuch://x cannot be used"):
        store.is_local("nosuch://x")


@pytest.mark.parametrize("text", ["", "{", "record: x", "record: x\nsha256: y\nmore: z", "<<<<<<< HEAD"])
def test_a_pointer_that_makes_no_sense_is_named(tmp_path, text):
    (tmp_path / "release.yaml").write_text(text)
    with pytest.raises(ProjectError, match="does not point at a release"):
        read_pointer(tmp_path / "release.yaml")


@pytest.mark.parametrize(
    ("content", "message"), [(b"{}", "is not a release record"), (b'{"format": 9}', "up to date with `make upgrade`")]
)
def test_a_record_that_is_none_is_named(content, message):
    path = Path(STORE) / "20260101T000000000000Z-0123456789ab" / "release.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(ProjectError, match=message):
        store.read_release(Pointer(record=str(path), sha256=sha256(content)), STORE)


def test_a_pointer_is_read_as_it_was_written(tmp_path):
    pointer = Pointer(record="s3://bücket/a: b/release.json", sha256="0" * 64)
    write_pointer(pointer, tmp_path / "release.yaml")
    assert read_pointer(tmp_path / "release.yaml") == pointer
    assert read_pointer(tmp_path / "none.yaml") is None


def release_at_once(number: int, rows: int, folder: Path) -> str | None:
    """Release a model, or go back where there is no number of rows; what kept it from that."""
    try:
        if rows:
            releasing.release_model(open_folder(folder), load_settings(), str(number), read_pointer(), lambda _: None)
        else:
            releasing.roll_back(load_settings(), lambda _: None)
    except ProjectError as error:
        return str(error)
    return None


def test_of_releases_and_roll_backs_at_once_one_wins_and_the_others_say_so(run, make_model, tmp_path):
    places = {rows: shutil.copytree(make_model(rows=rows).place, tmp_path / str(rows)) for rows in (200, 180, 150)}
    for rows in (200, 180):
        release_at_once(0, rows, places[rows])
    first = current().previous
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        work = [(n, (150, 200, 0, 180)[n % 4], places[(150, 200, 150, 180)[n % 4]]) for n in range(12)]
        said = pool.starmap(release_at_once, work)
    lost = [one for one in said if one]
    assert all("Meanwhile" in one or "is the first release" in one for one in lost)
    chain, pointer = [], read_pointer()
    while pointer:
        chain.append(pointer)
        pointer = store.read_release(pointer, STORE).previous
    assert chain[-1] == first
    won = sum(not one for one, (_, rows, _) in zip(said, work, strict=True) if rows)
    assert won >= len(chain) - 2
    finished = {path.parent.name for path in Path(STORE).glob("*/release.json")}
    assert {path.name for path in Path(STORE).iterdir()} == finished  # who lost has written nothing


def old_release(folder, previous: Pointer | None = None) -> Pointer:
    """Release a model as projects did before there was a second format; the pointer at it."""
    old = as_format_1(folder)
    name = f"20260101T00000000000{bool(previous):d}Z-{old.sha256[:12]}"
    place = Path(STORE) / name / "model"
    shutil.copytree(old.place, place)
    model = {"uri": str(place), "sha256": old.sha256}
    model |= {"files": {path.name: sha256(path.read_bytes()) for path in sorted(place.iterdir())}}
    release = {
        "release": name,
        "published": "2026-01-01T00:00:00+00:00",
        "by": "somebody",
        "note": "old",
        "model": model,
    }
    release |= old.record.model_dump(include={"data", "code", "settings", "scores", "versions", "lock"})
    content = json.dumps(release | {"previous": previous and previous.model_dump()}).encode()
    (place.parent / "release.json").write_bytes(content)
    return Pointer(record=str(place.parent / "release.json"), sha256=sha256(content))


def test_releases_of_the_first_format_are_listed_served_and_rolled_back_to(run, make_model, monkeypatch):
    monkeypatch.setattr(store, "MOST_BYTES_OF_A_RECORD", 1)  # of which a model may have more
    write_pointer(first := old_release(make_model()))
    write_pointer(second := old_release(make_model(rows=180), previous=first))
    assert "20260101" in run("released")
    with store.fetched_model(current()) as folder:
        assert folder.record.format == 1 and not (folder.place / MODEL_SETTINGS).exists()
        settings = json.loads(model_settings(folder))
        assert settings["parameters"]["extra"]["sha256"] == folder.sha256 == current().model.sha256
    make_model(rows=150)
    assert "is released as" in run("publish") and current().previous == second
    assert "Back from" in run("rollback") and read_pointer() == second
    assert "Back from" in run("rollback") and read_pointer() == first
    (Path(current().model.uri) / "skops.py").write_text("")
    assert "does not hold the files of the release" in run("released")


def test_a_record_of_the_first_format_that_lists_code_is_refused(run, make_model):
    pointer = old_release(make_model())
    path = Path(pointer.record)
    release = json.loads(path.read_text())
    (path.parent / "model" / "skops.py").write_text("")
    release["model"]["files"]["skops.py"] = sha256(b"")
    path.write_text(json.dumps(release))
    write_pointer(Pointer(record=str(path), sha256=sha256(path.read_bytes())))
    assert "skops.py" in run("released")
