"""A target that CI deploys to: it brings what deploy/release.yaml of the branch says, and asks it there.

From here it can be neither asked nor watched. A candidate is tried in a server that runs for as long as that takes.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import __name__ as package
from ..core.model_folder import ModelFolder
from ..errors import MOST_SECONDS
from ..releases.pointers import CommittedFile
from ..releases.record import Pointer
from .committing import commit_and_push
from .local.folder import ServingFolder
from .local.target import LocalTarget
from .targets import Ask, MissingTargetError, Requests


class PushedFile(CommittedFile):
    """The pointer in a checkout of CI, which is moved by a commit that is pushed."""

    committed = False  # nobody has to do it

    def move(self, before: Pointer | None, to: Pointer, by: str, why: str) -> None:
        """Write, commit and push it; where the push is refused, it is as before, and ProjectError is raised."""
        super().move(before, to, by, why)
        commit_and_push(f"Release {to.record.split('/')[-2]}\n\n{why} Decided by {by}.")


class CiTarget:
    """What is committed is what CI deploys."""

    def serves(self) -> str | None:
        """Not known here."""
        return None

    @contextmanager
    def beside(self, candidate: ModelFolder) -> Iterator[Ask]:
        """What asks the candidate in a server of its own."""
        with (
            tempfile.TemporaryDirectory(prefix="serving-") as place,
            server_in(Path(place)) as folder,
            LocalTarget(folder).beside(candidate) as ask,
        ):
            yield ask

    def promote(self, model: ModelFolder) -> None:
        """Nothing: the pointer was pushed, which CI follows."""

    def requests(self) -> dict[str, Requests] | None:
        """Not known here."""
        return None


@contextmanager
def server_in(place: Path) -> Iterator[ServingFolder]:
    """The folder of a server that runs here for a while. Raises ProjectError where it does not come up."""
    folder, log = ServingFolder(place), place / "log"
    command = [sys.executable, "-m", f"{package}.rollout.local", str(place)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
        try:
            end = time.monotonic() + MOST_SECONDS
            while folder.running() is None:
                if server.poll() is not None or time.monotonic() > end:
                    raise MissingTargetError(f"No server to try the candidate in starts:\n{log.read_text('utf-8')}")
                time.sleep(0.1)
            yield folder
        finally:
            server.terminate()
