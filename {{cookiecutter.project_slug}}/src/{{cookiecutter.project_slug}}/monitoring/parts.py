"""Tables kept as part-files of Parquet, in a folder for each day: added to by many at once, read while that goes on.

<address>/<day>/<name>.parquet   written once, whole, under a name that nobody else gives

Nothing is appended to, as stores of objects cannot. Many small parts become one that names in its metadata those whose
place it takes: so whoever reads sees either them or it, and the others can be removed later, when nobody reads them.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from posixpath import basename
from typing import Any
from uuid import uuid4

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from ..core.storage import delivered, saying

MOMENT = pa.timestamp("us", tz="UTC")
ENDING, MERGED = ".parquet", ".merged.parquet"
# In the metadata of a merged part: the parts whose place it takes, and under which names what is in it was added.
REPLACES, NAMES = b"replaces", b"names"
STAMP = "%Y%m%dT%H%M%S%fZ"  # how the name of a merged part begins, so that the earlier one comes first

logger = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class Part:
    """One file: the day in whose folder it is, its name and its size in bytes."""

    day: date
    name: str
    bytes: int


class Parts:
    """All parts at an address. Each method asks the store anew, as others write there, too."""

    def __init__(self, address: str) -> None:
        """address: a folder, or any address that fsspec writes."""
        self.address = address.rstrip("/")
        with saying(f"{address} cannot be used"):
            self._filesystem, self._root = fsspec.core.url_to_fs(self.address)

    def days(self) -> list[date]:
        """The days of which there is anything, the oldest first."""
        days = (as_day(name) for name, kind, _ in self._list("") if kind == "directory")
        return sorted(day for day in days if day)

    def between(self, first: date, last: date) -> Iterator[Part]:
        """The parts that count of these days, both included."""
        for day in self.days():
            if first <= day <= last:
                yield from self.of(day)

    def of(self, day: date) -> list[Part]:
        """The parts that count of a day: not those whose place another one has taken."""
        parts = self.files(day)
        gone = self._replaced(parts)
        return [part for part in parts if part.name not in gone]

    def files(self, day: date) -> list[Part]:
        """All parts that are there of a day, in the order of their names."""
        listed = self._list(day.isoformat())
        return sorted(Part(day, name, size) for name, kind, size in listed if kind == "file" and name.endswith(ENDING))

    def names(self) -> set[str]:
        """The names of all that was added, but for days that were removed: also of what was merged since."""
        parts = [part for day in self.days() for part in self.files(day)]
        return set().union(*map(self._names, parts))

    def add(self, day: date, name: str, table: pa.Table) -> None:
        """Write a part, whole. name: without its ending; a second one of this name takes the place of the first."""
        self._write(day, name + ENDING, [table], {})

    def open(self, part: Part) -> pq.ParquetFile | None:
        """A part to read from; None, and a line in the log, where a disk or a person has spoiled it.

        Raises ProjectError where it cannot be reached, or has been removed since it was listed.
        """
        return self._read(part, lambda file: file)

    def read(self, part: Part, columns: Sequence[str] | None = None) -> pa.Table | None:
        """The table in a part; None where it is spoiled. columns: only these."""
        return self._read(part, lambda file: file.read(columns=columns))

    def replace(self, parts: Sequence[Part], tables: Sequence[pa.Table]) -> Part:
        """Put one part in the place of some others of its day. tables: what is in it, of one schema, at least one."""
        name = f"{datetime.now(UTC).strftime(STAMP)}-{uuid4().hex[:12]}{MERGED}"
        names = sorted(set().union(*map(self._names, parts)))
        metadata = {REPLACES: json.dumps([part.name for part in parts]).encode(), NAMES: json.dumps(names).encode()}
        self._write(parts[0].day, name, tables, metadata)
        return Part(parts[0].day, name, 0)

    def remove(self, parts: Iterable[Part]) -> None:
        """Remove these files in this order, unless somebody else has."""
        with saying(f"{self.address} cannot be tidied"):
            for part in parts:
                with suppress(FileNotFoundError):
                    self._filesystem.rm_file(self._path(part))

    def remove_day(self, day: date) -> None:
        """Remove a day with all that is in its folder."""
        with saying(f"{self.address} cannot be tidied"), suppress(FileNotFoundError):
            self._filesystem.rm(f"{self._root}/{day.isoformat()}", recursive=True)

    def replaced_until(self, day: date, moment: datetime) -> list[Part]:
        """The parts of a day whose place another one had taken by this moment, and that are still there.

        In the order in which to remove them, so that none counts again where that is cut off: first what was merged,
        then those that have merged the same as another and do not count, then those that were merged again.
        """
        parts = [part for part in self.files(day) if not is_merged(part) or part.name < moment.strftime(STAMP)]
        gone = self._replaced(parts)
        named: set[str] = set().union(*(self._listed(part, REPLACES) for part in parts if is_merged(part)))
        order = sorted(parts, key=lambda part: (is_merged(part), part.name in named, part))
        return [part for part in order if part.name in gone]

    def _replaced(self, parts: Sequence[Part]) -> set[str]:
        """The names that do not count among these.

        Where two have merged the same parts at the same time, the first one counts, and the other not at all.
        """
        gone: set[str] = set()
        for part in filter(is_merged, parts):
            replaces = self._listed(part, REPLACES)
            gone |= {part.name} if replaces & gone else replaces
        return gone

    def _names(self, part: Part) -> set[str]:
        """Under which names what is in a part was added."""
        return self._listed(part, NAMES) if is_merged(part) else {part.name}

    def _listed(self, part: Part, what: bytes) -> set[str]:
        """The names in the metadata of a merged part."""
        file = self.open(part)
        return set() if file is None else set(json.loads((file.schema_arrow.metadata or {}).get(what, "[]")))

    def _read(self, part: Part, read: Callable[[pq.ParquetFile], Any]) -> Any:
        """What is read from a part; None, and a line in the log, where a disk or a person has spoiled it."""
        path = self._path(part)
        with saying(f"{path} cannot be read"):
            try:
                return read(pq.ParquetFile(path, filesystem=self._filesystem))
            except (pa.ArrowInvalid, OSError) as error:
                if not isinstance(error, pa.ArrowInvalid) and (type(error) is not OSError or error.errno is not None):
                    raise  # of the store; what Arrow cannot decode has no number
                logger.warning(f"{path} is no Parquet file and is passed over: {error}")
                return None

    def _write(self, day: date, name: str, tables: Sequence[pa.Table], metadata: dict[bytes, bytes]) -> None:
        """Write a file that appears whole."""
        with delivered(f"{self.address}/{day.isoformat()}/{name}") as path:
            schema = tables[0].schema.with_metadata(metadata)
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                for table in tables:
                    writer.write_table(table.replace_schema_metadata(metadata))

    def _list(self, folder: str) -> list[tuple[str, str, int]]:
        """Name, kind and size of what is in a folder; nothing where it is not there."""
        path = f"{self._root}/{folder}".rstrip("/")
        with saying(f"{self.address} cannot be read"):
            self._filesystem.invalidate_cache()  # what others have just written is there, too
            try:
                entries = self._filesystem.ls(path, detail=True)
            except FileNotFoundError:
                return []
        return [(basename(one["name"].rstrip("/")), one["type"], one["size"] or 0) for one in entries]

    def _path(self, part: Part) -> str:
        """Where a part is, for the file system."""
        return f"{self._root}/{part.day.isoformat()}/{part.name}"


def as_day(name: str) -> date | None:
    """The day whose folder has this name; None for one of somebody else."""
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return None
    return day if day.isoformat() == name else None


def is_merged(part: Part) -> bool:
    """Whether a part has taken the place of others."""
    return part.name.endswith(MERGED)
