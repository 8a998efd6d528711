"""The project's own data and settings, from fetching to predictions, in a folder apart: does it hold together?"""

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from {{cookiecutter.project_slug}} import cli
from {{cookiecutter.project_slug}}.core.data import known_rows
from {{cookiecutter.project_slug}}.core.kept_models import latest_model
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.core.schema_file import read_schema
from {{cookiecutter.project_slug}}.core.storage import read_table
from {{cookiecutter.project_slug}}.core.tables import SCHEMA
from {{cookiecutter.project_slug}}.settings import PARAMS, load_settings

PROJECT = Path.cwd()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder in which `data` and `train` have run."""
    folder = tmp_path_factory.mktemp("own")
    uri = load_settings(PROJECT / PARAMS).data.uri
    shutil.copy(PROJECT / PARAMS, folder)
    if (PROJECT / uri).is_file():
        (folder / uri).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / uri, folder / uri)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in ("data", "train"):
            patch.setattr(sys, "argv", ["project", command])
            with pytest.raises(SystemExit) as end:
                cli.main()
            assert not end.value.code
    return folder


@pytest.fixture
def model(trained):
    return latest_model(trained / load_settings(PROJECT / PARAMS).state.models)


def test_the_saved_model_answers_every_row_within_range(trained, model):
    settings = load_settings(PROJECT / PARAMS)
    schema = read_schema(trained / SCHEMA)
    table = known_rows(read_table(trained / settings.state.data / "table.csv", schema), settings)
    answers = predict(model.load(), table[list(model.record.features)])
    assert len(answers) == len(table) and answers.notna().all(axis=None)
    if settings.target.task == "regression":
        known = table[settings.target.column].dropna()
        width = known.max() - known.min()
        assert answers["prediction"].between(known.min() - width, known.max() + width).all()
    else:
        assert set(answers["prediction"]) <= set(table[settings.target.column].dropna())
        assert answers.drop(columns="prediction").ge(0).all(axis=None)


def test_the_saved_model_reaches_what_the_settings_ask_for(model):
    scores, asked = model.record.scores, load_settings(PROJECT / PARAMS).evaluation
    assert all(scores[name] >= value for name, value in asked.at_least.items())
    assert all(scores[name] <= value for name, value in asked.at_most.items())


def test_a_column_too_few_is_refused(model):
    with pytest.raises(ValueError, match="columns are missing"):
        predict(model.load(), pd.DataFrame({name: [None] for name in list(model.record.features)[1:]}))
