"""What this level promises, step by step, each with the project's real commands."""

import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from {{cookiecutter.project_slug}}.candidates.comparison import PICTURE, Comparison, read_comparison
from {{cookiecutter.project_slug}}.candidates.gate import SCORING_TESTS
from {{cookiecutter.project_slug}}.core import storage
from {{cookiecutter.project_slug}}.core.schema import Schema
from {{cookiecutter.project_slug}}.core.schema_file import read_schema
from {{cookiecutter.project_slug}}.core.tables import SCHEMA
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.pipelines import intake
from {{cookiecutter.project_slug}}.releases.record import Release
from {{cookiecutter.project_slug}}.settings import State, load_settings
from {{cookiecutter.project_slug}}.tracking import registry, store

from ..steps import Steps
from ..workspace import RECEIVED, Workspace, own_table
from .bad_batch import break_table, is_named
from .picture import draw
from .story import A_RUN, NOTHING, QUARANTINE, Act, Arrival, Training, trainings
from .watcher import Watcher

PREDICTIONS, LEADERBOARD, PERFORMANCE = "predictions.csv", "leaderboard.csv", "performance.png"


class Demo(Steps):
    """The steps, and what was seen on the way."""

    def __init__(self, folder: Path) -> None:
        """Nothing is done yet. folder: where it will happen; what is in it goes."""
        super().__init__()
        self.workspace, self.began = Workspace(folder), time.time()
        shutil.copytree(SCORING_TESTS.parent, folder / SCORING_TESTS.parent)
        # Whatever server the project uses: the demo's runs are none of the project's, and are not kept among them.
        self.tracking = f"{store.SQLITE}{folder.absolute() / 'mlflow.db'}"
        os.environ[store.ENVIRONMENT_VARIABLE] = self.tracking
        self.table = pd.DataFrame()
        self.schema: Schema = {}
        self.target = ""
        self.arrivals: list[Arrival] = []
        self.acts: list[Act] = []
        self.trainings: list[Training] = []
        self.releases: list[Release] = []
        self.comparison: Comparison | None = None
        self.quarantine: Path | None = None
        self.reproduced: str | None = None
        self.predictions = 0

    def report(self) -> dict[str, Any]:
        """What was seen, for programs."""
        return {
            "tracking": self.tracking,
            "runs": [asdict(training) for training in self.trainings],
            "arrivals": [asdict(arrival) for arrival in self.arrivals],
            "quarantine": self.quarantine and str(self.quarantine),
            "releases": [release.model_dump(include={"release", "model", "scores"}) for release in self.releases],
            "comparison": self.comparison and self.comparison.model_dump(),
            "reproduced": self.reproduced,
            "predictions": self.predictions,
        }

    def picture(self) -> Figure:
        """What was seen, for people."""
        assert self.comparison  # of a promise that was kept
        return draw(self.arrivals, self.trainings, self.acts, self.comparison)

    def keep(self) -> None:
        """Do all of it. Raises ProjectError at the first thing that is not as it should be."""
        self.check_table()
        self.train_first()
        self.reproduce()
        self.release("1", "release", "1")
        self.watch()
        self.release("2", "release")
        self.predict()
        self.draw_report()

    def command(self, *words: str, typed: str = "") -> None:
        """Give one of the project's commands, as a person does."""
        begin = self.seconds()
        self.workspace.command(*words, typed=typed)
        self.acts.append(Act(begin, self.seconds(), " ".join(words)))

    def seconds(self) -> float:
        """How long ago the demo began."""
        return round(time.time() - self.began, 1)

    def look(self) -> list[Training]:
        """See which runs MLflow has; those that are new."""
        known = len(self.trainings)
        with store.reaching(self.tracking):
            self.trainings = trainings(store.connect(self.tracking), self.began)
        return self.trainings[known:]

    def check_table(self) -> None:
        """The project's table, held against its schema or, where it has none, against one written from all of it."""
        with self.step("fetch and check the table"):
            settings = load_settings()
            self.table, self.target = own_table(settings), settings.target.column
            self.workspace.receive(self.table)
            self.workspace.command("data")
            self.schema = read_schema(self.workspace.folder / SCHEMA) or {}

    def train_first(self) -> None:
        """The first run, which a person starts."""
        most = self.table.sample(frac=0.9, random_state=0).sort_index()
        with self.step(f"train on {len(most)} rows"):
            self.put_in_place("first data", most, A_RUN)
            self.command("train")
            self.check_new_run("by hand", "1")

    def put_in_place(self, name: str, table: pd.DataFrame, then: str) -> None:
        """Let a table arrive. then: what must come of it."""
        self.workspace.receive(table)
        content = (self.workspace.folder / RECEIVED).read_bytes()
        self.arrivals.append(Arrival(self.seconds(), name, len(table), storage.sha256(content), then))

    def check_new_run(self, trigger: str, version: str) -> None:
        """Raise ProjectError unless exactly one run is new, and it is as it should be."""
        new, wanted = self.look(), (trigger, "FINISHED", self.arrivals[-1].content_sha256, version)
        if [(run.trigger, run.status, run.content_sha256, run.version) for run in new] != [wanted]:
            raise ProjectError(f"There should be one new run, {wanted}, but there are {len(new)}: {new}")

    def watch(self) -> None:
        """New data trains by itself, the same again and bad data do not."""
        with Watcher(self.workspace) as watcher:
            with self.step("watch the file from now on: no run"):
                self.expect(watcher, NOTHING)
            self.arrive(watcher, "new data", self.table, A_RUN)
            self.arrive(watcher, "the same again", self.table, NOTHING)
            self.arrive(watcher, "a bad batch", break_table(self.table, self.schema, self.target), QUARANTINE)
        self.workspace.receive(self.table)

    def arrive(self, watcher: Watcher, name: str, table: pd.DataFrame, then: str) -> None:
        """Put a table in place, and let the watcher do what must come of it."""
        with self.step(f"{name}: {then}"):
            self.put_in_place(name, table, then)
            self.expect(watcher, then)

    def expect(self, watcher: Watcher, then: str) -> None:
        """Let the watcher do this with what is in place. Raises ProjectError where it does anything else."""
        said = watcher.answer()
        if then == A_RUN:
            self.check_new_run("new data", "2")
        elif new := self.look():
            raise ProjectError(f"There should be no new run, but there is {new}. `watch` said:\n{said}")
        elif then == NOTHING and not said.startswith("Nothing new"):
            raise ProjectError(f"`watch` did not find that there is nothing new, but said:\n{said}")
        elif then == QUARANTINE:
            self.check_quarantine(said)

    def check_quarantine(self, said: str) -> None:
        """Raise ProjectError unless the table that arrived last is put aside, with a report on its columns and rows."""
        digest = self.arrivals[-1].content_sha256
        self.quarantine = self.workspace.folder / State().data / intake.QUARANTINE / digest[:12]
        table, report = self.quarantine / RECEIVED, self.quarantine / intake.REPORT
        if not (table.exists() and storage.sha256(table.read_bytes()) == digest):
            raise ProjectError(f"The bad batch is not in {table}. `watch` said:\n{said}")
        if not (report.exists() and is_named(report.read_text("utf-8"), self.schema, self.target)):
            raise ProjectError(f"{report} does not name the columns and rows that are wrong. `watch` said:\n{said}")

    def reproduce(self) -> None:
        """The first run, done again from its record."""
        with self.step("reproduce the first run"):
            self.command("reproduce", self.trainings[0].id[:8])
            self.reproduced = self.trainings[0].id

    def release(self, version: str, *command: str) -> None:
        """Release this version with a command and a yes."""
        with self.step(f"release version {version} by hand"):
            self.command(*command, typed="y\n")
            release, before = self.workspace.released(), self.releases[-1].model.sha256 if self.releases else None
            self.releases.append(release)
            self.check_comparison(before, release.model.sha256)
            with store.reaching(self.tracking):
                champion = registry.by_alias(store.connect(self.tracking), registry.CHAMPION)
            if champion is None or (champion.number, champion.sha256) != (version, release.model.sha256):
                raise ProjectError(f"Model {release.model.sha256} is released, but the champion is {champion}.")

    def check_comparison(self, champion: str | None, candidate: str) -> None:
        """Raise ProjectError unless the second of these models was shown beside the first."""
        folder = self.workspace.folder / State().reports
        self.comparison = read_comparison(folder)
        before = self.comparison.champion.sha256 if self.comparison.champion else None
        if (before, self.comparison.candidate.sha256) != (champion, candidate) or not (folder / PICTURE).exists():
            raise ProjectError(f"{folder} does not show model {candidate} beside {champion}, but beside {before}.")

    def predict(self) -> None:
        """A prediction for every row, by the model that was released."""
        with self.step("predict"):
            self.command("predict", RECEIVED)
            answers = pd.read_csv(self.workspace.folder / PREDICTIONS)
            self.predictions = int(answers["prediction"].count())
            if self.predictions != len(self.table):
                raise ProjectError(f"There are {self.predictions} predictions for {len(self.table)} rows.")

    def draw_report(self) -> None:
        """Performance over time, with both versions."""
        with self.step("report on all runs"):
            self.command("report")
            folder = self.workspace.folder / State().reports
            listed = set(pd.read_csv(folder / LEADERBOARD)["run"])
            if listed != {run.id for run in self.trainings} or not (folder / PERFORMANCE).exists():
                raise ProjectError(f"{folder / LEADERBOARD} lists the runs {listed}, not {self.trainings}.")
