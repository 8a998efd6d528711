"""Labels from an address that is looked at again and again."""

from collections.abc import Callable

import fsspec

from ..core.schema import Schema
from ..core.schema_file import read_schema
from ..core.storage import fetch, saying
from ..core.tables import SCHEMA
from ..errors import ProjectError
from ..settings import Settings
from .labels import from_file, take
from .parts import Parts
from .policy import Policy


def known_schema() -> Schema:
    """The schema of the table that the model has learned from. Raises ProjectError where there is none."""
    schema = read_schema(SCHEMA)
    if schema is None:
        raise ProjectError(
            f"{SCHEMA} is not there yet, which says what a label may be: fetch the data first, with `data`."
        )
    return schema


def take_all(address: str, settings: Settings, policy: Policy, tell: Callable[[str], None]) -> None:
    """Take the labels in a file, or in each file of a folder. tell: called with what became of each.

    Raises ProjectError in the end where one could not be taken; the others are.
    """
    schema, to, failed = known_schema(), Parts(settings.state.labels), 0
    files = files_at(address)
    if not files:
        tell(f"There are no tables in {address}.")
    for name in files:
        try:
            content = fetch(name, settings.data.max_megabytes)
            taken = take(from_file(content, name, settings), to, settings, schema, policy)
            tell(f"{name}: {taken}")
        except ProjectError as error:
            tell(f"{name}: {error}")
            failed += 1
    if failed:
        raise ProjectError(f"{failed} of {len(files)} tables of labels could not be taken: see above.")


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
