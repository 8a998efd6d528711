"""The checked table and its schema: where the project keeps them, and how they are read."""

from pathlib import Path

import pandas as pd

from ..errors import ProjectError
from ..settings import Settings
from . import storage
from .data import known_rows
from .schema import Schema

SCHEMA = Path("data/schema.yaml")


def table_path(settings: Settings) -> Path:
    """Where the checked table is kept."""
    return Path(settings.state.data) / "table.csv"


def write_first_schema(schema: Schema) -> str:
    """Write down the schema of a first table; what to tell of it."""
    storage.write_schema(schema, SCHEMA)
    return f"{SCHEMA} was written from this table: read it, and tighten what you know better."


def checked_rows(settings: Settings) -> tuple[pd.DataFrame, Schema]:
    """The rows of the checked table that can teach or test, and the schema that they were checked against."""
    schema = storage.read_schema(SCHEMA)
    if schema is None:
        raise ProjectError(f"{SCHEMA} is not there yet: fetch the data first, with the command `data`.")
    return known_rows(storage.read_table(table_path(settings), schema), settings), schema
