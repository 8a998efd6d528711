"""A candidate beside the model in use: shown to a person, tested, and released if they agree."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import ProjectError
from ..releases.record import Release, read_pointer
from ..releases.releasing import release_model
from ..releases.store import fetched_model, read_release
from ..settings import Settings
from ..tracking import registry, runs

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import

SCORING_TESTS = Path("tests/scoring")


def propose(client: "MlflowClient", number: str | None, note: str, settings: Settings) -> None:
    """Show a version beside the model in use, test how it answers, ask, and release it."""
    follow(client)
    found = registry.by_number(client, number) if number else registry.challenger(client)
    current = current_release()
    with runs.fetched_model(found.run_id) as candidate:
        show(found.run_id, candidate, current, Path(settings.state.reports))
        run_scoring_tests(candidate)
        if typer.confirm(f"Release version {found.number}?"):
            release_model(candidate, settings, note or f"Version {found.number} of run {found.run_id}.", typer.echo)
        else:
            typer.echo("Nothing was released.")


def follow(client: "MlflowClient") -> None:
    """Let the registry's aliases follow what is released."""
    current = current_release()
    registry.follow_release(client, current.model.sha256 if current else None)


def current_release() -> Release | None:
    """What is released; None before the first release."""
    pointer = read_pointer()
    return read_release(pointer) if pointer else None


def show(run_id: str, candidate: Path, current: Release | None, folder: Path) -> None:
    """Compare a candidate with the model in use on the rows that its run has held out; print it, and draw it."""
    from ..core.data import known_rows, split
    from ..core.storage import read_record
    from .comparison import PICTURE, as_table, compare

    made_with = Settings.model_validate(read_record(candidate)["settings"])
    table, _ = runs.data_of(run_id)
    _, held_out = split(known_rows(table, made_with), made_with)
    with fetched_model(current) if current else nullcontext() as champion:
        found = compare(candidate, champion, held_out, made_with, folder)
    typer.echo(as_table(found))
    typer.echo(found.verdict)
    if found.changed is not None:
        typer.echo(f"The two predict another class for {found.changed:.1%} of {found.rows} rows.")
    typer.echo(f"The picture is {folder / PICTURE}.")


def run_scoring_tests(candidate: Path) -> None:
    """Run the tests of how a model answers with this one. Raises ProjectError where one fails."""
    command = [sys.executable, "-m", "pytest", "-q", str(SCORING_TESTS)]
    done = subprocess.run(
        command, env=os.environ | {"CANDIDATE": str(candidate)}, capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        raise ProjectError(f"The candidate fails {SCORING_TESTS}, and is not released:\n{done.stdout}{done.stderr}")
    typer.echo(f"{SCORING_TESTS}: {done.stdout.strip().splitlines()[-1]}")
