"""What later rows will be compared with: how those were distributed that the model has learned from."""

import numpy as np
import pandas as pd
import pytest

from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.core.reference import BINS, MOST_VALUES, distribution, reference


def test_numbers_lie_in_bins_that_hold_a_tenth_each(orders):
    found = distribution(orders["price"], "number")
    assert len(found.edges) == BINS + 1 and found.missing == 0
    assert sum(found.counts) == 200 and all(19 <= count <= 21 for count in found.counts)
    assert found.edges[0] == orders["price"].min() and found.edges[-1] == orders["price"].max()
    assert distribution(orders["weight"], "number").missing == orders["weight"].isna().sum()


@pytest.mark.parametrize("values", [[], [np.nan], [1.0], [1.0] * 50, [0.0] * 95 + [1.0] * 5, [True, False]])
def test_few_numbers_are_counted_each_by_itself(values):
    column = pd.Series(values, dtype="float64")
    found = distribution(column, "number")
    assert found.counts == {str(value): count for value, count in column.value_counts().items()}
    assert found.missing == column.isna().sum() and found.other == 0


def test_values_are_counted_and_of_many_the_most_frequent_are_listed():
    few = distribution(pd.Series(["a", "b", "a", None]), "category")
    assert (few.counts, few.other, few.missing) == ({"a": 2, "b": 1}, 0, 1)
    many = distribution(pd.Series([str(number) for number in range(200)] + ["7"] * 5), "category")
    assert len(many.counts) == MOST_VALUES and many.counts["7"] == 6 and sum(many.counts.values()) + many.other == 205
    assert distribution(pd.Series([True, False, True]), "boolean").counts == {"False": 1, "True": 2}
    text = distribution(pd.Series(["one", "two", None]), "text")
    assert (text.counts, text.other, text.missing) == ({}, 2, 1)


def test_the_record_of_a_model_holds_those_of_features_and_answers(make_model, orders):
    folder = make_model()
    kept, rows = folder.record.reference, orders.assign(gift=orders["days"] > 7)
    counts = predict(folder.load(), rows[list(folder.record.features)])["prediction"].value_counts()
    assert kept.answers["prediction"].counts == counts.to_dict() and set(counts.index) == {"yes", "no"}
    assert set(kept.features) == set(folder.record.features) and set(kept.answers) == set(folder.record.answers)
    assert kept == reference(rows, predict(folder.load(), rows[list(folder.record.features)]), folder.record.features)
