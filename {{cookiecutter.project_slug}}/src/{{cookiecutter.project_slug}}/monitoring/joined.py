"""Predictions with what came true, of a window of time: the one way that all take who judge a model in use."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from . import matching
from .parts import MOMENT, Part, Parts
from .predictions import ANSWER

LABEL, PREDICTION = "label", f"{ANSWER}prediction"
LONGEST_DAY = timedelta(hours=25)  # which a label may mean, all of it
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
KNOWN_BY = ["id", "row", "key", "at"]  # what a label may say of the prediction that it belongs to


@dataclass(frozen=True)
class Window:
    """The predictions that were asked for from start on and before end."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Take both in UTC, in which the days of the log are. Raises ValueError where one names no zone."""
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment.tzinfo is None:
                raise ValueError(f"the {name} of a window, {moment}, names no time zone")
            object.__setattr__(self, name, moment.astimezone(UTC))

    @classmethod
    def until_now(cls, days: float) -> "Window":
        """The last days."""
        now = datetime.now(UTC)
        return cls(now - timedelta(days=days), now)


class Joined:
    """The predictions of a window, in the parts of the log as they were when it was asked."""

    def __init__(self, log: Parts, parts: Sequence[Part], window: Window, connection: DuckDBPyConnection) -> None:
        """connection: to the outcomes, see `matching`; parts are numbered in them as they come here."""
        self._log, self._parts, self._window, self._connection = log, parts, window, connection

    @property
    def counts(self) -> dict[str, int]:
        """How many labels came for these predictions, by what became of them: see OUTCOMES."""
        return counted(self._connection, OF_PREDICTIONS, self._window)

    @property
    def columns(self) -> list[str]:
        """Those that `tables` have, of all models."""
        files = filter(None, map(self._log.open, self._parts))
        return [*dict.fromkeys(name for file in files for name in file.schema_arrow.names), LABEL]

    def tables(self, only_labelled: bool = False) -> Iterator[pd.DataFrame]:
        """The rows, one part of the log after the other, so that no more is in memory.

        Columns: what `predictions` writes, and `label`, of the type of the answer, missing where it is not known. A
        column that a release did not have is not in its tables.
        """
        for number, part in enumerate(self._parts):
            found = self._connection.execute(
                "SELECT place, label FROM outcomes WHERE outcome = 'counts' AND part = ? ORDER BY place", [number]
            ).to_arrow_table()
            if only_labelled and not len(found):
                continue
            rows = self._log.read(part)
            if rows is None:
                continue
            labels = found.to_pandas().set_index("place")["label"].reindex(range(len(rows)))
            table = rows.to_pandas(types_mapper=DTYPES.get)
            table[LABEL] = like_answers(labels, table[PREDICTION])
            kept = table["at"].between(self._window.start, self._window.end, inclusive="left")
            if only_labelled:
                kept &= table[LABEL].notna()
            if kept.any():
                yield table[kept].reset_index(drop=True)


# Labels that belong to the predictions of a window, and those that came in it.
OF_PREDICTIONS = "SELECT outcome, count(*) FROM outcomes WHERE asked >= ? AND asked < ? GROUP BY outcome"
OF_LABELS = "SELECT outcome, count(*) FROM outcomes WHERE arrived >= ? AND arrived < ? GROUP BY outcome"
# As the tables of the core hold them, with a place for what is missing.
DTYPES = {
    pa.string(): pd.StringDtype("python", na_value=float("nan")),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def like_answers(labels: pd.Series, answers: pd.Series) -> pd.Series:
    """Labels, which are kept as texts, as what the model answers is."""
    if pd.api.types.is_bool_dtype(answers):
        return labels.map({"True": True, "False": False}).astype("boolean")
    return pd.to_numeric(labels).astype(answers.dtype) if pd.api.types.is_numeric_dtype(answers) else labels


@contextmanager
def joined(
    log: Parts, labels: Parts, window: Window, horizon: timedelta, known_until: datetime | None = None
) -> Iterator[Joined]:
    """The predictions of a window with the labels that belong to them, by the rule in `matching`.

    known_until: leave out labels that came later, to see what was known then.
    """
    # A later prediction, in the time in which a label may still come, may be the one that it belongs to.
    last = window.end + horizon + LONGEST_DAY
    with matching.database() as connection:
        parts = list(log.between(window.start.date(), last.date()))
        insert_predictions(connection, log, parts, Window(window.start, last))
        insert_labels(connection, labels, Window(window.start, known_until or datetime.max.replace(tzinfo=UTC)))
        matching.match(connection, horizon)
        yield Joined(log, parts, window, connection)


def outcomes(log: Parts, labels: Parts, window: Window, horizon: timedelta) -> dict[str, int]:
    """What became of the labels that came in a window, as counts by OUTCOMES."""
    with matching.database() as connection:
        insert_labels(connection, labels, Window(window.start - horizon, window.end))
        times = "SELECT min(time) AS oldest, max(arrived) AS newest FROM labels"
        (found,) = connection.execute(times).to_arrow_table().to_pylist()
        if found["oldest"] is not None:
            asked = Window(max(found["oldest"], EARLIEST) - 2 * horizon, found["newest"] + timedelta(microseconds=1))
            insert_predictions(connection, log, list(log.between(asked.start.date(), asked.end.date())), asked)
        matching.match(connection, horizon)
        return counted(connection, OF_LABELS, window)


def insert_predictions(connection: DuckDBPyConnection, log: Parts, parts: Sequence[Part], window: Window) -> None:
    """Take in what labels may name of the predictions in these parts; they are numbered as they come."""
    for number, part in enumerate(parts):
        rows = log.read(part, KNOWN_BY)
        if rows is None:
            continue
        rows = rows.append_column("place", pa.array(range(len(rows)), pa.int64()))
        rows = rows.filter(within(rows["at"], window))
        connection.execute('INSERT INTO predictions SELECT ?, place, id, "row", key, "at" FROM rows', [number])


def insert_labels(connection: DuckDBPyConnection, labels: Parts, window: Window) -> None:
    """Take in the labels that came in this window."""
    for part in labels.between(window.start.date(), window.end.date()):
        rows = labels.read(part)
        if rows is None:
            continue
        rows = rows.filter(within(rows["arrived"], window))
        connection.execute("INSERT INTO labels SELECT prediction, key, time, until, label, arrived, place FROM rows")


def within(times: pa.ChunkedArray, window: Window) -> pa.ChunkedArray:
    """Whether each of these is in the window."""
    start, end = (pa.scalar(moment, MOMENT) for moment in (window.start, window.end))
    return pc.and_(pc.greater_equal(times, start), pc.less(times, end))


def counted(connection: DuckDBPyConnection, question: str, window: Window) -> dict[str, int]:
    """How many labels had each outcome. question: which labels of the window, one of those above."""
    found = connection.execute(question, [window.start, window.end])
    return dict.fromkeys(matching.OUTCOMES, 0) | dict(found.fetchall())
