"""A candidate beside the model in use: shown to a person, tested, and released if they agree."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..core.model_folder import ModelFolder
from ..errors import ProjectError
from ..releases.record import POINTER, Release, read_pointer
from ..releases.releasing import check_format, current_release, release_model, roll_back
from ..releases.store import fetched_model, read_release
from ..settings import Settings
from ..tracking import registry, runs

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import

SCORING_TESTS = Path("tests/scoring")


def propose(client: "MlflowClient", number: str | None, note: str, settings: Settings) -> None:
    """Show a version beside the model in use, test how it answers, ask, and release it."""
    found = registry.by_number(client, number) if number else registry.challenger(client)
    pointer = read_pointer()
    current = read_release(pointer, settings.state.releases) if pointer else None
    warn_of_another_champion(client, current)
    with runs.fetched_model(found.run_id, found.sha256) as candidate:
        check_format(candidate)
        show(found.run_id, candidate, current, Path(settings.state.reports))
        run_scoring_tests(candidate)
        if typer.confirm(f"Release version {found.number}?"):
            note = note or f"Version {found.number} of run {found.run_id}."
            release_model(candidate, settings, note, pointer, typer.echo)
            registry.make_champion(client, candidate.sha256)
        else:
            typer.echo("Nothing was released.")


def go_back(client: "MlflowClient", settings: Settings) -> None:
    """Point the project, and the registry, at the release before the current one."""
    roll_back(settings, typer.echo)
    registry.make_champion(client, current_release(settings).model.sha256)


def warn_of_another_champion(client: "MlflowClient", current: Release | None) -> None:
    """Say where the registry has another model in use than this checkout: one of the two is not up to date."""
    champion = registry.by_alias(client, registry.CHAMPION)
    if champion and (current is None or champion.sha256 != current.model.sha256):
        here = f"model {current.model.sha256[:12]}" if current else "no model"
        typer.echo(
            f"The registry says that version {champion.number} is in use, {POINTER} of this checkout says {here}. "
            "If somebody has released since, get their commit first."
        )


def show(run_id: str, candidate: ModelFolder, current: Release | None, folder: Path) -> None:
    """Compare a candidate with the model in use on the rows that its run has held out; print it, and draw it."""
    from ..core.data import known_rows, split
    from .comparison import PICTURE, as_table, compare

    made_with = Settings.model_validate(candidate.record.settings)
    table, _ = runs.data_of(run_id, candidate.record.data["sha256"])
    _, held_out = split(known_rows(table, made_with), made_with)
    with fetched_model(current) if current else nullcontext() as champion:
        found = compare(candidate, champion, held_out, made_with, folder)
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
