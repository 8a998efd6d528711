"""How any model must answer. `release` runs this with its candidate; else it is tried on a small model."""

import asyncio
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from mlserver.types import InferenceRequest

from {{cookiecutter.project_slug}}.core.model_folder import ModelFolder, open_folder
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.serving.app import settings_in_place
from {{cookiecutter.project_slug}}.serving.client import alike
from {{cookiecutter.project_slug}}.serving.protocol import from_response, to_request
from {{cookiecutter.project_slug}}.serving.runtime import ModelRuntime


@pytest.fixture
def folder(request) -> ModelFolder:
    """The folder of the model that is tested."""
    candidate = os.environ.get("CANDIDATE")
    return open_folder(Path(candidate)) if candidate else request.getfixturevalue("make_model")()


@pytest.fixture
def model(folder):
    return folder.load()


@pytest.fixture
def rows(folder) -> pd.DataFrame:
    """Rows that the model has not learned from."""
    return folder.example()


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return list(one) == list(other) and all(alike(one[name], other[name]) for name in one)


def test_every_row_gets_an_answer(model, rows):
    answers = predict(model, rows)
    assert len(answers) == len(rows) > 0 and answers.notna().all(axis=None)


def test_probabilities_are_between_0_and_1_and_add_up(model, rows):
    probabilities = predict(model, rows).filter(like="probability of ")
    if probabilities.empty:
        pytest.skip("the model answers with numbers, not with classes")
    assert probabilities.ge(0).all(axis=None) and probabilities.le(1).all(axis=None)
    assert (probabilities.sum(axis="columns") - 1).abs().max() < 1e-6  # some models have seven digits


def test_a_row_is_positive_from_the_threshold_of_the_record_on(folder, model, rows):
    if folder.record.threshold is None:
        pytest.skip("the model has no threshold")
    answers, positive = predict(model, rows), folder.record.settings["target"]["positive"]
    is_positive = answers[f"probability of {positive}"] >= folder.record.threshold
    assert ((answers["prediction"] == positive) == is_positive).all()


def test_a_row_is_answered_the_same_alone_in_any_order_and_with_others(model, rows):
    together = predict(model, rows)
    assert same(predict(model, rows[::-1])[::-1], together)
    assert same(pd.concat([predict(model, rows[n : n + 1]) for n in range(len(rows))]), together)


def test_a_missing_value_is_answered_where_the_schema_allows_it(folder, model, rows):
    for name in (name for name, rules in folder.record.features.items() if rules.missing):
        gap = rows.assign(**{name: [None, *rows[name].tolist()[1:]]})
        assert predict(model, gap).notna().all(axis=None), name


def test_served_it_answers_as_the_model_itself(folder, model, rows):
    request = InferenceRequest.model_validate(to_request(rows, folder.record.features))

    async def ask():
        runtime = ModelRuntime(settings_in_place(folder))
        await runtime.load()
        return await runtime.predict(request)

    answers, sha256 = from_response(json.loads(asyncio.run(ask()).model_dump_json()))
    assert sha256 == folder.sha256 and same(answers, predict(model, rows).reset_index(drop=True))
