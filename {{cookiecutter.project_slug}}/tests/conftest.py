"""Small tables and settings that the tests share. None of them is the project's own data."""

import functools
import io
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge

from {{cookiecutter.project_slug}} import cli
from {{cookiecutter.project_slug}}.core import evaluate, features, fitting, requirements
from {{cookiecutter.project_slug}}.core.csv_files import read_cells
from {{cookiecutter.project_slug}}.core.data import features_and_target
from {{cookiecutter.project_slug}}.core.fitting import fit
from {{cookiecutter.project_slug}}.core.inference import infer_schema
from {{cookiecutter.project_slug}}.core.kept_models import latest_model, write_model
from {{cookiecutter.project_slug}}.core.model_folder import MODEL, RECORD, ModelFolder, open_folder
from {{cookiecutter.project_slug}}.core.origin import describe_origin, describe_project
from {{cookiecutter.project_slug}}.core.schema import Schema
from {{cookiecutter.project_slug}}.core.storage import sha256
from {{cookiecutter.project_slug}}.core.training import describe
from {{cookiecutter.project_slug}}.serving import observers
from {{cookiecutter.project_slug}}.serving.model_settings import MODEL_SETTINGS, model_settings
from {{cookiecutter.project_slug}}.settings import Settings


def make_settings(task: str = "binary", **sections: dict) -> Settings:
    """Settings for the table of `orders`, with these sections added."""
    positive = "yes" if task == "binary" else None
    column = {"binary": "returned", "multiclass": "size", "regression": "price"}[task]
    content = {"data": {"uri": "orders.csv"}, "target": {"column": column, "task": task, "positive": positive}}
    for name, values in sections.items():
        content[name] = content.get(name, {}) | values
    return Settings.model_validate(content)


def schema_of(table: pd.DataFrame, open_ended: Iterable[str] = ()) -> Schema:
    """The schema of a first table like this, in which these columns go on with new values."""
    settings = make_settings(data={"drop": list(open_ended)})
    content = io.BytesIO(table.to_csv(index=False).encode())
    return infer_schema(read_cells(content, settings.data.read, "orders.csv"), settings)


class Clock:
    """Stands in for `time` in a module: time passes only while somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.began, self.slept = time.time(), 0.0

    def time(self) -> float:
        return self.began + self.slept

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@pytest.fixture(scope="session", autouse=True)
def own_stores():
    """Whatever the environment says of stores elsewhere (from level 2 on), the tests keep to their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


def plain(params: Settings) -> BaseEstimator:
    """A model that learns at once."""
    if params.target.task == "regression":
        return Ridge(**params.model.parameters)
    return LogisticRegression(**{"max_iter": 1000, "random_state": params.model.seed} | params.model.parameters)


@pytest.fixture(autouse=True)
def plain_model(monkeypatch):
    """What is around a model is tried with a plain one, whatever `build` of the project gives by now."""
    monkeypatch.setattr(fitting, "build", plain)
    monkeypatch.setattr(fitting, "prepare_columns", features.prepare_columns)


@pytest.fixture(autouse=True)
def nobody_observes(monkeypatch):
    """What is served and answered is tried without those whom a higher level lets observe it."""
    monkeypatch.setattr(observers, "modules", lambda name: [])


@pytest.fixture(scope="session", autouse=True)
def few_draws():
    """What is drawn again and again is drawn less often, to be quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "SPREAD_DRAWS", 20)
        patch.setattr(requirements, "SLICE_DRAWS", 50)
        with suppress(ImportError):  # it comes with level 2
            patch.setattr("{{cookiecutter.project_slug}}.candidates.difference.DRAWS", 50)
        yield


def make_orders() -> pd.DataFrame:
    """200 orders: late and dear ones come back, the price grows with the weight, some values are missing."""
    rng = np.random.default_rng(0)
    weight, days = rng.uniform(1, 20, 200), rng.integers(1, 15, 200)
    price = 3 * weight + rng.normal(0, 2, 200)
    table = pd.DataFrame(
        {
            "order": [f"A{n:03d}" for n in range(200)],
            "day": pd.date_range("2024-01-01", periods=200).strftime("%Y-%m-%d"),
            "weight": weight.round(2),
            "days": days,
            "shop": rng.choice(["web", "mail", "store"], 200),
            "price": price.round(2),
            "size": np.where(weight < 7, "small", np.where(weight < 14, "medium", "large")),
            "returned": np.where(0.3 * days + 0.05 * price + rng.normal(0, 0.7, 200) > 4, "yes", "no"),
        }
    )
    table.loc[::17, "weight"] = None
    table.loc[::23, "shop"] = None
    return table


@pytest.fixture
def orders() -> pd.DataFrame:
    """Such a table, to change."""
    return make_orders()


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Callable[[str, int, str | None, str | None], Path]:
    """trained(task, rows, family, key): what `train` leaves, the model of so many orders in it: made once."""

    @functools.cache
    def train(task: str, rows: int, family: str | None, key: str | None) -> Path:
        settings, orders = make_settings(task, data={"drop": ["order", "day"], "key": key}), make_orders()
        table = orders.head(rows).assign(gift=orders["days"] > 7)
        X, y = features_and_target(table, settings)
        with pytest.MonkeyPatch.context() as patch:
            if family:
                from families import FAMILIES  # here, as not all who copy this file have them

                patch.setattr(fitting, "build", lambda params: FAMILIES[family](task))
            model = fit(X, y, settings)
        origin = describe_origin(settings, "", b"table", describe_project())
        record = describe(model, table, table, schema_of(table), settings, origin)
        known = {"rows": {"train": rows, "test": 5}, "scores": {"first": 0.5}, "slices": []}
        known |= {"spread": {"first": (0.4, 0.6)}, "baseline": {"first": 0.1}}
        files = {"card.md": b"card", "example.csv": X.loc[[23, 34, 46, 60, 61]].to_csv(index=False).encode()}
        folder = tmp_path_factory.mktemp("models")
        write_model(model, record.model_copy(update=known), files, folder)
        return folder

    return train


@pytest.fixture
def make_model(trained, tmp_path) -> Callable[..., ModelFolder]:
    """make_model(task, rows, family, key): the model of so many orders, as `train` leaves it in tmp_path/models."""

    def copy(task: str = "binary", rows: int = 200, family: str | None = None, key: str | None = None) -> ModelFolder:
        shutil.copytree(trained(task, rows, family, key), tmp_path / "models", dirs_exist_ok=True)
        return latest_model(tmp_path / "models")

    return copy


def as_format_1(folder: ModelFolder) -> ModelFolder:
    """The same folder, written anew as projects kept a model before there was a second format."""
    record = json.loads((folder.place / RECORD).read_text("utf-8"))
    for name in ("format", "files", "learned", "reference", "threshold", "spread", "baseline", "missed"):
        del record[name]
    record = {"sha256": sha256((folder.place / MODEL).read_bytes())} | record
    (folder.place / RECORD).write_text(json.dumps(record), "utf-8")
    (folder.place / "model-settings.json").write_text('{"implementation": "theirs.Runtime"}')
    (folder.place / "request.json").write_text("{}")
    return open_folder(folder.place)


@contextmanager
def published(folder: ModelFolder) -> Iterator[Path]:
    """The folder of a model as it is in a store of releases, where Seldon's MLServer takes it from."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder.place, place, dirs_exist_ok=True)
        (Path(place) / MODEL_SETTINGS).write_bytes(model_settings(folder))
        yield Path(place)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys) -> Callable[..., str]:
    """run(*words): a command of the project in tmp_path; what it printed, or the message it ended with."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["project", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return str(end.value.code) if end.value.code else capsys.readouterr().out

    return call


def write_params(**sections: dict) -> None:
    """Write params.yaml into the current folder, for the table of `orders` where not told otherwise."""
    orders = {
        "data": {"uri": "orders.csv"},
        "target": {"column": "returned", "task": "binary", "positive": "yes"},
    }
    Path("params.yaml").write_text(yaml.safe_dump(orders | sections), encoding="utf-8")
