"""The table that comes in, and the checked one: how both get the types of the schema, and where the latter is kept."""

import gc
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from ..errors import ProjectError
from ..settings import TYPES, Read, Settings
from . import storage
from .checking import Findings, check_names, typed_table
from .csv_files import Cells, read_cells
from .data import check_columns, check_time, known_rows
from .inference import infer_schema
from .schema import Schema
from .schema_file import read_schema, write_schema
from .values import InFile

SCHEMA = Path("data/schema.yaml")
# The types of a schema that keep to what data.read.dtype says: a first table may have told more of it.
MEANT = {
    "text": ("text", "category", "date"),
    "category": ("category", "text"),
    "integer": ("integer", "number"),
    "number": ("number",),
    "boolean": ("boolean",),
}


def table_path(settings: Settings) -> Path:
    """Where the checked table is kept."""
    return Path(settings.state.data) / "table.csv"


def write_first_schema(schema: Schema) -> str:
    """Write down the schema of a first table; what to tell of it."""
    write_schema(schema, SCHEMA)
    return f"{SCHEMA} was written from this table: read it, and tighten what you know better."


def accept(content: bytes, settings: Settings, schema: Schema | None) -> tuple[pd.DataFrame, Schema]:
    """The table in this content, and the schema that it fits: the one given, or without one its own.

    Raises ProjectError, with columns and lines, where it does not fit, or cannot teach what is asked.
    """
    data = settings.data
    gc.freeze()  # or Python looks through all that is imported, again and again while rows come in: a third of the time

    def pieces() -> Iterator[Cells]:
        return read_cells(io.BytesIO(content), data.read, str(data.uri))

    check_columns(next(pieces()).columns, settings)
    schema = schema or infer_schema(pieces(), settings)
    check_hints(data.read, schema)
    table, lines = typed(pieces(), schema, data.read)
    check_time(table, lines, settings)
    known_rows(table, settings)
    return table, schema


def check_hints(read: Read, schema: Schema) -> None:
    """Raise ProjectError where data.read says another type of a column than the schema, which is what counts."""
    for name, rules in schema.items():
        said = read.dtype if isinstance(read.dtype, str) else read.dtype.get(name)
        if said and rules.type not in MEANT[TYPES[said]]:
            raise ProjectError(
                f"data.read.dtype in params.yaml says {said} of column {name!r}, and {SCHEMA} says {rules.type}. "
                "The schema counts: change it there, or take it out of data.read."
            )


def typed(pieces: Iterable[Cells], schema: Schema, read: Read) -> tuple[pd.DataFrame, list[int]]:
    """The cells as one table with the columns and types of the schema, and the line of each row.

    Raises ProjectError that says by column and line what does not fit.
    """
    form, findings = InFile(read), Findings()
    tables: list[pd.DataFrame] = []
    lines: list[int] = []
    for cells in pieces:
        if not lines:
            check_names(cells.columns, schema, findings)
        tables.append(typed_table(cells.columns, cells.lines, schema, form, findings))
        lines += cells.lines
    findings.refuse()
    return pd.concat(tables, ignore_index=True), lines


def checked_rows(settings: Settings) -> tuple[pd.DataFrame, Schema]:
    """The rows of the checked table that can teach or test, and the schema that they were checked against."""
    schema = read_schema(SCHEMA)
    if schema is None:
        raise ProjectError(f"{SCHEMA} is not there yet: fetch the data first, with the command `data`.")
    return known_rows(storage.read_table(table_path(settings), schema), settings), schema
