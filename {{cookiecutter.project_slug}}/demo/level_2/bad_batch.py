"""A table that breaks the schema, whatever the table and the schema."""

import pandas as pd

from {{cookiecutter.project_slug}}.core.schema import Schema

COLUMN, VALUE, ROWS, LINES = "a column too many", "no such value", 3, "2, 3, 4"


def column_to_break(schema: Schema, target: str) -> str | None:
    """The first column that the schema does not take any value for; None where there is none but the target."""
    checked = (
        name for name, rules in schema.items() if rules.type in ("number", "integer", "category") and name != target
    )
    return next(checked, None)


def break_table(table: pd.DataFrame, schema: Schema, target: str) -> pd.DataFrame:
    """The table with a column that the schema does not know and, where it can be, a wrong value in the first rows."""
    bad, name = table.assign(**{COLUMN: 1}), column_to_break(schema, target)
    if name:
        bad[name] = [VALUE] * ROWS + bad[name].tolist()[ROWS:]
    return bad


def is_named(report: str, schema: Schema, target: str) -> bool:
    """Whether a report names the columns and lines of the file that are wrong in such a table."""
    lines, name = [line.strip() for line in report.splitlines()], column_to_break(schema, target)
    rows_named = any(line.startswith(f"column {name}: ") and f"line {LINES}" in line for line in lines)
    return f"column {COLUMN} is not in the schema" in lines and (rows_named or name is None)
