"""What this level promises, step by step, each with the project's real commands."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from {{cookiecutter.project_slug}}.core.schema import Schema
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases import store
from {{cookiecutter.project_slug}}.releases.record import Release
from {{cookiecutter.project_slug}}.serving.client import ask
from {{cookiecutter.project_slug}}.settings import load_settings

from ..steps import Steps
from ..workspace import Workspace, own_table, run
from .calls import Call, Caller, periods
from .picture import timeline


class Demo(Steps):
    """The steps, and what was seen on the way."""

    def __init__(self, folder: Path) -> None:
        """Nothing is done yet. folder: where it will happen; what is in it goes."""
        super().__init__()
        self.workspace = Workspace(folder)
        self.releases: list[Release] = []
        self.served: list[dict[str, Any]] = []
        self.calls: list[Call] = []
        self.question: tuple[pd.DataFrame, Schema] = (pd.DataFrame(), {})

    def report(self) -> dict[str, Any]:
        """What was seen, for programs."""
        return {
            "releases": [release.model_dump(include={"release", "model", "scores"}) for release in self.releases],
            "served": self.served,
            "periods": [asdict(period) for period in periods(self.calls)],
        }

    def picture(self) -> Figure:
        """What was seen, for people."""
        return timeline(self.calls, self.releases)

    def keep(self) -> None:
        """Do all of it. Raises ProjectError at the first thing that is not as it should be."""
        table = self.build()
        first = self.release(table.sample(frac=0.9, random_state=0).sort_index(), "first")
        self.question = example_of(first)
        rows, features = self.question
        with Caller(self.workspace.url, rows.head(1), features) as caller:
            self.calls = caller.calls
            with self.serving("serve the first release", first):
                second = self.release(table, "second")
            with self.serving("swap to the second release", second):
                self.workspace.command("rollback")
            with self.serving("roll back to the first release", first):
                pass
        if self.served[0]["answers"] != self.served[2]["answers"]:
            raise ProjectError("After the roll-back, the first model answers otherwise than before.")

    def build(self) -> pd.DataFrame:
        """Check the table, build the wheel; the table."""
        with self.step("fetch and check the table"):
            table = own_table(load_settings())
            self.workspace.receive(table)
            self.workspace.command("data")
        with self.step("build the wheel"):
            run("uv", "build", "--wheel", "--out-dir", self.workspace.folder / "dist", cwd=Path())
        return table

    def release(self, table: pd.DataFrame, name: str) -> Release:
        """Train a model on this table and publish it, as a person does at this level."""
        with self.step(f"train the {name} model on {len(table)} rows"):
            self.workspace.receive(table)
            self.workspace.command("data")
            self.workspace.command("train", "--note", name)
        with self.step(f"publish the {name} model"):
            self.workspace.command("publish", "--note", name)
            release = self.workspace.released()
        self.releases.append(release)
        return release

    @contextmanager
    def serving(self, what: str, release: Release) -> Iterator[None]:
        """Serve what is released, until the end. Raises ProjectError where another model or a wrong answer comes."""
        with ExitStack() as running:
            with self.step(what):
                running.enter_context(self.workspace.serving())
            with self.step("predict over HTTP, smoke test"):
                self.workspace.command("smoke-test", "--url", self.workspace.url)
                answers, sha256 = ask(self.workspace.url, *self.question)
                if sha256 != release.model.sha256:
                    raise ProjectError(f"The model {sha256} answers, not {release.model.sha256}.")
            self.served.append({"when": what, "sha256": sha256, "answers": answers.to_dict("list")})
            yield


def example_of(release: Release) -> tuple[pd.DataFrame, Schema]:
    """The example rows of a released model, and the schema of their columns."""
    with store.fetched_model(release) as folder:
        return folder.example(), folder.record.features
