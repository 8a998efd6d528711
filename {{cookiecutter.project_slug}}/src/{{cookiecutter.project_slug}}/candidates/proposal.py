"""A candidate beside the model in use: shown to a person, tested, and released if they agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import typer

from ..core.data import known_rows
from ..core.model_folder import ModelFolder
from ..core.record import Record, seed_from, settings_of
from ..core.split import split
from ..core.unlearned import unlearned
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
            checks = show(found.run_id, candidate, champion, absent, settings)
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


def show(
    run_id: str, candidate: ModelFolder, champion: ModelFolder | None, absent: str, settings: Settings
) -> list[Check]:
    """Hold a candidate against all that the gate asks, beside the model in use; print it, draw it, give it back.

    Both are judged on rows that the candidate's run has held out, by what params.yaml asks for now. absent: why there
    is no model in use, where there is none. Raises ProjectError where the candidate fails by itself: that is nothing to
    be released all the same.
    """
    from ..core.evaluate import judge
    from .comparison import PICTURE, as_table, compare
    from .gate import COMPARISON, gate

    table, asked = made_from(run_id, candidate.record, settings)
    older, newer = split(table, asked)
    check_held_out(run_id, candidate.record, table, newer)
    judged = judge(candidate.load(), older, newer, asked, seed_from(candidate.record.data.sha256))
    folder = Path(settings.state.reports)
    found = compare(candidate, champion, table, asked, folder, absent)
    typer.echo(as_table(found))
    if found.changed is not None:
        typer.echo(f"The two predict another class for {found.changed:.1%} of {found.rows} rows.")
    typer.echo(f"The picture is {folder / PICTURE}.")
    checks = gate(candidate, judged, found, asked.evaluation)
    failed = [f"{one.name}: {one.said}" for one in checks if one.outcome == "fail" and one.name != COMPARISON]
    if failed:
        raise ProjectError("The candidate is not released, since it fails. " + "; ".join(failed))
    for check in checks:
        typer.echo(f"{check.outcome:13} {check.name}: {check.said}")
    return checks


def made_from(run_id: str, record: Record, settings: Settings) -> tuple[pd.DataFrame, Settings]:
    """The known rows of the table that a run had; its settings, but for what params.yaml asks of a model now."""
    made_with = settings_of(record, f"run {run_id}")
    asked = settings.evaluation.model_copy(update={"held_out": made_with.evaluation.held_out})
    table, _ = runs.data_of(run_id, record)
    absent = [name for name in asked.slices if name not in table]
    if absent:
        raise ProjectError(
            f"The table of run {run_id} has no column {absent}, which evaluation.slices names: train anew."
        )
    return known_rows(table, made_with), made_with.model_copy(update={"evaluation": asked})


def check_held_out(run_id: str, record: Record, table: pd.DataFrame, newer: pd.DataFrame) -> None:
    """Raise ProjectError where a candidate may have learned from rows that it would be judged on."""
    try:
        learned = len(newer) - int(unlearned(table, record)[newer.index].sum())
        why = f"it has learned from {learned} of the {len(newer)} rows" if learned else ""
    except ProjectError as error:
        why = str(error)
    if why:
        raise ProjectError(f"The model of run {run_id} cannot be judged fairly: {why}. Train anew, with `train`.")
