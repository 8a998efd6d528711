"""The pointer at the release that is to run: one for each environment, moved only from what it is known to say.

<file>.yaml                              committed: whoever has a commit has the model that belongs to it
<address>/<environment>/00000001.json    entries, each created and never written over: the highest number counts
"""

import json
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from posixpath import basename
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import uuid4

import fsspec
import yaml
from fsspec.implementations.local import LocalFileSystem
from pydantic import ValidationError

from ..core.locking import alone
from ..core.record import Digest, Fixed, as_json
from ..core.storage import UNFINISHED, forget_unfinished, sha256, write_file
from ..errors import ProjectError, shortened
from ..settings import PRODUCTION, Settings
from .record import Pointer
from .store import reaching

POINTER = Path("deploy/release.yaml")
LOCK = POINTER.with_name(".release.lock")
ABOUT = "# The release that is to run. `publish` and `rollback` write this; commit it, and CI deploys it.\n"
ENVIRONMENT = re.compile("[a-z0-9-]{1,40}")
ENTRY = re.compile(r"([0-9]{8})\.json")
SCHEMES = {"file", "local", "s3", "s3a"}  # of the stores that are known to create a file for one of two alone
TRIAL = ".exclusive"
MOST_BYTES_OF_AN_ENTRY = 2**20
MOST_LETTERS = 1000
PAUSES = (0.01, 0.1, 0.5, 0.5, 0)  # seconds, for an entry that is just being written
MOST_MOVES = 1000


class Move(Fixed):
    """That a pointer was moved: to which record, by whom or what, when (UTC) and why.

    by, at, why: None in a committed file, of which git knows them. id: tells it from any other of the same content.
    """

    record: str
    sha256: Digest
    by: str | None = None
    at: str | None = None
    why: str | None = None
    id: str | None = None

    @property
    def pointer(self) -> Pointer:
        """What is pointed at since."""
        return Pointer(record=self.record, sha256=self.sha256)

    def as_bytes(self) -> bytes:
        """The content of the entry, with a checksum."""
        fields = self.model_dump()
        return as_json(fields | {"checksum": sha256(as_json(fields))})


class PointerStore(Protocol):
    """Where the pointer of an environment is. place: for people. committed: whether it counts once it is committed."""

    place: str
    committed: bool

    def read(self) -> Pointer | None:
        """What is pointed at; None before the first release. Raises ProjectError where that cannot be told."""

    def move(self, before: Pointer | None, to: Pointer, by: str, why: str) -> None:
        """Point at another release. Raises ProjectError, and changes nothing, where it does not say `before` any more.

        Of several who move it at once, one does. by: who or what moves it.
        """

    def history(self, most: int = MOST_MOVES) -> list[Move]:
        """How it was moved, the newest first; in a committed file what it says now, and no more."""


def pointer_of(settings: Settings, environment: str = PRODUCTION) -> PointerStore:
    """The pointer of an environment. Raises ProjectError where there cannot be one."""
    address = settings.state.pointer
    if not ENVIRONMENT.fullmatch(environment):
        name = shortened(repr(environment))
        raise ProjectError(f"{name} is no name of an environment: up to 40 of a to z, 0 to 9 and -, as in staging-2.")
    if not address.endswith(".yaml"):
        return NumberedEntries(address, environment)
    if "://" in address:
        raise ProjectError(f"state.pointer in params.yaml is {address}: a file is one of this project, else a folder.")
    if environment != PRODUCTION:
        raise ProjectError(
            f"{address} is for {PRODUCTION} alone. For {environment}, too, set state.pointer in params.yaml to a "
            "folder or to an address such as s3://bucket/pointers, and publish again."
        )
    return CommittedFile(Path(address))


def changed(place: str) -> ProjectError:
    """The error for who comes second."""
    return ProjectError(
        f"Meanwhile {place} was changed by somebody else. Nothing was released: see `released`, and decide anew."
    )


class CommittedFile:
    """A file of the project; on two machines, git's refused push keeps one of two from moving it."""

    committed = True

    def __init__(self, path: Path) -> None:
        """path: of a YAML file, which need not be there yet."""
        self.path, self.place = path, str(path)

    def read(self) -> Pointer | None:
        """What the file says."""
        return read_pointer(self.path)

    def move(self, before: Pointer | None, to: Pointer, by: str, why: str) -> None:
        """Write the file; by and why are for the commit to say."""
        with alone(LOCK):
            if self.read() != before:
                raise changed(self.place)
            write_pointer(to, self.path)

    def history(self, most: int = MOST_MOVES) -> list[Move]:
        """What the file says now."""
        pointer = self.read()
        return [Move(**pointer.model_dump())] if pointer else []


def read_pointer(path: Path = POINTER) -> Pointer | None:
    """What a pointer in a file says; None before the first release. Raises ProjectError where it makes no sense."""
    if not path.exists():
        return None
    try:
        return Pointer.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        raise ProjectError(f"{path} does not point at a release: {error}\nRestore it from version control.") from None


def write_pointer(pointer: Pointer, path: Path = POINTER) -> None:
    """Let a pointer in a file say this."""
    text = yaml.safe_dump(pointer.model_dump(), sort_keys=False, allow_unicode=True, width=10_000)
    write_file(path, (ABOUT + text).encode())


class NumberedEntries:
    """Entries in a folder of this machine or of S3.

    A number that is missing changes nothing, and what has the name of no entry is passed over. An entry that is none,
    or not whole, is an error: what is to run is never guessed.
    """

    committed = False

    def __init__(self, address: str, environment: str) -> None:
        """address: of the folder in which each environment has one. Raises ProjectError for other kinds of stores."""
        scheme, mark, _ = address.partition("://")
        if "::" in address or (mark and scheme not in SCHEMES):
            raise ProjectError(
                f"state.pointer in params.yaml is {address}: entries that nobody writes over are known to work in a "
                "folder and in s3:// alone, so it has to be one of these, or a .yaml file to commit."
            )
        self.place = f"{address.rstrip('/')}/{environment}"
        with reaching(self.place):  # with a connection of its own, as one that is shared remembers what it has listed
            self._files, self._folder = fsspec.core.url_to_fs(
                self.place, skip_instance_cache=True, use_listings_cache=False
            )

    def read(self) -> Pointer | None:
        """What the entry with the highest number says."""
        numbers = self._numbers()
        return self._entry(numbers[0]).pointer if numbers else None

    def move(self, before: Pointer | None, to: Pointer, by: str, why: str) -> None:
        """Create the next entry; who comes second to its number has moved nothing."""
        numbers = self._numbers()
        if (self._entry(numbers[0]).pointer if numbers else None) != before:
            raise changed(self.place)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        by, why = shortened(by, MOST_LETTERS), shortened(why, MOST_LETTERS)
        move = Move(record=to.record, sha256=to.sha256, by=by, at=now, why=why, id=uuid4().hex)
        number = numbers[0] + 1 if numbers else 1
        with reaching(self.place):
            self._check_exclusive()
            # Who has asked twice, since the first answer was lost, is refused, too: so whose it is decides.
            if not self._create(name_of(number), move.as_bytes()) and self._entry(number) != move:
                raise changed(self.place)

    def history(self, most: int = MOST_MOVES) -> list[Move]:
        """What the entries say that are there."""
        return [self._entry(number) for number in self._numbers()[:most]]

    def _numbers(self) -> list[int]:
        """The numbers that are there, the highest first. Raises ProjectError where one names no plain, small file."""
        with reaching(self.place):
            try:
                found = self._files.ls(self._folder, detail=True)
            except FileNotFoundError as error:
                if error.__cause__:
                    raise  # of a store in which there is no such bucket
                return []
        entries = [one for one in found if ENTRY.fullmatch(basename(one["name"]))]
        for one in entries:
            if one["type"] != "file" or one["size"] > MOST_BYTES_OF_AN_ENTRY:
                raise ProjectError(f"{self.place}/{basename(one['name'])} is no entry: a link, a folder or too large.")
        return sorted((int(basename(one["name"])[:8]) for one in entries), reverse=True)

    def _entry(self, number: int) -> Move:
        """The entry of this number. Raises ProjectError where it is none, or stays half-written."""
        where = f"{self.place}/{name_of(number)}"
        for pause in PAUSES:
            with reaching(where):
                content = self._files.cat_file(f"{self._folder}/{name_of(number)}")
            try:
                return parse_move(content)
            except (ValueError, TypeError, RecursionError) as error:
                why = error
                time.sleep(pause)
        raise ProjectError(
            f"{where} is no whole entry ({shortened(repr(why), 200)}): somebody spoiled it, or was killed while "
            "writing it. What is to run cannot be told. Restore it; or remove it: then the entry before counts again."
        )

    def _create(self, name: str, content: bytes) -> bool:
        """Create a file; False where there is one, which is left as it is."""
        path = f"{self._folder}/{name}"
        try:
            if isinstance(self._files, LocalFileSystem):
                create(Path(path), content)
            else:
                self._files.pipe_file(path, content, mode="create")
        except Exception:  # stores, and what talks as they do, say in words of their own that it is there
            if not self._files.exists(path):
                raise
            return False
        return True

    def _check_exclusive(self) -> None:
        """Raise ProjectError where the store writes over what is there although it is told not to.

        Some that talk as S3 does are deaf to that, and so are old versions of s3fs and of botocore.
        """
        if isinstance(self._files, LocalFileSystem):
            return
        if self._create(TRIAL, b"") and self._create(TRIAL, b""):
            raise ProjectError(
                f"{self.place} cannot be used: this store writes over what is there, so of two who release at once, "
                "both would. Bring s3fs up to date with `uv lock --upgrade`, or use a store that knows If-None-Match."
            )


def name_of(number: int) -> str:
    """How the file of an entry is named."""
    return f"{number:08d}.json"


def parse_move(content: bytes) -> Move:
    """The move in an entry. Raises ValueError, TypeError or RecursionError where it is none, or not whole."""
    fields = dict(json.loads(content))
    if fields.pop("checksum", None) != sha256(as_json(fields)):
        raise ValueError("its checksum is another")
    return Move.model_validate(fields)


def create(path: Path, content: bytes) -> None:
    """Create a file, which appears whole. Raises FileExistsError where there is one, and leaves it as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    forget_unfinished(path.parent)
    with TemporaryDirectory(dir=path.parent, prefix=UNFINISHED) as folder:
        unfinished = Path(folder) / path.name
        write_through(unfinished, content)
        try:
            os.link(unfinished, path)
        except FileExistsError:
            raise
        except OSError:  # no hard links, as on exFAT and on some shares: there it is half-written for a moment
            write_through(path, content)


def write_through(path: Path, content: bytes) -> None:
    """Create a file down to the disk. Raises FileExistsError where there is one; what fails halfway leaves none."""
    with path.open("xb") as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise
