"""The one place where the core reads and writes tables and histories.

What is written appears whole or not at all: first beside its place, then renamed into it.
"""

import csv
import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Literal

import fsspec
import pandas as pd
from fsspec.implementations.local import LocalFileSystem

from ..errors import ProjectError
from .checking import DATE, TEXT, dtype_of
from .schema import Date, Schema
from .values import MOST_EXACT

UNFINISHED = ".writing-"  # how the folders begin in which something is written before it gets its place
DAY = 24 * 3600
BYTES_AT_ONCE = 2**20


def sha256(content: bytes) -> str:
    """The content's fingerprint: 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def fetch(uri: str, max_megabytes: float) -> bytes:
    """The bytes at a path or at any address that fsspec knows, secrets included.

    Raises ProjectError where there is nothing to be had.
    """
    with saying(f"{uri} cannot be read"), fsspec.open(uri, "rb") as source:
        content: bytes = source.read(int(max_megabytes * 1e6) + 1)
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


@contextmanager
def fetched(uri: str) -> Iterator[IO[bytes]]:
    """The content at an address, as a file of this machine to read piece by piece: however large, in little memory.

    Raises ProjectError where there is nothing to be had.
    """
    with tempfile.TemporaryFile() as here:
        with saying(f"{uri} cannot be read"), fsspec.open(uri, "rb") as source:
            shutil.copyfileobj(source, here, BYTES_AT_ONCE)
        here.seek(0)
        yield here


@contextmanager
def delivered(uri: str) -> Iterator[Path]:
    """A path to write to; what is there at the end is put at the address, whole, or nothing is."""
    with saying(f"{uri} cannot be written"):
        filesystem, path = fsspec.core.url_to_fs(uri)
    if isinstance(filesystem, LocalFileSystem):
        with new_file(Path(path)) as unfinished:
            yield unfinished
        return
    with tempfile.TemporaryDirectory() as folder:
        unfinished = Path(folder) / "unfinished"
        yield unfinished
        with saying(f"{uri} cannot be written"):
            filesystem.put_file(str(unfinished), path)


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Say as a ProjectError that begins so what keeps a store from being used."""
    try:
        yield
    except Exception as error:  # each kind of store has errors of its own
        why: BaseException = error
        while why.__cause__:  # fsspec finds no file where a server has refused to give it: the first error says that
            why = why.__cause__
        raise ProjectError(f"{what}: {type(why).__name__}: {why}") from None


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
    """A table as commas and UTF-8, the form in which the project keeps all of them: what is missing is empty."""
    plain = table.assign(**{str(name): column.astype("Int64") for name, column in table.items() if is_whole(column)})
    texts = (column.dropna() for _, column in table.items() if isinstance(column.dtype, pd.StringDtype))
    return plain.to_csv(index=False, lineterminator="\n", quoting=quoting_for(texts)).encode()


def is_whole(column: pd.Series) -> bool:
    """Whether all numbers of a column are whole: then they are written without a point."""
    known = column.dropna()
    return bool(known.dtype == "float64" and (known.abs() < MOST_EXACT).all() and (known % 1 == 0).all())


def quoting_for(columns: Iterable[Iterable[str]]) -> Literal[0, 2]:
    """How to quote these texts: Python leaves a lone carriage return unquoted, and readers begin a new row there."""
    returns = any("\r" in text for column in columns for text in column)
    return csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table to a file."""
    write_file(path, as_csv(table))


def read_table(source: Path | IO[bytes], schema: Schema) -> pd.DataFrame:
    """A table that the project has written, with the types of the schema. Raises ProjectError where there is none."""
    dates = [name for name, rules in schema.items() if isinstance(rules, Date)]
    dtypes = {name: TEXT if name in dates else dtype_of(rules) for name, rules in schema.items()}
    try:
        table = pd.read_csv(source, dtype=dtypes, keep_default_na=False, na_values=[""], low_memory=False)
        for name in dates:
            table[name] = pd.Series(pd.to_datetime(table[name], format="ISO8601"), dtype=DATE)
    except FileNotFoundError:
        raise ProjectError(f"{source} is not there yet: fetch the data first, with the command `data`.") from None
    except (ValueError, KeyError) as error:
        raise ProjectError(
            f"{source} does not have the types of its schema ({error}). Fetch the data anew, with the command `data`."
        ) from None
    return table


def append_history(row: dict[str, Any], path: Path) -> pd.DataFrame:
    """Add a line to the score history, keeping as text what is there; the whole history."""
    lines = [pd.DataFrame([row]).astype(str)]
    if path.exists():
        lines.insert(0, pd.read_csv(path, dtype=str, keep_default_na=False))
    history = pd.concat(lines, ignore_index=True).fillna("")
    write_table(history, path)
    return history
