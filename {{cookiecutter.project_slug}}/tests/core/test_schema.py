"""What a first table teaches about the ones to come, and what is said of one that breaks it."""

import pandas as pd
import pytest

from {{cookiecutter.project_slug}}.core.schema import check_table, infer_schema
from {{cookiecutter.project_slug}}.errors import ProjectError


def test_a_first_table_fits_its_own_schema(orders):
    check_table(orders, infer_schema(orders, open_ended=["order", "day"]))


def test_types_ranges_and_categories_are_inferred(orders):
    schema = infer_schema(orders, open_ended=["day"])
    assert schema["order"] == {"type": "text", "missing": False}
    assert schema["day"] == {"type": "text", "missing": False}
    assert schema["shop"] == {"type": "category", "missing": True, "values": ["mail", "store", "web"]}
    assert schema["days"] == {"type": "number", "missing": False, "min": 0.0, "max": 27.0}


def test_truths_are_told_from_words_and_numbers():
    table = pd.DataFrame({"a": [True, False, None], "b": ["True", "False", "no"], "c": [0, 1, 1]})
    assert [rules["type"] for rules in infer_schema(table).values()] == ["boolean", "category", "number"]
    with pytest.raises(ProjectError, match="the first in line 3: is neither true nor false: 'maybe'"):
        check_table(table.assign(a=[True, "maybe", None]), infer_schema(table))


def test_a_range_may_lie_below_zero_and_a_constant_has_one_too():
    schema = infer_schema(pd.DataFrame({"cold": [-10.0, 10.0], "same": [5, 5]}))
    assert (schema["cold"]["min"], schema["cold"]["max"]) == (-30, 30)
    assert (schema["same"]["min"], schema["same"]["max"]) == (0, 10)


def test_a_column_without_any_value_is_refused(orders):
    with pytest.raises(ProjectError, match=r"\['shop'\] hold no value"):
        infer_schema(orders.assign(shop=None))
    assert infer_schema(orders.assign(shop=None), ["shop"])["shop"] == {"type": "text", "missing": True}
    assert infer_schema(orders, ["days"])["days"] == {"type": "number", "missing": False}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("days", 900, "column days: 1 rows, the first in line 5: is outside 0 to 27: 900"),
        ("days", "soon", "column days: 1 rows, the first in line 5: is not a number: 'soon'"),
        ("days", None, "column days: 1 rows, the first in line 5: is missing"),
        ("shop", "stall", "column shop: 1 rows, the first in line 5: is not a known category: 'stall'"),
    ],
)
def test_a_value_that_breaks_the_schema_is_named_with_its_column_and_line(orders, column, value, message):
    schema = infer_schema(orders)
    broken = orders.astype({column: object})
    broken.loc[3, column] = value
    with pytest.raises(ProjectError) as error:
        check_table(broken, schema)
    assert message in str(error.value)


def test_columns_too_many_and_too_few_are_named(orders):
    with pytest.raises(ProjectError) as error:
        check_table(orders.rename(columns={"shop": "market"}), infer_schema(orders))
    assert "column shop is missing" in str(error.value) and "column market is not in the schema" in str(error.value)


def test_every_problem_is_named_at_once(orders):
    schema = infer_schema(orders)
    with pytest.raises(ProjectError) as error:
        check_table(orders.assign(days=-5, shop="stall"), schema)
    assert "column days: 200 rows" in str(error.value) and "column shop: 200 rows" in str(error.value)
