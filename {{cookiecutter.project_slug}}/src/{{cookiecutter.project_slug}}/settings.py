"""The settings of the project: params.yaml, read and checked."""

import difflib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import ProjectError

PARAMS = Path("params.yaml")
Task = Literal["binary", "multiclass", "regression"]


class Section(BaseModel):
    """A part of params.yaml: unknown names are refused, values cannot change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    """Where the table comes from and which of its columns are not features."""

    uri: str
    read: dict[str, Any] = {}
    sha256: str | None = None
    drop: list[str] = []
    time: str | None = None
    max_megabytes: float = Field(default=2000, gt=0)


class Target(Section):
    """What is predicted."""

    column: str
    task: Task
    positive: str | int | float | bool | None = None


class Model(Section):
    """What `build` is given."""

    seed: int = 0
    parameters: dict[str, Any] = {}


class Evaluation(Section):
    """How a model is judged."""

    held_out: float = Field(default=0.25, gt=0, lt=1)
    slices: list[str] = []
    at_least: dict[str, float] = {}
    at_most: dict[str, float] = {}


class State(Section):
    """Where each kind of thing is kept: a folder, for the releases any address that fsspec writes.

    tracking: where runs are tracked, from level 2 on; SQLite or an MLflow server.
    """

    data: str = "data/checked"
    models: str = "models"
    reports: str = "reports"
    releases: str = "releases"
    tracking: str = "sqlite:///mlflow.db"


class Settings(Section):
    """All of params.yaml."""

    data: Data
    target: Target
    model: Model = Model()
    evaluation: Evaluation = Evaluation()
    state: State = State()


def load_settings(path: Path = PARAMS) -> Settings:
    """The settings in this file. Raises ProjectError that lists everything wrong with it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}. Run this in the project's folder.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} is not YAML: {error}") from None
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        problems = [describe(problem) for problem in error.errors()]
        raise ProjectError(f"{path} has {len(problems)} mistakes:\n  " + "\n  ".join(problems)) from None


def describe(problem: Any) -> str:
    """One mistake as a line: where it is, what is wrong and, for an unknown name, which is the nearest right one."""
    where = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(problem["loc"][-1], names_at(problem["loc"][:-1]), n=1, cutoff=0)
        return f"{where}: no such setting. Did you mean {near[0]}?"
    return f"{where}: {problem['msg'].lower()} (it is {problem['input']!r})"


def names_at(location: tuple[Any, ...]) -> list[str]:
    """The names that are allowed in the section at this place."""
    section: Any = Settings
    for part in location:
        section = section.model_fields[part].annotation
    return list(section.model_fields)
