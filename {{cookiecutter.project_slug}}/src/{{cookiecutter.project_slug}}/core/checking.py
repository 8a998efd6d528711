"""The one check of tables and requests: values in, typed columns out, and all that breaks a rule named at once."""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ProjectError, shortened
from .schema import Boolean, Category, Column, Date, Integer, Number, Schema, Text
from .values import Form, InFile

MOST_LINES_SHOWN, MOST_PLACES, MOST_VALUES = 20, 5, 5
# Said and not left to pandas, which keeps text otherwise where pyarrow is installed.
TEXT = pd.StringDtype("python", na_value=np.nan)
DATE = "datetime64[us]"
Columns = dict[str, Any]  # lists or arrays of values that fit the rules, each of as many: see `as_table`


@dataclass
class Findings:
    """What was found wrong. where: what a place is called, such as `line`. found: by column and problem."""

    where: str = "line"
    found: dict[tuple[str, str], "Broken"] = field(default_factory=dict)

    def add(self, column: str, problem: str, places: Sequence[int], values: Iterable[str]) -> None:
        """These values of a column, in as many places, have this problem."""
        broken = self.found.setdefault((column, problem), Broken())
        broken.count += len(places)
        broken.places += list(places[: MOST_PLACES - len(broken.places)])
        for value in values:
            if len(broken.values) == MOST_VALUES:
                break
            broken.values |= {value: None}

    def refuse(self) -> None:
        """Raise ProjectError that says all that was found, if anything was."""
        if not self.found:
            return
        lines = [self.describe(column, problem, broken) for (column, problem), broken in self.found.items()]
        more = [f"... and {len(lines) - MOST_LINES_SHOWN} more"] if len(lines) > MOST_LINES_SHOWN else []
        shown = "\n  ".join(lines[:MOST_LINES_SHOWN] + more)
        raise ProjectError(f"The table does not fit the schema:\n  {shown}")

    def describe(self, column: str, problem: str, broken: "Broken") -> str:
        """One line: what is wrong, how often, where first, and with which values."""
        if not broken.count:
            return f"column {column} {problem}"
        places = ", ".join(map(str, broken.places))
        values = f": {', '.join(map(shortened, broken.values))}" if broken.values else ""
        return f"column {column}: {broken.count} rows, the first in {self.where} {places}: {problem}{values}"


@dataclass
class Broken:
    """How often a rule was broken, the first places, and the first different values."""

    count: int = 0
    places: list[int] = field(default_factory=list)
    values: dict[str, None] = field(default_factory=dict)


def check_names(names: Iterable[str], schema: Schema, findings: Findings) -> None:
    """Find the columns that are missing, and those that the schema does not know."""
    names = list(names)
    for column in schema:
        if column not in names:
            findings.add(column, "is missing", [], [])
    for name in names:
        if name not in schema:
            findings.add(name, "is not in the schema", [], [])


def typed_table(
    columns: Mapping[str, Sequence[Any]], places: Sequence[int], schema: Schema, form: Form, findings: Findings
) -> pd.DataFrame:
    """The columns of the schema, with its types, from values in this form.

    places: where each row is. What does not fit is added to the findings; while there are any, the table is of no use.
    """
    read = read_columns(columns, places, schema, form, findings)
    return pd.DataFrame() if findings.found else as_table(read, schema)


def read_columns(
    columns: Mapping[str, Sequence[Any]], places: Sequence[int], schema: Schema, form: Form, findings: Findings
) -> Columns:
    """The same, as values that `as_table` makes a table of: to hold them against the rules takes no table."""
    return {
        name: read_column(name, form.known(columns[name], name), places, rules, form, findings)
        for name, rules in schema.items()
        if name in columns
    }


def rows_of(columns: Columns) -> int:
    """How many rows there are in these columns, of which all have as many."""
    return len(next(iter(columns.values())))


def as_table(columns: Columns, schema: Schema) -> pd.DataFrame:
    """The columns of the schema that there are, with its types."""
    typed = {name: as_column(columns[name], rules) for name, rules in schema.items() if name in columns}
    return pd.DataFrame(typed, copy=False)


def read_column(
    name: str, values: list[Any], places: Sequence[int], rules: Column, form: Form, findings: Findings
) -> Any:
    """The values of one column; values: None for missing ones."""
    if not rules.missing and None in values:
        missing = [place for place, value in zip(places, values, strict=True) if value is None]
        findings.add(name, "is missing", missing, [])
    read = read_values(name, values, places, rules, form, findings)
    problem, broken = broken_rule(read, rules)
    if broken:
        findings.add(name, problem, [places[at] for at in broken], (shown(read[at]) for at in broken))
    return read


def read_values(
    name: str, values: list[Any], places: Sequence[int], rules: Column, form: Form, findings: Findings
) -> Any:
    """The values as what the rules say they are, None for what is none; as an array, where all are numbers."""
    if isinstance(rules, Number) and (numbers := form.numbers(values)) is not None:
        return numbers
    if isinstance(rules, Category | Text) and isinstance(form, InFile):  # in which all is text
        return values
    read: list[Any] = []
    read_one = reader(rules, form)
    for place, value in zip(places, values, strict=True):
        try:
            read.append(None if value is None else read_one(value))
        except ValueError as error:
            read.append(None)
            findings.add(name, str(error), [place], [shown(value)])
    return read


def reader(rules: Column, form: Form) -> Callable[[Any], Any]:
    """What reads a value of this type. A date that has been read is remembered: the same come again and again."""
    if isinstance(rules, Date):
        return functools.cache(partial(form.date, form=rules.format))
    if isinstance(rules, Category | Text):
        return form.text
    return {Number: form.number, Integer: form.integer, Boolean: form.boolean}[type(rules)]


def broken_rule(read: Sequence[Any], rules: Column) -> tuple[str, list[int]]:
    """What is said of values that break the rules of a column, and at which places they are."""
    if isinstance(rules, Category):
        unknown = set(read) - {None, *rules.values}
        return "is not a known category", [at for at, value in enumerate(read) if value in unknown] if unknown else []
    if not isinstance(rules, Number | Integer):
        return "", []
    low = -math.inf if rules.min is None else rules.min
    high = math.inf if rules.max is None else rules.max
    if isinstance(read, np.ndarray):
        broken = np.flatnonzero((read < low) | (read > high)).tolist()
    else:
        broken = [at for at, value in enumerate(read) if value is not None and not low <= value <= high]
    return f"is outside {shown(low)} to {shown(high)}", broken


def shown(value: Any) -> str:
    """A value as a message quotes it."""
    try:
        return f"{value:.15g}" if isinstance(value, float) else repr(value)
    except ValueError:  # Python writes down no whole number of more than 4,300 digits
        return "a number of thousands of digits"


def as_column(values: Sequence[Any], rules: Column) -> Any:
    """The values as a column, whose dtype follows from the rules and from nothing else."""
    if isinstance(rules, Category | Text):
        return pd.array(values, dtype=TEXT)
    if isinstance(rules, Date):
        return np.array(values, dtype=DATE)
    if isinstance(rules, Number):
        return np.array(values, dtype="float64")
    return pd.array(values, dtype=dtype_of(rules)) if rules.missing else np.array(values, dtype=dtype_of(rules))


def dtype_of(rules: Column) -> Any:
    """The dtype of a column of a table."""
    if isinstance(rules, Category | Text):
        return TEXT
    if isinstance(rules, Integer):
        return "Int64" if rules.missing else "int64"
    if isinstance(rules, Boolean):
        return "boolean" if rules.missing else "bool"
    return DATE if isinstance(rules, Date) else "float64"
