"""The store of releases: any address that fsspec writes. One folder per release, written once, read with its digests.

<store>/<release>/model/         the folder of the model, as MLServer loads it
<store>/<release>/release.json   the record, written last: without it the release does not exist
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from .. import __name__ as package
from ..core.storage import MODEL, RECORD, sha256
from ..errors import ProjectError
from .record import Pointer, Release, ReleasedModel, parse_release


@contextmanager
def reaching(uri: str) -> Iterator[None]:
    """Say as a ProjectError what keeps the store from being read or written."""
    try:
        yield
    except Exception as error:  # each kind of store has errors of its own: no such bucket, missing credentials
        hint = " (`uv add s3fs` for s3://, `uv add gcsfs` for gs://)" if isinstance(error, ImportError) else ""
        raise ProjectError(f"{uri} cannot be used: {type(error).__name__}: {error}{hint}") from None


def is_local(uri: str) -> bool:
    """Whether this address is a folder of this machine, which no other machine can read."""
    with reaching(uri):
        return isinstance(fsspec.core.url_to_fs(uri)[0], LocalFileSystem)


def write_new(uri: str, content: bytes) -> None:
    """Write a file that was not there, and read it back. Raises ProjectError where it was, or came out different."""
    with reaching(uri):
        filesystem, path = fsspec.core.url_to_fs(uri)
        if filesystem.exists(path):
            raise FileExistsError("it is there already, and a release is never written over")
        filesystem.makedirs(filesystem._parent(path), exist_ok=True)
        filesystem.pipe_file(path, content)
        written = filesystem.cat_file(path)
    if written != content:
        raise ProjectError(f"{uri} does not hold what was written to it: the store is broken. Nothing was released.")


def read(uri: str, digest: str) -> bytes:
    """The file with this fingerprint. Raises ProjectError where it is gone or another."""
    with reaching(uri):
        filesystem, path = fsspec.core.url_to_fs(uri)
        content: bytes = filesystem.cat_file(path)
    if sha256(content) != digest:
        raise ProjectError(f"{uri} was changed after its release: it is {sha256(content)}, not {digest}.")
    return content


def publish(place: Path, store: str, by: str, note: str, previous: Pointer | None) -> Pointer:
    """Copy the model in this folder to the store, and write its record; where that is.

    by: who releases it. previous: the release that it replaces.
    """
    made = json.loads((place / RECORD).read_text(encoding="utf-8"))
    now = datetime.now(UTC)
    name = f"{now:%Y%m%dT%H%M%S%fZ}-{made['sha256'][:12]}"
    folder = f"{store.rstrip('/')}/{name}"
    files = {path.name: path.read_bytes() for path in sorted(place.iterdir())}
    for file, content in files.items():
        write_new(f"{folder}/model/{file}", content)
    release = Release(
        release=name,
        published=now.isoformat(timespec="seconds"),
        by=by,
        note=note,
        model=ReleasedModel(
            uri=f"{folder}/model",
            sha256=made["sha256"],
            files={file: sha256(content) for file, content in files.items()},
        ),
        previous=previous,
        **{key: made[key] for key in ("data", "code", "settings", "scores", "versions", "lock")},
    )
    content = release.as_bytes()
    write_new(f"{folder}/release.json", content)
    return Pointer(record=f"{folder}/release.json", sha256=sha256(content))


def read_release(pointer: Pointer) -> Release:
    """The record that is pointed at. Raises ProjectError where it is gone, changed or none."""
    return parse_release(read(pointer.record, pointer.sha256), pointer.record)


def read_model_files(release: Release) -> dict[str, bytes]:
    """The files of a released model by name. Raises ProjectError where one is gone, changed or of a strange name."""
    files: dict[str, Any] = release.model.files
    if strange := [name for name in files if PurePosixPath(name).name != name]:
        raise ProjectError(f"The record of {release.release} names files outside its folder: {strange}.")
    if files.get(MODEL) != release.model.sha256:
        raise ProjectError(f"The record of {release.release} contradicts itself about {MODEL}.")
    return {name: read(f"{release.model.uri}/{name}", digest) for name, digest in files.items()}


@contextmanager
def fetched_model(release: Release) -> Iterator[Path]:
    """The folder of a released model on this machine, for as long as it is needed."""
    files = read_model_files(release)
    with TemporaryDirectory(prefix=f"{release.release}-") as folder:
        place = Path(folder) / package  # MLServer wants a model in a folder of its name
        place.mkdir()
        for name, content in files.items():
            (place / name).write_bytes(content)
        yield place
