"""The folder of a model: exactly the files that its record lists, none of which runs code, and nothing else.

That holds wherever a model is kept, logged, fetched, published, read or served. Whoever may write to one of these
places can keep a model from being read there, but cannot put another one, or code, in its place.
"""

import hashlib
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from ..errors import ProjectError, shortened
from .model_file import MOST_BYTES, load_model
from .record import File, Record, parse_record
from .storage import read_table, sha256

MODEL, RECORD, EXAMPLE = "model.skops", "model.json", "example.csv"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
INERT = {".skops", ".json", ".csv", ".md", ".png"}  # what no program runs
RESERVED = {RECORD, "settings.json", "model-settings.json"}  # the last two tell MLServer what to do
MOST_BYTES_OF_A_RECORD = 20_000_000


@dataclass(frozen=True)
class ModelFolder:
    """A folder that was looked at and is what it should be. sha256: the digest of the model, see `Record`."""

    place: Path
    record: Record
    sha256: str

    def load(self) -> Any:
        """The fitted model. Raises ProjectError where it cannot be loaded."""
        return load_model(self.place / MODEL)

    def example(self) -> pd.DataFrame:
        """Some rows that the model has not learned from."""
        return read_table(self.place / EXAMPLE, self.record.features)


def complete(place: Path, record: Record, files: Mapping[str, bytes]) -> ModelFolder:
    """Put these files, by name, and the record that lists all of them beside the model that is in this folder."""
    for name, content in files.items():
        (place / name).write_bytes(content)
    listed = {path.name: File(sha256=digest_of(path), bytes=path.stat().st_size) for path in sorted(place.iterdir())}
    (place / RECORD).write_bytes(record.model_copy(update={"files": listed}).as_bytes())
    return open_folder(place)


def open_folder(
    place: Path,
    expected: str | None = None,
    beside: Collection[str] = (),
    where: str | None = None,
    old: bool = False,
) -> ModelFolder:
    """The folder of a model. Raises ProjectError where it is not, to the last byte and file, what its record says.

    expected: the digest that the model must have. beside: files that may be there too. where: what errors call the
    folder, if it is a copy. old: whether the digest is one of format 1, which says nothing of the record.
    """
    where = where or str(place)
    if place.is_symlink() or not place.is_dir():
        raise ProjectError(f"{where} is no folder of a model.")
    found = {path.name: path for path in place.iterdir()}
    if odd := sorted(name for name, path in found.items() if path.is_symlink() or not path.is_file()):
        raise ProjectError(f"{where} is not read: {odd} in it are no plain files.")
    if RECORD not in found or found[RECORD].stat().st_size > MOST_BYTES_OF_A_RECORD:
        raise ProjectError(f"{where} is no folder of a model: there is no {RECORD} in it, or a huge one.")
    content = found[RECORD].read_bytes()
    digest = sha256(content)
    if not old and expected not in (None, digest):  # before anything is made of what somebody else may have written
        raise other_model(where, digest, expected)
    record = parse_record(content, f"{where}/{RECORD}")
    check_names(found, record, where, beside)
    for name, file in list_files(record, where).items():
        if file.bytes not in (None, found[name].stat().st_size) or digest_of(found[name]) != file.sha256:
            raise ProjectError(f"{where}/{name} is not the file that was written with its record. Get the model anew.")
    digest = record.sha256 or digest
    if expected not in (None, digest):
        raise other_model(where, digest, expected)
    return ModelFolder(place, record, digest)


def other_model(where: str, digest: str, expected: str | None) -> ProjectError:
    """The error that a folder holds another model than it should."""
    return ProjectError(f"The model in {where} is {digest}, and not {expected}, which it should be.")


def list_files(record: Record, where: str) -> dict[str, File]:
    """The files of a model by name. Raises ProjectError where the record lists what no model has."""
    if record.sha256 is not None:  # format 1
        return {MODEL: File(sha256=record.sha256)}
    if strange := sorted(name for name in record.files if not is_inert(name)):
        raise ProjectError(
            f"The record of {where} lists {shortened(repr(strange), 300)}. A model has files of the kinds "
            f"{sorted(INERT)} alone."
        )
    if sum(file.bytes or 0 for file in record.files.values()) > MOST_BYTES:
        raise ProjectError(f"{where} is not read: its files are larger than {MOST_BYTES / 1e9:g} GB (MOST_BYTES).")
    return record.files


def is_inert(name: str) -> bool:
    """Whether the record of a model may list a file of this name."""
    return NAME.fullmatch(name) is not None and PurePosixPath(name).suffix in INERT and name not in RESERVED


def check_names(found: Collection[str], record: Record, where: str, beside: Collection[str] = ()) -> None:
    """Raise ProjectError where the names that were found in a folder are not those that its record lists."""
    needed = {MODEL, EXAMPLE, *record.files}
    allowed = {RECORD, *record.files, *beside}
    if record.format == 1:  # whose record does not list the files
        allowed |= {"model-settings.json", *filter(is_inert, found)}
    if absent := sorted(needed - set(found)):
        raise ProjectError(f"{where} lacks {absent}: it is no whole folder of a model.")
    if more := sorted(set(found) - allowed):
        raise ProjectError(
            f"{where} holds {shortened(repr(more), 300)}, which its record does not list. Look at who put that there, "
            "and remove it."
        )


def digest_of(path: Path) -> str:
    """The fingerprint of a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def copy_files(folder: ModelFolder, to: Path) -> None:
    """Copy the files of a model, and nothing else, into a folder that is there."""
    names = (
        {RECORD, *folder.record.files} if folder.record.format > 1 else {path.name for path in folder.place.iterdir()}
    )
    for name in names:
        shutil.copyfile(folder.place / name, to / name)
