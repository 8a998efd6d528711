"""The command `watch`, as a process of its own beside the demo."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import Self

from {{cookiecutter.project_slug}}.errors import ProjectError

from ..workspace import COMMAND, Workspace, last_lines

ANSWERS = ("Nothing new", "Error: ", "Run ")  # how its last words on a table begin
MOST_SECONDS, SECONDS_BETWEEN = 600, 0.5


class Watcher:
    """Watches the workspace until the end."""

    def __init__(self, workspace: Workspace) -> None:
        """workspace: where it will run."""
        self._folder, self._log, self._heard = workspace.folder, workspace.folder / "watch.log", 0

    def __enter__(self) -> Self:
        """Begin to watch, in a process group of its own: its trainings are processes too."""
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                [str(COMMAND), "watch"], cwd=self._folder, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching, and whatever it trains."""
        with suppress(ProcessLookupError):  # it has ended by itself, and left nothing behind
            os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()

    def answer(self) -> str:
        """Its last words on the next table that it looks at. Raises ProjectError where none come."""
        end = time.monotonic() + MOST_SECONDS
        while time.monotonic() < end:
            lines = self._log.read_text("utf-8", "replace").splitlines(keepends=True)
            for number in range(self._heard, len(lines)):
                if lines[number].startswith(ANSWERS) and lines[number].endswith("\n"):
                    self._heard = len(lines)
                    return "".join(lines[number:])
            if self._process.poll() is not None:
                raise ProjectError(f"`watch` has ended:\n{last_lines(''.join(lines))}")
            time.sleep(SECONDS_BETWEEN)
        raise ProjectError(f"`watch` did nothing for {MOST_SECONDS} seconds. It said:\n{last_lines(''.join(lines))}")
