"""What happens in the demo, for its record and its picture: tables arrive, runs are trained, a person gives commands.

All times are in seconds from the beginning of the demo.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from {{cookiecutter.project_slug}}.tracking import registry, runs

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import

# What comes of a table that arrives.
A_RUN, NOTHING, QUARANTINE = "one run", "no run", "quarantine, no run"


@dataclass(frozen=True)
class Arrival:
    """A table that was put in place, and what came of it."""

    second: float
    table: str
    rows: int
    content_sha256: str
    then: str


@dataclass(frozen=True)
class Act:
    """A command that a person gave."""

    begin: float
    end: float
    command: str


@dataclass(frozen=True)
class Training:
    """A run as MLflow has it; without a version where its model is none, without a score where it did not finish."""

    id: str
    trigger: str
    status: str
    content_sha256: str
    version: str | None
    score: float | None
    begin: float
    end: float


def trainings(client: "MlflowClient", began: float) -> list[Training]:
    """All runs of the project, oldest first. began: when the demo did, in seconds since the epoch."""
    versions = {one.run_id: one.number for one in registry.versions(client)}
    found = []
    for run in reversed(runs.search(client, "")):
        tags, times = run.data.tags, (run.info.start_time, run.info.end_time or run.info.start_time)
        begin, end = (round(time / 1000 - began, 1) for time in times)
        found.append(
            Training(
                id=run.info.run_id,
                trigger=tags[runs.TRIGGER],
                status=run.info.status,
                content_sha256=tags[runs.CONTENT],
                version=versions.get(run.info.run_id),
                score=run.data.metrics.get(tags.get(runs.MAIN_SCORE, "")),
                begin=begin,
                end=end,
            )
        )
    return found
