"""A candidate beside the model in use: shown to a person, tested, and released if they agree."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..core.model_folder import ModelFolder
from ..core.record import settings_of
from ..errors import ProjectError
from ..releases.record import POINTER, Pointer, read_pointer
from ..releases.releasing import check_format, release_model
from ..releases.store import fetched_model, read_release
from ..settings import Settings
from ..tracking import registry, runs

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import

SCORING_TESTS = Path("tests/scoring")


def propose(client: "MlflowClient", number: str | None, note: str, settings: Settings) -> None:
    """Show a version beside the model in use, test how it answers, ask, and release it."""
    from .comparison import readable

    found = registry.by_number(client, number) if number else registry.challenger(client)
    pointer = read_pointer()
    with runs.fetched_model(found.run_id, found.sha256, found.old) as candidate:
        check_format(candidate)
        with readable(in_use(pointer, settings) if pointer else None) as (champion, absent):
            warn_of_another_champion(client, champion)
            show(found.run_id, candidate, champion, absent, Path(settings.state.reports))
        run_scoring_tests(candidate)
        if typer.confirm(f"Release version {found.number}?"):
            note = note or f"Version {found.number} of run {found.run_id}."
            release_model(candidate, settings, note, pointer, typer.echo)
        else:
            typer.echo("Nothing was released.")


@contextmanager
def in_use(pointer: Pointer, settings: Settings) -> Iterator[ModelFolder]:
    """The model that is pointed at, for as long as it is needed."""
    with fetched_model(read_release(pointer, settings.state.releases)) as folder:
        yield folder


def warn_of_another_champion(client: "MlflowClient", current: ModelFolder | None) -> None:
    """Say where the registry has another model in use than this checkout: one of the two is not up to date."""
    champion = registry.by_alias(client, registry.CHAMPION)
    if champion and (current is None or champion.sha256 != current.sha256):
        here = f"model {current.sha256[:12]}" if current else "no model that can be read"
        typer.echo(
            f"The registry says that version {champion.number} is in use, {POINTER} of this checkout says {here}. "
            "If somebody has released since, get their commit first."
        )


def show(run_id: str, candidate: ModelFolder, champion: ModelFolder | None, absent: str, folder: Path) -> None:
    """Compare a candidate with the model in use on the rows that its run has held out; print it, and draw it.

    absent: why there is no model in use, where there is none.
    """
    from ..core.data import known_rows, split
    from .comparison import PICTURE, as_table, compare

    made_with = settings_of(candidate.record, f"run {run_id}")
    table, _ = runs.data_of(run_id, candidate.record)
    _, held_out = split(known_rows(table, made_with), made_with)
    found = compare(candidate, champion, held_out, made_with, folder, absent)
    typer.echo(as_table(found))
    typer.echo(found.verdict)
    if found.changed is not None:
        typer.echo(f"The two predict another class for {found.changed:.1%} of {found.rows} rows.")
    typer.echo(f"The picture is {folder / PICTURE}.")


def run_scoring_tests(candidate: ModelFolder) -> None:
    """Run the tests of how a model answers with this one. Raises ProjectError where one fails."""
    command = [sys.executable, "-m", "pytest", "-q", str(SCORING_TESTS)]
    done = subprocess.run(
        command,
        env=os.environ | {"CANDIDATE": str(candidate.place)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise ProjectError(f"The candidate fails {SCORING_TESTS}, and is not released:\n{done.stdout}{done.stderr}")
    typer.echo(f"{SCORING_TESTS}: {done.stdout.strip().splitlines()[-1]}")
