"""What the server of this machine serves: the models it has, which of them it is to load, and how it is reached.

<folder>/models/<digest>/   whole folders of models
<folder>/served, beside     the digest of the model to load under either name; written before the server is asked to
<folder>/current            the digest that it has served last, which it notes itself
<folder>/server.json        where it listens and the token of who replaces models, for as long as it runs
"""

import json
import shutil
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NoReturn

from filelock import FileLock, Timeout

from ...core.kept_models import checked, put
from ...core.locking import alone
from ...core.model_folder import ModelFolder
from ...core.storage import new_file, write_file
from ...errors import ProjectError

Name = Literal["served", "beside"]
DIGITS = 12  # of the digest, in the name of a folder


@dataclass(frozen=True)
class Running:
    """A server: its process, where it answers everybody, where it counts, and where it loads models.

    token: what it wants to see there. All addresses are of this machine.
    """

    pid: int
    url: str
    metrics: str
    control: str
    token: str


class ServingFolder:
    """One folder, for one server. A model is known in it by its digest, never by a path."""

    def __init__(self, path: Path) -> None:
        """path: made where it is not there."""
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def choose(self, name: Name, model: ModelFolder) -> None:
        """Keep a model here, as the one to be loaded next under this name."""
        with self._alone():
            put(model, self.path / "models")
            write_file(self.path / name, f"{model.sha256}\n".encode())

    def chosen(self, name: Name) -> ModelFolder:
        """The model to load under this name. Raises ProjectError where there is none, or not all of it."""
        return self.model(self._digest(name))

    def model(self, sha256: str | None) -> ModelFolder:
        """The model of this digest. Raises ProjectError where it is not here, whole."""
        place = self.path / "models" / (sha256 or "none")[:DIGITS]
        if not place.is_dir():
            raise ProjectError(f"{self.path} has no such model.")
        folder = checked(place)
        if folder.sha256 != sha256:
            raise ProjectError(f"{place} holds the model {folder.sha256}, and not {sha256}.")
        return folder

    @property
    def current(self) -> str | None:
        """The digest of the model that was served last; None before the first."""
        return self._digest("current")

    def note_current(self, sha256: str) -> None:
        """Note what is served now, and forget the models that are neither that nor chosen."""
        with self._alone():
            write_file(self.path / "current", f"{sha256}\n".encode())
            needed = {sha256, self._digest("served"), self._digest("beside")}
            for place in (self.path / "models").iterdir():
                if place.name not in {digest[:DIGITS] for digest in needed if digest} and place.name[0] != ".":
                    shutil.rmtree(place, ignore_errors=True)

    def note_running(self, server: Running) -> None:
        """Say how the server is reached, to whoever owns this folder."""
        with new_file(self.path / "server.json") as unfinished:
            unfinished.touch(0o600)
            unfinished.write_text(json.dumps(asdict(server)), encoding="utf-8")

    def note_ended(self) -> None:
        """Nothing runs any more."""
        (self.path / "server.json").unlink(missing_ok=True)

    def running(self) -> Running | None:
        """How the server is reached, as it said when it started; None where none has, or it has ended.

        One that was killed has not said so, and what listens now where it did may be anybody's.
        """
        try:
            said = (self.path / "server.json").read_text(encoding="utf-8")
            return Running(**json.loads(said)) if is_held(self.lock) else None
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise ProjectError(f"{self.path / 'server.json'} says nothing of a server: {error}. Remove it.") from None

    def refuse(self) -> NoReturn:
        """Raise ProjectError, for who would be a second server."""
        raise ProjectError(f"A server runs in {self.path} already. Stop that one first.")

    @property
    def lock(self) -> Path:
        """The file that the server holds, for as long as it lives."""
        return self.path / ".server.lock"

    def _alone(self) -> AbstractContextManager[None]:
        """While a model is chosen, or others are forgotten: what is about to be chosen would be, too."""
        return alone(self.path / ".choosing.lock")

    def _digest(self, name: str) -> str | None:
        """The digest in a file of this name; None where there is no such file."""
        try:
            return (self.path / name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None


def is_held(lock: Path) -> bool:
    """Whether another process holds this lock file; yes where the file system knows no locks."""
    try:
        with FileLock(lock, timeout=0):
            return False
    except (Timeout, NotImplementedError):
        return True
