"""A candidate beside the model in use: shown to a person, tested, and released if they agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..core.data import known_rows
from ..core.model_folder import ModelFolder
from ..core.record import settings_of
from ..core.split import split
from ..errors import ProjectError
from ..releases.record import POINTER, Check, Pointer, read_pointer
from ..releases.releasing import check_format, release_model
from ..releases.store import fetched_model, read_release
from ..settings import Settings
from ..tracking import registry, runs

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import


def propose(client: "MlflowClient", number: str | None, note: str, settings: Settings) -> None:
    """Show a version beside the model in use, test how it answers, ask, and release it."""
    from .comparison import readable  # with the next ones: takes seconds to import
    from .gate import outcome_of

    found = registry.by_number(client, number) if number else registry.challenger(client)
    pointer = read_pointer()
    with runs.fetched_model(found.run_id, found.sha256, found.old) as candidate:
        check_format(candidate)
        with readable(in_use(pointer, settings) if pointer else None) as (champion, absent):
            warn_of_another_champion(client, champion)
            checks = show(found.run_id, candidate, champion, absent, Path(settings.state.reports))
        passes = outcome_of(checks) == "pass"
        if typer.confirm(f"Release version {found.number}{'' if passes else ' all the same'}?"):
            note = note or f"Version {found.number} of run {found.run_id}."
            release_model(candidate, settings, note, pointer, typer.echo, checks)
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


def show(run_id: str, candidate: ModelFolder, champion: ModelFolder | None, absent: str, folder: Path) -> list[Check]:
    """Hold a candidate against all that the gate asks, beside the model in use; print it, draw it, give it back.

    Both are judged on rows that the candidate's run has held out. absent: why there is no model in use, where there is
    none. Raises ProjectError where the candidate fails by itself: that is nothing to be released all the same.
    """
    from .comparison import PICTURE, as_table, compare
    from .gate import COMPARISON, gate

    made_with = settings_of(candidate.record, f"run {run_id}")
    table, _ = runs.data_of(run_id, candidate.record)
    older, newer = split(known_rows(table, made_with), made_with)
    found = compare(candidate, champion, older, newer, made_with, folder, absent)
    typer.echo(as_table(found))
    if found.changed is not None:
        typer.echo(f"The two predict another class for {found.changed:.1%} of {found.rows} rows.")
    typer.echo(f"The picture is {folder / PICTURE}.")
    checks = gate(candidate, found, made_with.evaluation)
    failed = [f"{one.name}: {one.said}" for one in checks if one.outcome == "fail" and one.name != COMPARISON]
    if failed:
        raise ProjectError("The candidate is not released, since it fails. " + "; ".join(failed))
    for check in checks:
        typer.echo(f"{check.outcome:13} {check.name}: {check.said}")
    return checks
