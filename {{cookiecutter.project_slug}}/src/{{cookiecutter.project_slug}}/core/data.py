"""From a table to the rows to train on and the rows held out."""

import numpy as np
import pandas as pd

from ..errors import ProjectError
from ..settings import Settings
from .schema import Schema, check_table, infer_schema

FEWEST_ROWS, FEWEST_OF_A_CLASS = 16, 8
DATE_FORMATS = ["ISO8601", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %b %Y"]


def accept(table: pd.DataFrame, settings: Settings, schema: Schema | None) -> Schema:
    """The schema that this table fits: the one given, or without one its own.

    Raises ProjectError, with columns and lines, where it does not fit, or cannot teach what is asked.
    """
    known_rows(table, settings)
    if schema is None:
        time = [settings.data.time] if settings.data.time else []
        schema = infer_schema(table, open_ended=[*settings.data.drop, *time])
    check_table(table, schema)
    return schema


def known_rows(table: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The rows whose target and time are known: the others can neither teach nor test.

    Raises ProjectError where the columns of the settings are not those of the table, or where the target does not fit
    the task.
    """
    data, target = settings.data, settings.target
    needed = [target.column, data.time] if data.time else [target.column]
    absent = [name for name in [*needed, *data.drop, *settings.evaluation.slices] if name not in table]
    if absent:
        raise ProjectError(f"The table has no column {absent}, which params.yaml names. It has {list(table.columns)}.")
    if target.column in data.drop:
        raise ProjectError(f"The target {target.column!r} is listed under data.drop in params.yaml: take it out.")
    known = table.dropna(subset=needed)
    known = known.assign(**{target.column: known[target.column].infer_objects()})
    check_target(known[target.column], settings)
    return known


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
    if task == "binary" and len(counts) > 2:
        raise ProjectError(f"target.task is binary, but {name!r} has {len(counts)} values: set it to multiclass.")
    if task == "binary" and positive not in list(counts.index):
        raise ProjectError(f"target.positive is {positive!r}, but {name!r} holds {list(counts.index)}.")
    if counts.min() < FEWEST_OF_A_CLASS:
        raise ProjectError(
            f"{name!r} is {counts.idxmin()} in only {counts.min()} rows, too few to train and to test on. Leave that "
            "value out, merge it with another, or set target.task to regression if the target is a number."
        )


def moments(column: pd.Series) -> pd.Series:
    """When each row was, to sort by: numbers as they are, text as dates. Raises ProjectError where that is unclear."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    readings = [pd.to_datetime(column, format=one, errors="coerce", utc=True) for one in DATE_FORMATS]
    complete = [reading for reading in readings if reading.notna().all()]
    if len(complete) == 1:
        return complete[0]
    problem = "can be read as day/month and as month/day" if complete else "does not hold dates in one known form"
    raise ProjectError(f"The time column {column.name!r} {problem}. Write dates like 2024-12-31, or empty data.time.")


def split(table: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables: the rows to train on, and those held out: the newest, where there is time."""
    time, target, seed = settings.data.time, settings.target, settings.model.seed
    if time is None:
        from sklearn.model_selection import train_test_split  # takes seconds to import

        classes = None if target.task == "regression" else table[target.column]
        older, newer = train_test_split(
            table, test_size=settings.evaluation.held_out, random_state=seed, stratify=classes
        )
        return older, newer
    when = moments(table[time])
    first_held_out = when.sort_values().iloc[int(np.floor(len(when) * (1 - settings.evaluation.held_out)))]
    older, newer = table[when < first_held_out], table[when >= first_held_out]
    if older.empty or (target.task != "regression" and set(older[target.column]) != set(newer[target.column])):
        raise ProjectError(
            f"The rows before {first_held_out} in {time!r} and those from then on do not hold the same values of "
            f"{target.column!r}. Empty data.time in params.yaml to hold out rows at random."
        )
    return older, newer


def features_and_target(table: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, pd.Series]:
    """What the model may see of these rows, and what it should say of each."""
    hidden = {settings.target.column, settings.data.time, *settings.data.drop}
    features = [name for name in table if name not in hidden]
    if not features:
        raise ProjectError("No column is left to learn from: shorten data.drop in params.yaml.")
    return table[features], table[settings.target.column]
