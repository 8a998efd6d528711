"""From a table to what a model may learn: the rows that are known, the features, the target."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ProjectError
from ..settings import Settings, Task
from .checking import DATE, Findings
from .dates import UnclearError, form_of, readings
from .values import MOST_EXACT, NO_DATE

FEWEST_ROWS, FEWEST_OF_A_CLASS = 16, 8


def check_columns(names: Iterable[str], settings: Settings) -> None:
    """Raise ProjectError where the columns that params.yaml names are not among these, or contradict each other."""
    data, target = settings.data, settings.target
    names = list(names)
    needed = [target.column, *filter(None, [data.time, data.key])]
    typed = [*([] if isinstance(data.read.dtype, str) else data.read.dtype), *data.read.parse_dates]
    absent = [name for name in [*needed, *data.drop, *settings.evaluation.slices, *typed] if name not in names]
    if absent:
        hint = " Run together? Set data.read.sep." if len(names) == 1 else ""
        raise ProjectError(f"The table has no column {absent}, which params.yaml names. It has {names}.{hint}")
    if target.column in data.drop:
        raise ProjectError(f"The target {target.column!r} is listed under data.drop in params.yaml: take it out.")
    if target.column in (data.key, data.time):
        raise ProjectError(f"The target {target.column!r} is data.key or data.time in params.yaml, too: name another.")


def known_rows(table: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The rows whose target and time are known: the others can neither teach nor test.

    Classes that are whole numbers are kept as such, and times as moments, however the schema has them. Raises
    ProjectError where the columns of the settings are not those of the table, or where the target does not fit the
    task.
    """
    check_columns(map(str, table), settings)
    time, target, key = settings.data.time, settings.target, settings.data.key
    known = table.dropna(subset=[target.column, time] if time else [target.column])
    known = known.assign(**{target.column: outcomes(known[target.column], target.task)})
    if time:
        known = known.assign(**{time: moments(known[time])})
    if key and (unknown := int(known[key].isna().sum())):
        raise ProjectError(
            f"{key!r} is data.key in params.yaml, but {unknown} rows have none: fill it, or empty data.key."
        )
    check_target(known[target.column], settings)
    return known


def outcomes(known: pd.Series, task: Task) -> pd.Series:
    """The known values of the target as learned from: without the room for missing ones, numbers as the task wants."""
    if pd.api.types.is_bool_dtype(known):
        return known.astype("bool")
    if not pd.api.types.is_numeric_dtype(known):
        return known
    if task == "regression":
        return known.astype("float64")
    whole = pd.api.types.is_integer_dtype(known) or ((known % 1 == 0) & (known.abs() < MOST_EXACT)).all()
    return known.astype("int64" if whole else "float64")


def check_target(values: pd.Series, settings: Settings) -> None:
    """Raise ProjectError where these values of the target do not fit the task."""
    name, task, positive = settings.target.column, settings.target.task, settings.target.positive
    counts = values.value_counts()
    if len(values) < FEWEST_ROWS:
        raise ProjectError(f"{len(values)} rows with a known {name!r} are too few to train and to test on.")
    if len(counts) < 2:
        raise ProjectError(f"Column {name!r} has one value, {counts.index[0]}: there is nothing to predict.")
    if task == "regression":
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            raise ProjectError(f"target.task is regression, but column {name!r} does not hold numbers.")
        return
    if pd.api.types.is_float_dtype(values):
        fraction = next((value for value in counts.index if value % 1), counts.index[0])
        raise ProjectError(
            f"{name!r} holds numbers like {fraction:g}, which are no classes: set target.task to regression, or give "
            "the classes names."
        )
    if task == "binary" and len(counts) > 2:
        raise ProjectError(f"target.task is binary, but {name!r} has {len(counts)} values: set it to multiclass.")
    if task == "binary" and not any(is_same(positive, value) for value in counts.index):
        raise ProjectError(
            f"target.positive is {positive!r}, but {name!r} holds {counts.index.tolist()}. In YAML, text that looks "
            "like a number or like yes and no is in quotes, and nothing else is."
        )
    if counts.min() < FEWEST_OF_A_CLASS:
        raise ProjectError(
            f"{name!r} is {counts.idxmin()} in only {counts.min()} rows, too few to train and to test on. Leave that "
            "value out, merge it with another, or set target.task to regression if the target is a number."
        )


def is_same(positive: Any, value: Any) -> bool:
    """Whether a value of the settings is this one of the table: to Python, True is 1."""
    both = (positive, value.item() if isinstance(value, np.generic) else value)
    return both[0] == both[1] and isinstance(both[0], bool) == isinstance(both[1], bool)


def moments(column: pd.Series) -> pd.Series:
    """When each row was, to sort by: numbers and dates as they are, text (in older schemas) as dates.

    Raises ProjectError where that is unclear.
    """
    if not isinstance(column.dtype, pd.StringDtype):
        return column
    different = set(column)
    read = readings(different, form_of_time(column))
    if len(read) < len(different):
        raise ProjectError(
            f"The time column {column.name!r} holds {next(iter(different - set(read)))!r}, which is no date like the "
            "others. Fetch the data anew, with the command `data`: it names the lines."
        )
    return pd.Series(column.map(read), dtype=DATE)


def form_of_time(column: pd.Series) -> str | None:
    """The form in which a column of text says when each row was. Raises ProjectError where that is unclear."""
    try:
        return form_of(column)
    except UnclearError as error:
        raise ProjectError(
            f"The time column {column.name!r} {error}. Write dates like 2024-12-31, or empty data.time."
        ) from None


def check_time(table: pd.DataFrame, lines: Sequence[int], settings: Settings) -> None:
    """Raise ProjectError that names the lines in which the time, where it is text, is no date like the others."""
    time = settings.data.time
    if time is None or not isinstance(table[time].dtype, pd.StringDtype):
        return
    known = table[time].dropna()
    read, findings = readings(set(known), form_of_time(known)), Findings()
    unread = known[~known.isin(list(read))]
    if not unread.empty:
        findings.add(time, f"{NO_DATE} like the others", [lines[row] for row in unread.index], map(repr, unread))
    findings.refuse()


def features_and_target(table: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, pd.Series]:
    """What the model may see of these rows, and what it should say of each."""
    data = settings.data
    hidden = {settings.target.column, data.time, data.key, *data.drop}
    features = [name for name in table if name not in hidden]
    if not features:
        raise ProjectError("No column is left to learn from: shorten data.drop in params.yaml.")
    return table[features], table[settings.target.column]
