"""The store of releases: any address that fsspec writes. One folder per release, written once, read with its digests.

<store>/<release>/model/         the folder of the model, as MLServer loads it
<store>/<release>/release.json   the record, written last: without it the release does not exist
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ..core.model_file import MOST_BYTES
from ..core.model_folder import (
    MOST_BYTES_OF_A_RECORD,
    RECORD,
    ModelFolder,
    check_names,
    list_files,
    open_folder,
)
from ..core.record import File, parse_record
from ..core.storage import sha256
from ..errors import ProjectError
from ..serving.model_settings import MODEL_SETTINGS, model_settings
from .record import Check, Pointer, Policy, Release, ReleasedModel, parse_release

RELEASE = "release.json"
NAME = re.compile("[0-9]{8}T[0-9]{12}Z-[0-9a-f]{12}")


@contextmanager
def reaching(uri: str) -> Iterator[None]:
    """Say as a ProjectError what keeps the store from being read or written."""
    try:
        yield
    except ProjectError:
        raise
    except Exception as error:  # each kind of store has errors of its own: no such bucket, missing credentials
        hint = " (`uv add s3fs` for s3://, `uv add gcsfs` for gs://)" if isinstance(error, ImportError) else ""
        raise ProjectError(f"{uri} cannot be used: {type(error).__name__}: {error}{hint}") from None


def is_local(uri: str) -> bool:
    """Whether this address is a folder of this machine, which no other machine can read."""
    with reaching(uri):
        return isinstance(fsspec.core.url_to_fs(uri)[0], LocalFileSystem)


def write_new(uri: str, content: bytes) -> None:
    """Write a file that was not there. Raises ProjectError where it was."""
    with reaching(uri):
        filesystem, path = fsspec.core.url_to_fs(uri)
        if filesystem.exists(path):
            raise FileExistsError("it is there already, and a release is never written over")
        filesystem.makedirs(filesystem._parent(path), exist_ok=True)
        filesystem.pipe_file(path, content)


def names_in(uri: str) -> set[str]:
    """The names of the files in a folder. Raises ProjectError where one is a link or a folder: none is followed."""
    with reaching(uri):
        filesystem, path = fsspec.core.url_to_fs(uri)
        filesystem.invalidate_cache()
        entries = [entry for entry in filesystem.ls(path, detail=True) if entry["name"].rstrip("/") != path.rstrip("/")]
    odd = [entry["name"] for entry in entries if entry["type"] != "file" or entry.get("islink")]
    if odd:
        raise ProjectError(f"{uri} is not read: {sorted(map(posixpath.basename, odd))} in it are no plain files.")
    return {posixpath.basename(entry["name"]) for entry in entries}


def read(uri: str, digest: str, most: int = MOST_BYTES_OF_A_RECORD) -> bytes:
    """The file with this fingerprint. most: its size, at most. Raises ProjectError where it is gone or another."""
    with reaching(uri):
        filesystem, path = fsspec.core.url_to_fs(uri)
        with filesystem.open(path, "rb") as source:
            content: bytes = source.read(most + 1)
    if sha256(content) != digest:
        raise ProjectError(
            f"{uri} was changed after its release: it is not the content with the fingerprint {digest}. Go back to the "
            "release before, or release anew."
        )
    return content


def folder_of(record: str, store: str) -> str:
    """The folder of the release whose record is here. Raises ProjectError where that is no release of this store.

    Told by the address alone: nobody is asked for what stands elsewhere.
    """
    folder, _, file = record.rpartition("/")
    above, _, name = folder.rpartition("/")
    if above != store.rstrip("/") or not NAME.fullmatch(name) or file != RELEASE:
        raise ProjectError(
            f"{record} is no release in {store}, which state.releases in params.yaml names. Set it back to where that "
            "is, or release a model there."
        )
    check_plain(folder)
    return folder


def check_plain(folder: str) -> None:
    """Raise ProjectError where the folder of a release on this machine is or holds a link, or the record is no file."""
    filesystem, path = fsspec.core.url_to_fs(folder)
    if isinstance(filesystem, LocalFileSystem):
        for place in (Path(path), *Path(path).iterdir()) if Path(path).is_dir() else ():
            if place.is_symlink() or (place.name == RELEASE and not place.is_file()):
                raise ProjectError(f"{place} is a link or no plain file, which is not followed in a store of releases.")


def publish(
    folder: ModelFolder,
    store: str,
    by: str,
    note: str,
    previous: Pointer | None,
    checks: Sequence[Check] = (),
    policy: Policy | None = None,
) -> Pointer:
    """Copy a model to the store, write its record, and read back all of it; where the record is.

    by: who or what releases it, by which policy. previous: the release that it replaces. checks: what it was held
    against.
    """
    now, made = datetime.now(UTC), folder.record
    name = f"{now:%Y%m%dT%H%M%S%fZ}-{folder.sha256[:12]}"
    place = f"{store.rstrip('/')}/{name}"
    for file in [*sorted(made.files), RECORD]:
        write_new(f"{place}/model/{file}", (folder.place / file).read_bytes())
    settings = model_settings(folder)
    write_new(f"{place}/model/{MODEL_SETTINGS}", settings)
    release = Release(
        release=name,
        published=now.isoformat(timespec="seconds"),
        by=by,
        note=note,
        policy=policy,
        checks=tuple(checks),
        model=ReleasedModel(uri=f"{place}/model", sha256=folder.sha256, settings_sha256=sha256(settings)),
        previous=previous,
        **made.model_dump(include={"data", "code", "settings", "scores", "spread", "baseline", "versions", "lock"}),
    )
    content = release.as_bytes()
    write_new(f"{place}/{RELEASE}", content)
    pointer = Pointer(record=f"{place}/{RELEASE}", sha256=sha256(content))
    with fetched_model(read_release(pointer, store)):
        return pointer


def read_release(pointer: Pointer, store: str) -> Release:
    """The record that is pointed at. Raises ProjectError where it is gone, changed, none, or not of this store."""
    folder = folder_of(pointer.record, store)
    release = parse_release(read(pointer.record, pointer.sha256), pointer.record)
    if release.model.uri != f"{folder}/model" or release.release != posixpath.basename(folder):
        raise ProjectError(f"{pointer.record} is the record of a release in another place: {release.model.uri}.")
    return release


@contextmanager
def fetched_model(release: Release) -> Iterator[ModelFolder]:
    """A released model on this machine, for as long as it is needed.

    Raises ProjectError where the store does not hold exactly what was released. MLServer's settings, which Seldon takes
    from there, are looked at and left there: whoever serves the model makes them anew.
    """
    uri, model = release.model.uri, release.model
    found = names_in(uri)
    if RECORD not in found:
        raise ProjectError(f"{uri}/{RECORD} is gone from the store.")
    if model.settings_sha256:
        read(f"{uri}/{MODEL_SETTINGS}", model.settings_sha256)
    with TemporaryDirectory(prefix="model-") as folder:
        for name, file in files_of(release, found).items():
            most = MOST_BYTES if file.bytes is None else file.bytes
            (Path(folder) / name).write_bytes(read(f"{uri}/{name}", file.sha256, most))
        yield open_folder(Path(folder), model.sha256, where=uri, old=model.files is not None)


def files_of(release: Release, found: set[str]) -> dict[str, File]:
    """The files to fetch of a released model, by name. Raises ProjectError where the store holds others.

    found: the names in the model's folder of the store.
    """
    where, files = release.model.uri, release.model.files
    if files is not None:  # format 1, whose release lists them
        if found != set(files):
            raise ProjectError(f"{where} does not hold the files of the release: {sorted(files)}.")
        return {name: File(sha256=digest) for name, digest in files.items() if name != MODEL_SETTINGS}
    content = read(f"{where}/{RECORD}", release.model.sha256)
    record = parse_record(content, f"{where}/{RECORD}")
    check_names(found - {MODEL_SETTINGS}, record, where)
    return list_files(record, where) | {RECORD: File(sha256=release.model.sha256, bytes=len(content))}
