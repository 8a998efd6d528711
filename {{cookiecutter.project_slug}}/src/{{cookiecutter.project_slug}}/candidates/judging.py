"""A candidate judged beside the model in use, on rows that its own run has held out."""

from pathlib import Path

import pandas as pd

from ..core.data import known_rows
from ..core.evaluate import judge
from ..core.model_folder import ModelFolder
from ..core.record import Record, seed_from, settings_of
from ..core.split import split
from ..core.unlearned import unlearned
from ..errors import ProjectError
from ..releases.record import Check
from ..settings import Settings
from ..tracking import runs
from .comparison import Comparison, compare
from .gate import gate


class AskedInVainError(ProjectError):
    """A candidate that raises where it is asked: its own fault, whatever it is."""


def examine(
    run_id: str, candidate: ModelFolder, champion: ModelFolder | None, absent: str, settings: Settings
) -> tuple[Comparison, list[Check]]:
    """The comparison with the model in use, which is also kept and drawn, and all checks of the gate.

    Both are judged by what params.yaml asks for now. absent: why there is no model in use, where there is none. Raises
    ProjectError where the candidate cannot be judged fairly, AskedInVainError where it raises.
    """
    table, asked = made_from(run_id, candidate.record, settings)
    older, newer = split(table, asked)
    check_held_out(run_id, candidate.record, table, newer)
    reports = Path(settings.state.reports)
    try:
        judged = judge(candidate.load(), older, newer, asked, seed_from(candidate.record.data.sha256))
    except ProjectError:
        raise
    except Exception as error:  # of a model, which may raise anything
        raise AskedInVainError(f"It cannot answer the rows held out: {type(error).__name__}: {error}") from None
    try:
        found = compare(candidate, champion, table, asked, reports, absent)
    except ProjectError:
        raise
    except Exception as error:  # of the one in use, as the candidate has answered these rows
        absent = f"the champion cannot answer the rows held out ({type(error).__name__}: {error})"
        found = compare(candidate, None, table, asked, reports, absent)
    return found, gate(candidate, judged, found, asked.evaluation)


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
