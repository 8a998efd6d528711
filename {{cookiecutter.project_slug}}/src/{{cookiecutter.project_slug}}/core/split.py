"""Which rows are held out: the newest ones, or those that a hash of their key, or of what is in them, puts there.

A hash puts a row on the same side in every later table, whatever else is in that: so no model has learned from what a
later one is judged on.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ProjectError
from ..settings import Settings

BETWEEN = "\x1f"  # the separator of ASCII for what is in one row


def split(table: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables: the rows to train on, and those held out.

    table: as `known_rows` gives it. Raises ProjectError where one side would lack a class of the target, or all rows.
    """
    time, share = settings.data.time, settings.evaluation.held_out
    if time is None:
        places = places_of(table, settings.data.key, list(map(str, table)))
        is_held_out = places < share
        mend = suggestion(table, places, settings)
    else:
        first = first_held_out(table[time], share)
        is_held_out = (table[time] >= first).to_numpy()
        mend = f"The newest are held out, from {first} in {time!r} on. Empty data.time to hold out rows by a hash."
    older, newer = table[~is_held_out], table[is_held_out]
    if missing := missing_classes(older, newer, settings):
        raise ProjectError(f"No row {missing}, so that it cannot be learned and tested. {mend}")
    return older, newer


def first_held_out(when: pd.Series, share: float) -> Any:
    """The time from which on rows are held out: about this share of them, and not the oldest, if there is another."""
    first = when.sort_values().iloc[int(np.floor(len(when) * (1 - share)))]
    later = when[when > when.min()]
    return later.min() if first == when.min() and not later.empty else first


def places_of(table: pd.DataFrame, key: str | None, columns: Sequence[str]) -> np.ndarray:
    """A number from 0 on and below 1 for each row, evenly spread, which follows from its key alone.

    Without a key it follows from what is in these columns; rows that are alike in all of them are told apart by
    counting them in the order of the table, or one of few different rows could not be split.
    """
    if key is not None:
        said = texts(table[key])
    else:
        alike = pd.Series(
            map(BETWEEN.join, zip(*(texts(table[one]) for one in sorted(columns)), strict=True)), dtype=object
        )
        said = (alike + BETWEEN + alike.groupby(alike).cumcount().astype(str)).tolist()
    return np.array([place(text) for text in said])


def place(text: str) -> float:
    """A number from 0 on and below 1 that follows from a text."""
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest[:6]) / 2**48  # as many bits as a float holds


def texts(column: pd.Series) -> list[str]:
    """Each value as one text, whichever dtype holds it: a whole number without a point, what is missing empty."""
    if pd.api.types.is_datetime64_dtype(column):
        said = np.datetime_as_string(column.to_numpy(), unit="us").tolist()
    elif pd.api.types.is_float_dtype(column):
        numbers = (column.astype("float64") + 0).tolist()  # after which there is no -0
        said = [repr(number).removesuffix(".0") for number in numbers]
    else:
        said = list(map(str, column))
    return ["" if missing else text for text, missing in zip(said, column.isna(), strict=True)]


def missing_classes(older: pd.DataFrame, newer: pd.DataFrame, settings: Settings) -> str | None:
    """What one of the two sides lacks; None where both have all that is to be learned and tested."""
    sides = {"left to train on": older, "held out": newer}
    for name, rows in sides.items():
        if rows.empty:
            return f"is {name}"
    if settings.target.task != "regression":
        column = settings.target.column
        classes = [set(rows[column]) for rows in sides.values()]
        for name, there in zip(sides, classes, strict=True):
            if absent := sorted(set.union(*classes) - there):
                return f"with {column!r} {absent[0]} is {name}"
    return None


def suggestion(table: pd.DataFrame, places: np.ndarray, settings: Settings) -> str:
    """Which share to hold out, so that all classes are on both sides."""
    classes = table[settings.target.column] if settings.target.task != "regression" else pd.Series(0, table.index)
    ends = pd.Series(places).groupby(classes.to_numpy()).agg(["min", "max"])
    low, high = ends["min"].max(), ends["max"].min()
    shares = np.arange(1, 100) / 100
    fitting = shares[(shares > low) & (shares <= high)]
    if not len(fitting):
        return "No share of rows to hold out would change that: there are too few different rows, or keys."
    nearest = fitting[np.argmin(abs(fitting - settings.evaluation.held_out))]
    mend = f"Set evaluation.held_out to {nearest:g}."
    return mend if len(ends) == 1 else f"{mend} Or leave that class out, or merge it with another."
