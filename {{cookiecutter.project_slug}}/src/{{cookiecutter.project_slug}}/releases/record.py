"""The release record, and the pointer at the one that is to run.

A record is written once and never changed. The pointer is a file of the project, under version control: whoever has a
commit has the model that belongs to it.
"""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ..core.storage import new_file
from ..errors import ProjectError

POINTER = Path("deploy/release.yaml")
ABOUT = "# The release that is to run. `publish` and `rollback` write this; commit it, and CI deploys it.\n"


class Fixed(BaseModel):
    """Something that is read as it was written: no name is left out or added, nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Pointer(Fixed):
    """Where a release record is, and the fingerprint of its content."""

    record: str
    sha256: str


class ReleasedModel(Fixed):
    """The folder of a model, the fingerprint of the model and those of all files in the folder."""

    uri: str
    sha256: str
    files: dict[str, str]


class Release(Fixed):
    """A model that was released: what it is, what made it, how good it is, who released it and what it replaces."""

    release: str
    published: str
    by: str
    note: str
    model: ReleasedModel
    data: dict[str, Any]
    code: dict[str, Any]
    settings: dict[str, Any]
    scores: dict[str, float]
    versions: dict[str, str]
    lock: str | None
    previous: Pointer | None

    def as_bytes(self) -> bytes:
        """The content of the record's file."""
        return (json.dumps(self.model_dump(), indent=2, ensure_ascii=False) + "\n").encode()


def parse_release(content: bytes, where: str) -> Release:
    """The record in these bytes. Raises ProjectError where they are none."""
    try:
        return Release.model_validate_json(content)
    except ValidationError as error:
        raise ProjectError(f"{where} is not a release record: {error}") from None


def read_pointer(path: Path = POINTER) -> Pointer | None:
    """What the project's pointer says; None before the first release. Raises ProjectError where it makes no sense."""
    if not path.exists():
        return None
    try:
        return Pointer.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        raise ProjectError(f"{path} does not point at a release: {error}\nRestore it from version control.") from None


def write_pointer(pointer: Pointer, path: Path = POINTER) -> None:
    """Point the project at another release."""
    with new_file(path) as unfinished:
        text = yaml.safe_dump(pointer.model_dump(), sort_keys=False, allow_unicode=True, width=10_000)
        unfinished.write_text(ABOUT + text, encoding="utf-8", newline="\n")
