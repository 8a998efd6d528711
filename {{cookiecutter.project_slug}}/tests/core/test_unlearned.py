"""A champion is not judged on what it has learned, as far as its record and the table can tell."""

import pandas as pd
import pytest
from conftest import make_settings

from {{cookiecutter.project_slug}}.core.data import known_rows
from {{cookiecutter.project_slug}}.core.record import Learned, Record
from {{cookiecutter.project_slug}}.core.split import split
from {{cookiecutter.project_slug}}.core.training import learned_from
from {{cookiecutter.project_slug}}.core.unlearned import unlearned
from {{cookiecutter.project_slug}}.errors import ProjectError

DATA = [{"key": "order"}, {"drop": ["order"]}, {"time": "day"}, {"time": "days"}]


@pytest.fixture
def record(make_model) -> Record:
    """The record of some model."""
    return make_model().record


def champion(record: Record, settings, rows: pd.DataFrame) -> Record:
    """The record of a champion that has learned from these rows."""
    known = {"settings": settings.model_dump(), "learned": learned_from(rows, settings)}
    return Record.model_validate_json(record.model_copy(update=known).as_bytes())


@pytest.mark.parametrize("data", DATA, ids=["key", "content", "date", "number"])
def test_in_its_own_table_and_in_a_later_one_exactly_what_was_held_out_is_unlearned(orders, record, data):
    settings = make_settings("multiclass", data=data)
    before = known_rows(orders.sample(frac=0.7, random_state=0), settings)
    older, newer = split(before, settings)
    now = known_rows(orders, settings)
    fair = now[unlearned(now, champion(record, settings, older))]
    assert set(newer["order"]) <= set(fair["order"]) and not set(older["order"]) & set(fair["order"])
    if "time" not in data:
        assert set(fair["order"]) == set(split(now, settings)[1]["order"])


def test_a_champion_of_another_share_has_learned_its_own_rows(orders, record):
    settings = make_settings(data={"key": "order"}, evaluation={"held_out": 0.1})
    older, newer = split(orders, settings)
    assert set(orders[unlearned(orders, champion(record, settings, older))]["order"]) == set(newer["order"])


def test_a_column_that_came_later_changes_nothing(orders, record):
    settings = make_settings(data={"drop": ["order"]})
    older, newer = split(orders, settings)
    now = orders.assign(late=range(200))
    assert set(now[unlearned(now, champion(record, settings, older))]["order"]) == set(newer["order"])


@pytest.mark.parametrize("data", DATA, ids=["key", "content", "date", "number"])
def test_a_column_that_is_gone_is_named(orders, record, data):
    settings = make_settings("multiclass", data=data)
    known = champion(record, settings, split(known_rows(orders, settings), settings)[0])
    gone = data.get("time") or data.get("key") or "weight"
    with pytest.raises(ProjectError, match=rf"columns \['{gone}'\], which are gone"):
        unlearned(orders.drop(columns=gone), known)


def test_rows_that_are_alike_count_as_unlearned_as_they_were_held_out(orders, record):
    """Whichever of them comes first: as many as were held out."""
    few = orders[["shop", "returned"]].fillna("none").iloc[[0, 1, 5] * 60].reset_index(drop=True)
    settings = make_settings(target={"positive": few["returned"][0]})
    older, newer = split(few, settings)
    fair = unlearned(few, champion(record, settings, older))
    assert list(few.index[fair]) == list(newer.index)


@pytest.mark.parametrize(
    ("data", "other"), [({"key": "order"}, {"order": range(200)}), ({"drop": ["order"]}, {"days": "many"})]
)
def test_values_of_another_kind_than_then_tell_nothing(orders, record, data, other):
    settings = make_settings(data=data)
    known = champion(record, settings, split(orders, settings)[0])
    with pytest.raises(ProjectError, match="of another kind now"):
        unlearned(orders.assign(**other), known)


@pytest.mark.parametrize("learned", [None, Learned()])
def test_a_record_from_before_says_nothing(orders, record, learned):
    with pytest.raises(ProjectError, match="does not say which rows"):
        unlearned(orders, record.model_copy(update={"learned": learned}))


def test_a_time_that_became_a_number_is_not_compared(orders, record):
    settings = make_settings(data={"time": "day"})
    known = champion(record, settings, known_rows(orders, settings))
    with pytest.raises(ProjectError, match="holds other values now"):
        unlearned(orders.assign(day=range(200)), known)
