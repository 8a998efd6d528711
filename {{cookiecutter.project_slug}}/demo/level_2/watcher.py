"""The command `watch`, as a process of its own beside the demo."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import Self

import psutil

from {{cookiecutter.project_slug}}.errors import MOST_SECONDS, ProjectError

from ..workspace import COMMAND, Workspace, last_lines

ANSWERS = ("Nothing new", "Error: ", "Run ")  # how its last words on a table begin
SECONDS_BETWEEN = 0.5


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
        """Its last words on the next table that it looks at, however long it trains. ProjectError where none come."""
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < MOST_SECONDS:
            lines = self._log.read_text("utf-8", "replace").splitlines(keepends=True)
            for number in range(self._heard, len(lines)):
                if lines[number].startswith(ANSWERS) and lines[number].endswith("\n"):
                    self._heard = len(lines)
                    return "".join(lines[number:])
            if self._process.poll() is not None:
                raise ProjectError(f"`watch` has ended:\n{last_lines(''.join(lines))}")
            if psutil.Process(self._process.pid).children():
                idle_since = time.monotonic()
            time.sleep(SECONDS_BETWEEN)
        raise ProjectError(f"`watch` did nothing for {MOST_SECONDS} seconds. It said:\n{last_lines(''.join(lines))}")
