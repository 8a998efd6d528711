"""A candidate beside the model in use: shown to a person, tested, and released if they agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..core.model_folder import ModelFolder
from ..errors import ProjectError
from ..releases.pointers import PointerStore, pointer_of
from ..releases.record import Check, Pointer
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
    pointer = pointer_of(settings)
    before = pointer.read()
    with runs.fetched_model(found.run_id, found.sha256, found.old) as candidate:
        check_format(candidate)
        with readable(in_use(before, settings) if before else None) as (champion, absent):
            warn_of_another_champion(client, champion, pointer)
            checks = show(found.run_id, candidate, champion, absent, settings)
        passes = outcome_of(checks) == "pass"
        if typer.confirm(f"Release version {found.number}{'' if passes else ' all the same'}?"):
            note = note or f"Version {found.number} of run {found.run_id}."
            release_model(candidate, settings, note, before, typer.echo, checks)
        else:
            typer.echo("Nothing was released.")


@contextmanager
def in_use(pointer: Pointer, settings: Settings) -> Iterator[ModelFolder]:
    """The model that is pointed at, for as long as it is needed."""
    with fetched_model(read_release(pointer, settings.state.releases)) as folder:
        yield folder


def warn_of_another_champion(client: "MlflowClient", current: ModelFolder | None, pointer: PointerStore) -> None:
    """Say where the registry has another model in use than is pointed at: one of the two is not up to date."""
    champion = registry.by_alias(client, registry.CHAMPION)
    if champion and (current is None or champion.sha256 != current.sha256):
        here = f"model {current.sha256[:12]}" if current else "no model that can be read"
        of = " of this checkout" if pointer.committed else ""
        hint = " If somebody has released since, get their commit first." if pointer.committed else ""
        typer.echo(
            f"The registry says that version {champion.number} is in use, {pointer.place}{of} says {here}.{hint}"
        )


def show(
    run_id: str, candidate: ModelFolder, champion: ModelFolder | None, absent: str, settings: Settings
) -> list[Check]:
    """Hold a candidate against all that the gate asks, beside the model in use; print it, draw it, give it back.

    absent: why there is no model in use, where there is none. Raises ProjectError where the candidate fails by itself:
    that is nothing to be released all the same.
    """
    from .comparison import PICTURE, as_table
    from .gate import COMPARISON
    from .judging import examine

    found, checks = examine(run_id, candidate, champion, absent, settings)
    typer.echo(as_table(found))
    if found.changed is not None:
        typer.echo(f"The two predict another class for {found.changed:.1%} of {found.rows} rows.")
    typer.echo(f"The picture is {Path(settings.state.reports) / PICTURE}.")
    failed = [f"{one.name}: {one.said}" for one in checks if one.outcome == "fail" and one.name != COMPARISON]
    if failed:
        raise ProjectError("The candidate is not released, since it fails. " + "; ".join(failed))
    for check in checks:
        typer.echo(f"{check.outcome:13} {check.name}: {check.said}")
    return checks
