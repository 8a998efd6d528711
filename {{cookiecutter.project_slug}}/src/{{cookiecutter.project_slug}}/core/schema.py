"""What a table must look like: written down from the first one, for people to tighten, and held against every other."""

from collections.abc import Collection
from typing import Any

import pandas as pd

from ..errors import ProjectError, shortened

Schema = dict[str, dict[str, Any]]
MOST_CATEGORIES = 20
MOST_LINES_SHOWN = 20


def infer_schema(table: pd.DataFrame, open_ended: Collection[str] = ()) -> Schema:
    """The schema of a first table: per column its type, whether it may be missing, and its range or its categories.

    A range is that of the table widened by its own width on both sides, and stays above zero where the table does: wide
    enough for next month, narrow enough for a wrong unit. The columns in open_ended (dates, identifiers) go on with new
    values and have neither. Raises ProjectError for a column that holds nothing.
    """
    if empty := [name for name in table if name not in open_ended and table[name].isna().all()]:
        raise ProjectError(f"Columns {empty} hold no value at all: list them under data.drop in params.yaml.")
    return {str(name): describe_column(table[name], name in open_ended) for name in table}


def type_of(column: pd.Series) -> str:
    """What the known values of a column are: `number`, `boolean` or `text`."""
    known = column.dropna()
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return "number"
    return "boolean" if len(known) and known.isin([True, False]).all() else "text"


def describe_column(column: pd.Series, open_ended: bool) -> dict[str, Any]:
    """One column of the schema."""
    described: dict[str, Any] = {"type": "text", "missing": bool(column.isna().any())}
    known, kind = column.dropna(), type_of(column)
    if open_ended:
        return described | ({"type": "number"} if kind == "number" and len(known) else {})
    if kind == "number":
        low, high = float(known.min()), float(known.max())
        width = high - low or max(abs(high), 1.0)
        floor = 0.0 if low >= 0 else low - width
        return described | {"type": "number", "min": max(low - width, floor), "max": high + width}
    if kind == "boolean":
        return described | {"type": "boolean"}
    if known.nunique() <= MOST_CATEGORIES:
        return described | {"type": "category", "values": sorted(map(str, known.unique()))}
    return described


def words(schema: Schema | None) -> dict[str, str]:
    """What is text whatever it looks like (01234 may be a postcode), as the option `dtype` of pandas."""
    return {name: "str" for name, rules in (schema or {}).items() if rules["type"] in ("text", "category")}


def check_table(table: pd.DataFrame, schema: Schema, row: str = "line", first: int = 2) -> None:
    """Raise ProjectError that names every column and the first rows where the table breaks the schema.

    Rows are numbered as lines of the file, in which the first row of data is line 2, unless told otherwise.
    """
    import pandera.errors  # here and below: takes seconds to import, and only this check needs it

    try:
        to_pandera(schema).validate(table, lazy=True)
    except pandera.errors.SchemaErrors as error:
        lines = describe_failures(error.failure_cases, row, first)
        more = [f"... and {len(lines) - MOST_LINES_SHOWN} more"] if len(lines) > MOST_LINES_SHOWN else []
        shown = "\n  ".join(lines[:MOST_LINES_SHOWN] + more)
        raise ProjectError(f"The table does not fit the schema:\n  {shown}") from None


def to_pandera(schema: Schema) -> Any:
    """The same schema for pandera."""
    import pandera.pandas as pandera

    def column(rules: dict[str, Any]) -> Any:
        checks = []
        if rules["type"] == "number":
            checks.append(pandera.Check(lambda values: to_number(values).notna(), name="is not a number"))
            low, high = rules.get("min", float("-inf")), rules.get("max", float("inf"))
            inside = pandera.Check(
                lambda values: to_number(values).between(low, high) | to_number(values).isna(),
                name=f"is outside {low:g} to {high:g}",
            )
            checks.append(inside)
        if rules["type"] == "boolean":
            checks.append(pandera.Check(lambda values: values.isin([True, False]), name="is neither true nor false"))
        if rules["type"] == "category":
            allowed = set(rules["values"])
            checks.append(
                pandera.Check(lambda values: values.astype(str).isin(allowed), name="is not a known category")
            )
        return pandera.Column(nullable=rules["missing"], checks=checks)

    return pandera.DataFrameSchema({name: column(rules) for name, rules in schema.items()}, strict=True)


def to_number(values: pd.Series) -> pd.Series:
    """The values as numbers; what is none becomes NaN."""
    return pd.to_numeric(values, errors="coerce")


def describe_failures(cases: pd.DataFrame, row: str, first: int) -> list[str]:
    """One line per column and rule that was broken: how often, and where first."""
    lines = []
    for (column, check), found in cases.groupby(["column", "check"], sort=False, dropna=False):
        if check == "column_in_dataframe":
            lines += [f"column {name} is missing" for name in found["failure_case"]]
        elif check == "column_in_schema":
            lines += [f"column {name} is not in the schema" for name in found["failure_case"]]
        else:
            found = found.sort_values("index")
            where = ", ".join(str(int(index) + first) for index in found["index"].head(5))
            shown = found["failure_case"].drop_duplicates().head(5).tolist()
            values = ", ".join(shortened(repr(value)) for value in shown)
            problem = "is missing" if check == "not_nullable" else f"{check}: {values}"
            lines.append(f"column {column}: {len(found)} rows, the first in {row} {where}: {problem}")
    return lines
