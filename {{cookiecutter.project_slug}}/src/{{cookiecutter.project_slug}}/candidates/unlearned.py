"""Which rows a model has not learned from: on those alone is it judged fairly beside another one."""

import pandas as pd

from ..core.data import moments
from ..core.record import Record
from ..core.split import places_of
from ..errors import ProjectError

NOT_KNOWN = "the record of the champion does not say which rows it has learned from, as it is from before that was kept"


def unlearned(rows: pd.DataFrame, record: Record) -> pd.Series:
    """Whether the model with this record cannot have learned from a row, for each of a whole table.

    Raises ProjectError that says why that cannot be told.
    """
    learned = record.learned
    if learned is None or (learned.time is None and learned.held_out is None):
        raise ProjectError(NOT_KNOWN)
    time = record.settings["data"]["time"]
    columns = [time] if learned.time is not None else learned.columns or [str(learned.key)]
    if absent := [name for name in columns if name not in rows]:
        raise ProjectError(f"which rows the champion has learned from is told by the columns {absent}, which are gone")
    if learned.time is not None:
        return is_later(moments(rows[time]), learned.time)
    return pd.Series(places_of(rows, learned.key, columns) < (learned.held_out or 0), rows.index)


def is_later(when: pd.Series, newest: str | float) -> pd.Series:
    """Whether each moment is later than this one. Raises ProjectError where one is a date and the other a number."""
    if pd.api.types.is_numeric_dtype(when) != isinstance(newest, float):
        raise ProjectError(f"the champion has learned until {newest} in {when.name!r}, which holds other values now")
    return when > (newest if isinstance(newest, float) else pd.Timestamp(newest).tz_localize(None))
