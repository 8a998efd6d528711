"""Labels from an address that is looked at again and again."""

from collections.abc import Callable, Collection

import fsspec

from ..core.schema import Schema
from ..core.schema_file import read_schema
from ..core.storage import fetch, saying, sha256
from ..core.tables import SCHEMA
from ..errors import ProjectError
from ..settings import Settings
from .labels import Delivery, Taken, examine, keep
from .parts import ENDING, Parts
from .policy import Policy

DIGITS = 32  # of the digest of a file in the name of the part that holds it


def known_schema() -> Schema:
    """The schema of the table that the model has learned from. Raises ProjectError where there is none."""
    schema = read_schema(SCHEMA)
    if schema is None:
        raise ProjectError(f"{SCHEMA}, which says what a label may be, is not there yet: fetch the data first.")
    return schema


def take_all(address: str, settings: Settings, policy: Policy, tell: Callable[[str], None]) -> None:
    """Take the labels in a file, or in each file of a folder. tell: called with what became of each.

    Raises ProjectError in the end where one could not be taken; the others are.
    """
    schema, to, failed = known_schema(), Parts(settings.state.labels), 0
    files, before = files_at(address), to.names()
    if not files:
        tell(f"There are no tables in {address}.")
    for name in files:
        try:
            content = fetch(name, settings.data.max_megabytes)
            tell(f"{name}: {take(content, name, to, before, settings, schema, policy)}")
        except ProjectError as error:
            tell(f"{name}: {error}")
            failed += 1
    if failed:
        raise ProjectError(f"{failed} of {len(files)} tables of labels could not be taken: see above.")


def take(
    content: bytes, name: str, to: Parts, before: Collection[str], settings: Settings, schema: Schema, policy: Policy
) -> Taken:
    """Keep the labels in a file, unless they came before; what became of its rows.

    before: the names of all that has come. Raises ProjectError, and keeps nothing, where the file is no such table.
    """
    part = sha256(content)[:DIGITS]
    if part + ENDING in before:
        return Taken(before=True)
    taken, labels = examine(Delivery.from_file(content, name, settings), settings, schema, policy)
    keep(labels, part, to)
    return taken


def files_at(address: str) -> list[str]:
    """The address itself, or those of the files in the folder that it is, in the order of their names."""
    with saying(f"{address} cannot be read"):
        filesystem, path = fsspec.core.url_to_fs(address)
        filesystem.invalidate_cache()
        if not filesystem.isdir(path):
            return [address]
        entries = filesystem.ls(path, detail=True)
    names = [one["name"].rpartition("/")[2] for one in entries if one["type"] == "file"]
    return [f"{address.rstrip('/')}/{name}" for name in sorted(names) if not name.startswith(".")]
