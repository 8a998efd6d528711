"""Which rows a model has not learned from: on those alone is it judged fairly, by itself or beside another one."""

import pandas as pd

from ..errors import ProjectError
from .data import moments
from .predict import kind_of
from .record import Record
from .split import places_of

NOT_KNOWN = "its record does not say which rows it has learned from, as it is from before that was kept"


def unlearned(rows: pd.DataFrame, record: Record) -> pd.Series:
    """Whether the model with this record cannot have learned from a row, for each of a whole table in its order.

    rows: as `known_rows` gives them. Raises ProjectError that says why that cannot be told.
    """
    learned = record.learned
    if learned is None or (learned.time is None and learned.held_out is None):
        raise ProjectError(NOT_KNOWN)
    if learned.time is not None:
        return is_later(rows, record.settings["data"]["time"], learned.time)
    if absent := [name for name in learned.columns if name not in rows]:
        raise ProjectError(f"which rows it has learned from is told by the columns {absent}, which are gone")
    if other := [name for name, kind in learned.columns.items() if kind_of(rows[name]) != kind]:
        raise ProjectError(f"which rows it has learned from is told by the columns {other}, of another kind now")
    return pd.Series(places_of(rows, learned.key, list(learned.columns)) < (learned.held_out or 0), rows.index)


def is_later(rows: pd.DataFrame, time: str, newest: str | float) -> pd.Series:
    """Whether each row is later than this. Raises ProjectError where that cannot be told."""
    if time not in rows:
        raise ProjectError(f"until when it has learned is told by the columns {[time]}, which are gone")
    when = moments(rows[time])
    if pd.api.types.is_numeric_dtype(when) != isinstance(newest, float):
        raise ProjectError(f"it has learned until {newest} in {time!r}, which holds other values now")
    return when > (newest if isinstance(newest, float) else pd.Timestamp(newest).tz_localize(None))
