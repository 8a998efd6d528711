"""Keeping the logs small: many small parts become one, what is too old or too much is removed, a key is forgotten."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from .parts import Part, Parts

SMALL = 8 * 2**20  # bytes of a part that is merged with others
MOST_ROWS = 250_000  # of a merged part, which whoever reads it holds in memory
UNTIL_REMOVED = timedelta(hours=1)  # after which nobody reads a part any more whose place another has taken


@dataclass
class Tidied:
    """How many parts have been merged, and how many days removed, as too old or too much."""

    merged: int = 0
    days: int = 0


def tidy(parts: Parts, keep_days: int, keep_megabytes: float | None = None) -> Tidied:
    """Merge small parts; remove the days before the last `keep_days`, and the oldest of more than so many megabytes.

    It may be stopped at any time, and the next one goes on.
    """
    done, now = Tidied(), datetime.now(UTC)
    for day in parts.days():
        if day < now.date() - timedelta(days=keep_days):
            parts.remove_day(day)
            done.days += 1
            continue
        parts.remove(parts.replaced_until(day, now - UNTIL_REMOVED))
        for some in to_merge(parts, parts.of(day)):
            done.merged += merge(parts, some)
    if keep_megabytes is not None:
        done.days += remove_oldest(parts, keep_megabytes * 1e6)
    return done


def to_merge(parts: Parts, there: Sequence[Part]) -> Iterator[list[Part]]:
    """Which of these to put together: small ones with the same columns, up to so many rows."""
    alike: defaultdict[bytes, list[Part]] = defaultdict(list)
    rows: defaultdict[bytes, int] = defaultdict(int)
    for part in there:
        file = parts.open(part) if part.bytes < SMALL else None
        if file is None:
            continue
        columns = file.schema_arrow.remove_metadata().serialize().to_pybytes()
        if rows[columns] + file.metadata.num_rows > MOST_ROWS:
            yield from (some for some in [alike.pop(columns, [])] if len(some) > 1)
            rows[columns] = 0
        alike[columns].append(part)
        rows[columns] += file.metadata.num_rows
    yield from (some for some in alike.values() if len(some) > 1)


def merge(parts: Parts, some: Sequence[Part]) -> int:
    """Put one part in the place of these of a day, but for spoiled ones; how many they were."""
    read = {part: table for part in some if (table := parts.read(part)) is not None}
    if len(read) < 2:
        return 0
    merged = parts.replace(list(read), list(read.values()))
    if not set(read) <= set(parts.files(merged.day)):  # somebody has forgotten a row of them meanwhile
        parts.remove([merged])
        return 0
    return len(read)


def remove_oldest(parts: Parts, most: float) -> int:
    """Remove the oldest days until there are no more bytes than these, or today alone is left; how many days."""
    sizes = {day: sum(part.bytes for part in parts.files(day)) for day in parts.days()}
    removed = 0
    for day in list(sizes)[:-1]:
        if sum(sizes.values()) <= most:
            break
        parts.remove_day(day)
        del sizes[day]
        removed += 1
    return removed


def forget(log: Parts, labels: Parts, key: str) -> tuple[int, int]:
    """Remove the rows of one key; how many predictions and labels they were.

    The labels first, which are found by the predictions: so it can be called again where it was cut off. Until a look
    at everything finds none, as servers go on.
    """
    predictions = told = 0
    more = True
    while more:
        names = names_about(log, key)
        labels_found = remove_rows(labels, partial(about, key=key, names=names))
        found = remove_rows(log, partial(of_key, key=key))
        predictions, told, more = predictions + found, told + labels_found, bool(found or labels_found)
    return predictions, told


def names_about(log: Parts, key: str) -> pa.Array:
    """What labels may call the predictions about a key."""
    names: set[str] = set()
    for part in (part for day in log.days() for part in log.of(day)):
        rows = log.read(part, ["id", "row", "key"])
        if rows is not None:
            found = rows.filter(of_key(rows, key))
            for one, row in zip(found["id"].to_pylist(), found["row"].to_pylist(), strict=True):
                names |= {f"{one}/{row}"} | ({one} if row == 0 else set())
    return pa.array(sorted(names), pa.string())


def of_key(rows: pa.Table, key: str) -> pa.ChunkedArray:
    """Which rows are about this key."""
    return pc.fill_null(pc.equal(rows["key"], key), False)


def about(rows: pa.Table, key: str, names: pa.Array) -> pa.ChunkedArray:
    """Which labels are about this key, or about a prediction of one of these names."""
    return pc.or_(of_key(rows, key), pc.fill_null(pc.is_in(rows["prediction"], names), False))


def remove_rows(parts: Parts, which: Callable[[pa.Table], pa.ChunkedArray]) -> int:
    """Write the parts anew in which there are such rows, without them; how many they were."""
    count = 0
    for day in parts.days():
        parts.remove(parts.replaced_until(day, datetime.max))  # in which they are, too
        for part in parts.of(day):
            rows = parts.read(part)
            if rows is None or not pc.any(mask := which(rows)).as_py():
                continue
            rest = rows.filter(pc.invert(mask))
            parts.replace([part], [rest])  # also where it is empty: its name says that it was there
            parts.remove([part])
            count += len(rows) - len(rest)
    return count
