"""Which rows and columns a model learns from, and what is refused before it could learn something wrong."""

import pandas as pd
import pytest
from conftest import make_settings

from {{cookiecutter.project_slug}}.core.data import (
    check_target,
    features_and_target,
    known_rows,
    moments,
)
from {{cookiecutter.project_slug}}.errors import ProjectError


def test_rows_without_target_or_time_are_left_out(orders):
    orders.loc[0, "returned"] = None
    orders.loc[1, "day"] = None
    known = known_rows(orders, make_settings(data={"time": "day"}))
    assert list(known.index[:1]) == [2] and len(known) == 198


@pytest.mark.parametrize(
    "sections",
    [
        {"data": {"time": "gone"}},
        {"data": {"drop": ["gone"]}},
        {"data": {"key": "gone"}},
        {"data": {"read": {"dtype": {"gone": "str"}}}},
        {"data": {"read": {"parse_dates": ["gone"]}}},
        {"evaluation": {"slices": ["gone"]}},
    ],
)
def test_a_column_that_is_not_there_is_named(orders, sections):
    with pytest.raises(ProjectError, match=r"no column \['gone'\]"):
        known_rows(orders, make_settings(**sections))


def test_the_target_cannot_be_dropped(orders):
    with pytest.raises(ProjectError, match="take it out"):
        known_rows(orders, make_settings(data={"drop": ["returned"]}))


@pytest.mark.parametrize("what", ["key", "time"])
def test_the_target_cannot_be_the_key_or_the_time(orders, what):
    with pytest.raises(ProjectError, match="name another"):
        known_rows(orders, make_settings(data={what: "returned"}))


def test_rows_without_a_key_are_refused_not_thrown_together(orders):
    orders.loc[3:4, "order"] = None
    with pytest.raises(ProjectError, match=r"'order' .* 2 rows have none"):
        known_rows(orders, make_settings(data={"key": "order"}))


def test_truths_with_gaps_are_a_target(orders):
    orders["returned"] = pd.array([True, False, None, True] * 50, dtype="boolean")
    settings = make_settings(target={"positive": True})
    assert known_rows(orders, settings)["returned"].dtype == bool


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["yes", "no"], "binary", "2 rows .* too few"),
        (["yes"] * 20, "binary", "has one value, yes"),
        (["yes", "no", "or"] * 9, "binary", "set it to multiclass"),
        (["a", "b"] * 9, "binary", "target.positive is 'yes', but 'y' holds"),
        (["yes"] * 20 + ["no"], "binary", "'y' is no in only 1 rows"),
        (["a", "b"] * 9, "regression", "does not hold numbers"),
        ([True, False] * 9, "regression", "does not hold numbers"),
        (list(range(20)), "multiclass", "set target.task to regression"),
    ],
)
def test_a_target_that_does_not_fit_the_task_is_refused(values, task, message):
    with pytest.raises(ProjectError, match=message):
        check_target(pd.Series(values, name="y"), make_settings(task, target={"column": "y"}))


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2023-12-31", "2024-01-01"),
        ("2023-12", "2024-01"),
        ("31.01.2024", "01.02.2024"),
        ("13/02/2024", "01/03/2024"),
        ("02/13/2024", "03/01/2024"),
        ("31 Jan 2024", "01 Feb 2024"),
        (9, 10),
        (202312, 202401),
    ],
)
def test_moments_of_one_clear_form_are_put_in_order(older, newer):
    when = moments(pd.Series([newer, older]))
    assert when[0] > when[1]


@pytest.mark.parametrize("text", ["02/03/2024", "not known"])
def test_moments_that_are_unclear_are_refused_not_guessed(text):
    with pytest.raises(ProjectError, match="Write dates like 2024-12-31"):
        moments(pd.Series([text, text], name="when"))


def test_target_time_key_and_dropped_columns_are_no_features(orders):
    X, y = features_and_target(orders, make_settings(data={"time": "day", "key": "order", "drop": ["size"]}))
    assert list(X) == ["weight", "days", "shop", "price"] and y.name == "returned"


def test_a_table_of_nothing_but_hidden_columns_is_refused(orders):
    with pytest.raises(ProjectError, match=r"shorten data\.drop"):
        features_and_target(orders[["order", "returned"]], make_settings(data={"drop": ["order"]}))
