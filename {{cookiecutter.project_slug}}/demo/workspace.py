"""A project folder of the demo's own, in which the project's real commands run."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import yaml

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}}.core import storage
from {{cookiecutter.project_slug}}.core.schema_file import read_schema
from {{cookiecutter.project_slug}}.core.tables import SCHEMA, accept
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases import store
from {{cookiecutter.project_slug}}.releases.pointers import POINTER, read_pointer
from {{cookiecutter.project_slug}}.releases.record import Release
from {{cookiecutter.project_slug}}.serving.client import wait_until_ready
from {{cookiecutter.project_slug}}.serving.server import HERE, free_port
from {{cookiecutter.project_slug}}.settings import OWN, PARAMS, Settings, State

COMMAND = Path(sys.executable).parent / package
RECEIVED = "received.csv"
SAY_TYPES = ("dtype", "parse_dates")  # of the options of data.read
LAST_LINES = 15


def last_lines(text: str) -> str:
    """What a program said last."""
    return "\n".join(text.strip().splitlines()[-LAST_LINES:])


def run(*command: str | Path, cwd: Path, typed: str = "") -> str:
    """What a command prints, with this as its input. Raises ProjectError with its last lines where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    if done.returncode:
        raise ProjectError(f"`{' '.join(words)}` failed:\n{last_lines(done.stdout)}")
    return done.stdout


class Workspace:
    """The folder, with the project's settings and schema, and with models and releases of its own."""

    def __init__(self, folder: Path) -> None:
        """Make the folder anew: with settings that look for a table of commas and UTF-8, and read its text as text."""
        self.folder, self.url = folder, f"http://{HERE}:{free_port()}"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / SCHEMA).parent.mkdir(parents=True)
        if SCHEMA.exists():
            shutil.copy(SCHEMA, folder / SCHEMA)
        params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
        types = {name: value for name, value in (params["data"].get("read") or {}).items() if name in SAY_TYPES}
        read = OWN.model_dump(exclude_defaults=True) | types
        params["data"] |= {"uri": RECEIVED, "read": read, "sha256": None}
        self.releases = str(self.folder.absolute() / "releases")
        params["state"] = State.model_validate({"releases": self.releases}).model_dump()
        text = yaml.safe_dump(params, sort_keys=False, allow_unicode=True)
        (self.folder / PARAMS).write_text(text, encoding="utf-8")

    def receive(self, table: pd.DataFrame) -> None:
        """Put a table where the settings of this folder look for it."""
        storage.write_table(table, self.folder / RECEIVED)

    def command(self, *words: str, typed: str = "") -> str:
        """What one of the project's commands prints, run in this folder with this as its input."""
        return run(COMMAND, *words, cwd=self.folder, typed=typed)

    def released(self) -> Release:
        """What this folder points at, read from its store. Raises ProjectError where it points at nothing."""
        pointer = read_pointer(self.folder / POINTER)
        if pointer is None:
            raise ProjectError(f"{self.folder / POINTER} was not written.")
        return store.read_release(pointer, self.releases)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The released model is served at self.url, until the end. Raises ProjectError where it is not."""
        log = self.folder / "serve.log"
        command = [str(COMMAND), "serve", "--port", self.url.rpartition(":")[2]]
        with log.open("wb") as out:
            server = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_until_ready(self.url, running=lambda: server.poll() is None)
            yield
        except ProjectError as error:
            raise ProjectError(f"{error}\nThe server said:\n{last_lines(log.read_text('utf-8', 'replace'))}") from None
        finally:
            server.terminate()
            server.wait()


def own_table(settings: Settings) -> pd.DataFrame:
    """The project's own table, as its settings say where it is and how it is read."""
    content = storage.fetch(settings.data.uri, settings.data.max_megabytes)
    return accept(content, settings, read_schema(SCHEMA))[0]
