"""What comes in: read only once it is whole, checked before anything trains on it, put aside where it does not fit."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pandas as pd
import psutil
from fsspec.implementations.local import LocalFileSystem

from ..addresses import Address, file_name
from ..core import storage
from ..core.schema import Schema
from ..core.tables import accept
from ..errors import MOST_SECONDS, ProjectError
from ..settings import Settings

QUIET_SECONDS, SECONDS_BETWEEN = 2.0, 0.2
MILLISECONDS_TO_FIRST_LOOK = 200
RECEIVED, QUARANTINE, REPORT = "received", "quarantine", "report.txt"
MOST_IN_QUARANTINE = 20


def local_path(uri: Address) -> Path | None:
    """The path of an address on this machine; None for any other, also one that cannot be reached."""
    try:
        filesystem, path = fsspec.core.url_to_fs(uri.whole)
    except Exception:  # each kind of store has errors of its own; who fetches from it will say
        return None
    return Path(path) if isinstance(filesystem, LocalFileSystem) else None


def arrivals(path: Path) -> Iterator[None]:
    """Yield at first, and again once the file has changed since, even while whoever asks was busy.

    Raises ProjectError where there is no folder that the file could arrive in.
    """
    from watchfiles import watch  # no other command needs it

    if not path.parent.is_dir():
        raise ProjectError(f"{path.parent} is no folder, so that nothing can be watched there: make it first.")
    first = True
    for changed in watch(
        path.parent,
        watch_filter=lambda _, name: Path(name) == path,
        recursive=False,
        rust_timeout=MILLISECONDS_TO_FIRST_LOOK,
        yield_on_timeout=True,  # with no change: so that the first look comes when it is watching already
    ):
        if changed or first:
            yield
        first = False


def receive(settings: Settings, tell: Callable[[str], None]) -> bytes:
    """The content at data.uri, once nobody writes to it any more. tell: called when there is something to wait for."""
    data = settings.data
    path = local_path(data.uri)
    while True:
        before = settled(path, tell) if path else None
        content = storage.fetch(data.uri.whole, data.max_megabytes)
        if path is None or look(path) == before:
            storage.check_fingerprint(content, data.sha256, data.uri)
            return content


def look(path: Path) -> tuple[int, int] | None:
    """What changes when somebody writes to a file: its size and time; None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def settled(path: Path, tell: Callable[[str], None]) -> tuple[int, int] | None:
    """How a file looks after it has not changed for a while and no program has it open to write to.

    Raises ProjectError where a program has it open for far too long without writing anything.
    """
    seen, since, told = look(path), time.monotonic(), False
    while seen is not None:
        now = time.monotonic()
        age = max(now - since, time.time() - seen[1] / 1e9)
        writers = [] if age < QUIET_SECONDS else list(writing_to(path))
        if age >= QUIET_SECONDS and not writers:
            break
        if now - since > MOST_SECONDS:
            raise ProjectError(f"{path} has not changed for {MOST_SECONDS} seconds, but is still open to {writers}.")
        if not told:
            tell(f"Waiting until {path} is written to its end")
            told = True
        time.sleep(SECONDS_BETWEEN)
        if (new := look(path)) != seen:
            seen, since = new, time.monotonic()
    return seen


def writing_to(path: Path) -> Iterator[str]:
    """The programs that have this file open to write to, as far as this user may know."""
    wanted = os.path.realpath(path)
    for process in psutil.process_iter(["name"]):
        try:
            for file in process.open_files():
                if file.path == wanted and set(getattr(file, "mode", "r")) & set("wa+"):
                    yield f"{process.info['name']} ({process.pid})"
        except (psutil.Error, OSError):
            continue


def check(content: bytes, settings: Settings, schema: Schema | None) -> tuple[Path, pd.DataFrame, Schema]:
    """Hold the content against the schema; a copy of it for the pipeline, the table in it, and the schema it fits.

    Raises ProjectError where it does not fit, once the content is in quarantine with a report.
    """
    folder, name = Path(settings.state.data), file_name(settings.data.uri)
    try:
        table, schema = accept(content, settings, schema)
    except ProjectError as error:
        place = folder / QUARANTINE / storage.sha256(content)[:12]
        storage.write_file(place / name, content)
        storage.write_file(place / REPORT, f"{error}\n".encode())
        forget_oldest(place.parent)
        raise ProjectError(f"{error}\nNothing was trained. The table is in {place}, with this report.") from None
    storage.write_file(folder / RECEIVED / name, content)
    return folder / RECEIVED / name, table, schema


def forget_oldest(quarantine: Path) -> None:
    """Keep the newest tables of the quarantine: bad data that comes every night must not fill the disk."""
    tables = sorted(quarantine.iterdir(), key=lambda place: place.stat().st_mtime, reverse=True)
    for place in tables[MOST_IN_QUARANTINE:]:
        shutil.rmtree(place, ignore_errors=True)
