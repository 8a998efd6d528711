"""The one place where the core reads and writes: tables, schemas, models, histories.

What is written appears whole or not at all: first beside its place, then renamed into it.
"""

import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import yaml

from ..errors import ProjectError
from .schema import Schema, words

# What a model file may hold besides what skops knows to be harmless. Add your model's types after a look at them.
TRUSTED = ["numpy.dtype"]
MODEL, RECORD, LATEST = "model.skops", "model.json", "latest"


def sha256(content: bytes) -> str:
    """The content's fingerprint: 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def fetch(uri: str, max_megabytes: float) -> bytes:
    """The bytes at a path or at any address that fsspec knows. Raises ProjectError where there is nothing to be had."""
    try:
        with fsspec.open(uri, "rb") as source:
            content = source.read(int(max_megabytes * 1e6) + 1)
    except (OSError, ValueError, ImportError) as error:
        raise ProjectError(f"{uri} cannot be read: {error}") from None
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
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        unfinished.replace(path)


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


def read_table(path: Path, schema: Schema) -> pd.DataFrame:
    """A table that the project has written, with the types of the schema. Raises ProjectError where there is none."""
    try:
        return pd.read_csv(path, dtype=words(schema), low_memory=False)
    except FileNotFoundError:
        raise ProjectError(f"{path} is not there yet: fetch the data first, with the command `data`.") from None


def write_schema(schema: Schema, path: Path) -> None:
    """Write the schema as YAML that people edit: one line per column."""
    style: dict[str, Any] = {"default_flow_style": True, "sort_keys": False, "width": 10_000, "allow_unicode": True}
    lines = [
        f"  {json.dumps(name, ensure_ascii=False)}: {yaml.safe_dump(rules, **style).strip()}"
        for name, rules in schema.items()
    ]
    about = "# What every table must look like, written down from the first one. Tighten it: it is yours now.\n"
    with new_file(path) as unfinished:
        unfinished.write_text(about + "columns:\n" + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")


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
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProjectError(
            f"{path} cannot be understood: {error}. Mend it, or delete it to have it written anew."
        ) from None
    return columns


def write_model(model: Any, record: dict[str, Any], files: dict[str, bytes], models: Path) -> Path:
    """Write a model into a folder of its own, named by its fingerprint, and point `latest` at it; the folder.

    record, files: as for `complete_model`.
    """
    with new_model(models) as unfinished:
        save_model(model, unfinished / MODEL)
        complete_model(unfinished, record, files)
    return latest_model(models)


@contextmanager
def new_model(models: Path) -> Iterator[Path]:
    """An empty folder to put a model into; at the end it gets its place among the models, and `latest` points at it."""
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".writing-") as folder:
        unfinished = Path(folder) / "model"
        unfinished.mkdir()
        yield unfinished
        place = models / read_record(unfinished)["sha256"][:12]
        shutil.rmtree(place, ignore_errors=True)
        unfinished.rename(place)
    with new_file(models / LATEST) as pointer:
        pointer.write_text(place.name + "\n", encoding="utf-8")


def save_model(model: Any, path: Path) -> None:
    """Write a fitted model to a file that runs no code when it is loaded."""
    from skops.io import dump  # here and below: takes seconds to import, since it imports all of scikit-learn

    dump(model, path)


def complete_model(place: Path, record: dict[str, Any], files: dict[str, bytes]) -> None:
    """Put these files, and the record with the model's fingerprint added, beside the model in this folder.

    record: what is known of the model, kept as JSON. files: by name.
    """
    digest = sha256((place / MODEL).read_bytes())
    text = json.dumps({"sha256": digest} | record, indent=2, ensure_ascii=False)
    (place / RECORD).write_text(text + "\n", encoding="utf-8", newline="\n")
    for name, content in files.items():
        (place / name).write_bytes(content)


def latest_model(models: Path) -> Path:
    """The folder of the model trained last. Raises ProjectError where there is none."""
    try:
        place = models / (models / LATEST).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ProjectError(f"There is no model in {models} yet: train one first, with the command `train`.") from None
    if not (place / MODEL).is_file():
        raise ProjectError(f"{models / LATEST} points at {place.name}, which is not there: train again.")
    return place


def read_record(place: Path) -> dict[str, Any]:
    """What is known of the model in this folder. Raises ProjectError where its file is not the one that was written."""
    record: dict[str, Any] = json.loads((place / RECORD).read_text(encoding="utf-8"))
    if sha256((place / MODEL).read_bytes()) != record["sha256"]:
        raise ProjectError(
            f"{place / MODEL} is not the file that was written with its record: it was changed or cut off."
        )
    return record


def read_model(place: Path) -> tuple[Any, dict[str, Any]]:
    """The model in this folder and its record. Raises ProjectError where the file is not the one that was written."""
    record = read_record(place)
    return load_model(place / MODEL), record


def load_model(path: Path) -> Any:
    """The model in a file. Raises ProjectError where it holds something that is not known to be harmless."""
    from skops.io import load
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return load(path, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise ProjectError(f"{path} is not loaded: {error} Add what you trust to TRUSTED in storage.py.") from None


def append_history(row: dict[str, Any], path: Path) -> pd.DataFrame:
    """Add a line to the score history, keeping as text what is there; the whole history."""
    lines = [pd.DataFrame([row]).astype(str)]
    if path.exists():
        lines.insert(0, pd.read_csv(path, dtype=str, keep_default_na=False))
    history = pd.concat(lines, ignore_index=True).fillna("")
    write_table(history, path)
    return history
