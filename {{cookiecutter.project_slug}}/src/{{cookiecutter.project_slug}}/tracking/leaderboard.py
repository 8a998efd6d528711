"""The finished runs as a table, best first."""

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from . import registry, runs

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import

AROUND = ("low", "high", "baseline")  # of a score: the ends of its spread, and that of always answering the same
COLUMNS = ["date", "run", "trigger", "version", "alias", "train_rows"]


def leaderboard(client: "MlflowClient") -> tuple[pd.DataFrame, str]:
    """The finished runs that are judged by the same score as the newest, best first; the name of that score.

    An empty table, and no name, where there is no run.
    """
    found = [one for one in runs.search(client, "attributes.status = 'FINISHED'") if runs.MAIN_SCORE in one.data.tags]
    if not found:
        return pd.DataFrame(columns=COLUMNS), ""
    score = found[0].data.tags[runs.MAIN_SCORE]
    version = {one.run_id: one.number for one in registry.versions(client)}
    aliases = {registry.by_alias(client, alias): alias for alias in (registry.CHALLENGER, registry.CHAMPION)}
    alias = {one.run_id: name for one, name in aliases.items() if one}
    lines = [
        {
            "date": f"{datetime.fromtimestamp(run.info.start_time / 1000, UTC):%Y-%m-%d %H:%M:%S}",
            "run": run.info.run_id,
            "trigger": run.data.tags[runs.TRIGGER],
            "version": version.get(run.info.run_id, ""),
            "alias": alias.get(run.info.run_id, ""),
            "train_rows": int(run.data.metrics["train_rows"]),
            score: run.data.metrics[score],
        }
        | {around: run.data.metrics.get(f"{around}/{score}", math.nan) for around in AROUND}
        for run in found
        if run.data.tags[runs.MAIN_SCORE] == score
    ]
    return pd.DataFrame(lines).sort_values(score, ascending=False, ignore_index=True), score
