"""The one place where the core reads and writes tables, schemas and histories.

What is written appears whole or not at all: first beside its place, then renamed into it.
"""

import csv
import hashlib
import io
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import fsspec
import pandas as pd
import yaml

from ..errors import ProjectError
from .schema import Schema, words

UNFINISHED = ".writing-"  # how the folders begin in which something is written before it gets its place
DAY = 24 * 3600


def sha256(content: bytes) -> str:
    """The content's fingerprint: 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def fetch(uri: str, max_megabytes: float) -> bytes:
    """The bytes at a path or at any address that fsspec knows, secrets included.

    Raises ProjectError where there is nothing to be had.
    """
    try:
        with fsspec.open(uri, "rb") as source:
            content: bytes = source.read(int(max_megabytes * 1e6) + 1)
    except Exception as error:  # each kind of store has errors of its own
        why: BaseException = error
        while why.__cause__:  # fsspec finds no file where a server has refused to give it: the first error says that
            why = why.__cause__
        raise ProjectError(f"{uri} cannot be read: {type(why).__name__}: {why}") from None
    if len(content) > max_megabytes * 1e6:
        raise ProjectError(
            f"{uri} is larger than {max_megabytes:g} MB. If the memory of this machine holds several times its size, "
            "raise data.max_megabytes in params.yaml; else take a sample."
        )
    return content


def check_fingerprint(content: bytes, expected: str | None, uri: str) -> None:
    """Raise ProjectError where the content is not the one that params.yaml asks for."""
    if expected and sha256(content) != expected.lower():
        raise ProjectError(
            f"{uri} is not the content that data.sha256 in params.yaml asks for, but {sha256(content)}. "
            "If that is the table you want, write this value there."
        )


def parse_table(content: bytes, uri: str, read: dict[str, Any], schema: Schema | None = None) -> pd.DataFrame:
    """The table in these bytes, its text as the schema tells it from numbers where there is one.

    read: arguments of pandas.read_csv. Raises ProjectError where the table is empty, cut off, or names a column twice.
    """
    try:
        check_lines(content.decode(read.get("encoding", "utf-8-sig")), read.get("sep", ","), uri)
        options: dict[str, Any] = {"low_memory": False, "dtype": words(schema)} | read
        table: pd.DataFrame = pd.read_csv(io.BytesIO(content), **options)
        return table
    except (ValueError, LookupError, TypeError, csv.Error) as error:
        how = read or "commas and UTF-8"
        raise ProjectError(f"{uri} cannot be read as {how} (data.read in params.yaml): {error}") from None


def check_lines(text: str, separator: str, uri: str) -> None:
    """Raise ProjectError where the header names a column twice, or a line has more or fewer fields than the header."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header = next(lines, [])
    if not header:
        raise ProjectError(f"{uri} is empty.")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise ProjectError(f"{uri} has more than one column named {twice}.")
    rows = 0
    for fields in lines:
        if fields and len(fields) != len(header):
            raise ProjectError(
                f"Line {lines.line_num} of {uri} has {len(fields)} fields, the header {len(header)}: "
                "is the file cut off, or separated otherwise (data.read in params.yaml)?"
            )
        rows += bool(fields)
    if not rows:
        raise ProjectError(f"{uri} has a header and no rows.")


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path to write to; what is there at the end takes the place of `path` at once, or nothing does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    forget_unfinished(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=UNFINISHED) as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        unfinished.replace(path)


def forget_unfinished(folder: Path) -> None:
    """Remove what processes that were killed, a day ago or longer, have left unfinished in a folder."""
    for left in folder.glob(f"{UNFINISHED}*"):
        with suppress(FileNotFoundError):  # another process has come to its end
            if time.time() - left.lstat().st_mtime > DAY:
                shutil.rmtree(left, ignore_errors=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a file that appears whole."""
    with new_file(path) as unfinished:
        unfinished.write_bytes(content)


def as_csv(table: pd.DataFrame) -> bytes:
    """A table as commas and UTF-8, the form in which the project keeps all of them."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table to a file."""
    write_file(path, as_csv(table))


def read_table(source: Path | IO[bytes], schema: Schema) -> pd.DataFrame:
    """A table that the project has written, with the types of the schema. Raises ProjectError where there is none."""
    try:
        return pd.read_csv(source, dtype=words(schema), low_memory=False)
    except FileNotFoundError:
        raise ProjectError(f"{source} is not there yet: fetch the data first, with the command `data`.") from None


def as_yaml(schema: Schema) -> bytes:
    """The schema as YAML that people edit: one line per column."""
    style: dict[str, Any] = {"default_flow_style": True, "sort_keys": False, "width": 10_000, "allow_unicode": True}
    lines = [
        f"  {json.dumps(name, ensure_ascii=False)}: {yaml.safe_dump(rules, **style).strip()}"
        for name, rules in schema.items()
    ]
    about = "# What every table must look like, written down from the first one. Tighten it: it is yours now.\n"
    return (about + "columns:\n" + "\n".join(lines) + "\n").encode()


def write_schema(schema: Schema, path: Path) -> None:
    """Write the schema to a file."""
    write_file(path, as_yaml(schema))


def read_schema(path: Path) -> Schema | None:
    """The schema that was written down; None if none was. Raises ProjectError where it cannot be understood."""
    if not path.exists():
        return None
    try:
        columns = yaml.safe_load(path.read_text(encoding="utf-8"))["columns"]
        for name, rules in columns.items():
            allowed = {"number": {"min", "max"}, "category": {"values"}, "boolean": set(), "text": set()}[rules["type"]]
            if set(rules) - allowed - {"type", "missing"} or not isinstance(rules["missing"], bool):
                raise ValueError(f"the rules of column {name} are not those of a {rules['type']}")
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProjectError(
            f"{path} cannot be understood: {error}. Mend it, or delete it to have it written anew."
        ) from None
    return columns


def append_history(row: dict[str, Any], path: Path) -> pd.DataFrame:
    """Add a line to the score history, keeping as text what is there; the whole history."""
    lines = [pd.DataFrame([row]).astype(str)]
    if path.exists():
        lines.insert(0, pd.read_csv(path, dtype=str, keep_default_na=False))
    history = pd.concat(lines, ignore_index=True).fillna("")
    write_table(history, path)
    return history
