"""The pictures show what they say: their lines and bars are held against the numbers."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_settings
from sklearn import metrics

from {{cookiecutter.project_slug}}.core import pictures
from {{cookiecutter.project_slug}}.core.data import features_and_target
from {{cookiecutter.project_slug}}.core.evaluate import evaluate
from {{cookiecutter.project_slug}}.core.fitting import fit
from {{cookiecutter.project_slug}}.core.predict import predict


def learn(orders, task, **sections):
    settings = make_settings(task, data={"drop": ["order", "day"]}, **sections)
    X, y = features_and_target(orders, settings)
    return fit(X, y, settings), X, y, settings


def test_the_balance_of_classes_is_their_count(orders):
    figure = pictures.target_balance(orders["size"], make_settings("multiclass"))
    assert [bar.get_height() for bar in figure.axes[0].patches] == list(orders["size"].value_counts())


def test_the_balance_of_numbers_holds_every_row(orders):
    figure = pictures.target_balance(orders["price"], make_settings("regression"))
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == len(orders)


@pytest.mark.parametrize("feature", ["shop", "days"])
def test_relations_are_the_means_of_the_groups(orders, feature):
    settings = make_settings()
    X, y = orders[["shop", "days"]], orders["returned"]
    axes = {axis.get_title(): axis for axis in pictures.feature_relations(X, y, settings).axes}
    wanted = (y == "yes").groupby(pictures.groups(X[feature]), observed=True).mean()
    points, joined = axes[feature].lines
    assert list(points.get_ydata()) == list(wanted)
    assert len(joined.get_xdata()) == (0 if feature == "shop" else len(wanted))  # categories have no order to join


def test_groups_are_named_by_what_is_in_them():
    numbers = pictures.groups(pd.Series([*np.arange(100.0), np.nan]))
    words = pictures.groups(pd.Series([*"abcdefghij", None]), most=3)
    assert list(numbers.cat.categories[[0, 9, 10]]) == ["0 to 9", "90 to 99", "missing"]
    assert set(words) == {"a", "b", "c", "other", "missing"}
    assert list(pictures.groups(pd.Series(["missing", "here", None]))) == ["missing", "here", "missing"]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (pd.array([True, None, False, True], dtype="boolean"), ["False", "True", "missing"]),
        (pd.array([1, None, 3], dtype="Int64"), ["1.0", "3.0", "missing"]),
        (
            pd.date_range("2024-01-01", periods=40).as_unit("us"),
            ["2024-01-01 to 2024-01-04", "2024-02-06 to 2024-02-09"],
        ),
    ],
)
def test_values_of_every_type_have_their_groups(values, labels):
    grouped = pictures.groups(pd.Series(values))
    shown = [str(label) for label in grouped.cat.categories]
    assert set(labels) <= set(shown) and (len(shown) == len(labels) or shown[0] == labels[0])


def test_names_that_look_like_formulas_are_drawn_as_they_are(orders):
    name = r"cost $\y$ {x"
    learned = learn(orders.rename(columns={"days": name, "shop": "a_b^c"}), "binary")
    for figure in (pictures.importance(*learned), pictures.feature_relations(*learned[1:])):
        assert pictures.as_png(figure)
    assert name in [axis.get_title() for axis in figure.axes]


@pytest.mark.parametrize(("task", "classes"), [("binary", ["yes"]), ("multiclass", ["large", "medium", "small"])])
def test_the_curves_and_the_matrix_are_those_of_the_model(orders, task, classes):
    model, X, y, settings = learn(orders, task)
    answers = predict(model, X)
    roc, precision_recall, _, confusion, *_ = pictures.evaluation(model, X, y, settings).axes
    for line, other, one in zip(roc.lines, precision_recall.lines, classes, strict=False):
        wrong, right, _ = metrics.roc_curve(y == one, answers[f"probability of {one}"])
        np.testing.assert_allclose(line.get_xydata(), np.column_stack([wrong, right]))
        precision, recall, _ = metrics.precision_recall_curve(y == one, answers[f"probability of {one}"])
        np.testing.assert_allclose(other.get_xydata(), np.column_stack([recall, precision]))
    counted = [int(text.get_text()) for text in confusion.texts]
    assert counted == list(metrics.confusion_matrix(y, answers["prediction"]).flat)


def test_precision_and_recall_are_drawn_by_threshold_with_the_one_that_counts(orders):
    model, X, y, settings = learn(orders, "binary", target={"threshold": 0.3})
    *_, by_threshold, shares = pictures.evaluation(model, X, y, settings).axes
    probability, hit = predict(model, X)["probability of yes"], y == "yes"
    for line, share_of in zip(by_threshold.lines, (probability.ge, hit.eq), strict=False):
        at, value = line.get_xydata()[len(line.get_xydata()) // 2]
        both, said = (hit & (probability >= at)).sum(), (probability >= at).sum()
        assert value == pytest.approx(both / (said if share_of == probability.ge else hit.sum()))
    assert {tuple(axis.lines[-1].get_xdata()) for axis in (by_threshold, shares)} == {(0.3, 0.3)}
    assert len(pictures.evaluation(*learn(orders, "multiclass")).axes) == 4


def test_errors_of_numbers_are_predicted_against_true_and_what_is_left(orders):
    model, X, y, settings = learn(orders, "regression")
    truth, rest = (axis.collections[0].get_offsets() for axis in pictures.evaluation(model, X, y, settings).axes)
    np.testing.assert_allclose(truth, np.column_stack([model.predict(X), y]))
    np.testing.assert_allclose(rest, np.column_stack([model.predict(X), y - model.predict(X)]))


def test_what_the_model_leans_on_most_is_at_the_top(orders):
    model, X, y, settings = learn(orders, "regression")
    axis = pictures.importance(model, X, y, settings, most=3).axes[0]
    falls = [bar.get_width() for bar in axis.patches]
    assert falls == sorted(falls) and len(falls) == 3
    assert axis.get_yticklabels()[-1].get_text() in ("weight", "size")  # the price was made of the weight
    assert axis.get_xlabel() == "fall of r2 when shuffled"


def test_of_many_rows_a_sample_is_shuffled(orders, monkeypatch):
    model, X, y, settings = learn(orders, "regression")
    asked = []

    def counting(model, X, y, settings):
        assert X.index.equals(y.index)
        asked.append(len(X))
        return evaluate(model, X, y, settings)

    monkeypatch.setattr(pictures, "evaluate", counting)
    monkeypatch.setattr(pictures, "FEWEST_ROWS", 50)
    monkeypatch.setattr(pictures, "MOST_ANSWERS", 60 * 5 * X.shape[1])
    axis = pictures.importance(model, X, y, settings, most=1).axes[0]
    assert set(asked) == {60} and "on 60 of 200 rows" in axis.get_title()
    assert axis.get_yticklabels()[-1].get_text() in ("weight", "size")
    monkeypatch.setattr(pictures, "MOST_ANSWERS", 0)
    pictures.importance(model, X, y, settings)
    assert set(asked) == {60, 50}


def test_a_rare_class_is_in_the_sample_and_a_frequent_one_keeps_its_share():
    y = pd.Series(["rare"] * 3 + ["often"] * 9_000 + ["seldom"] * 997, index=range(5, 10_005))
    counts = pictures.sample(y, 600, make_settings("multiclass")).value_counts()
    assert dict(counts) == {"often": 540, "seldom": 100, "rare": 3}
    many = pd.Series([f"class {number}" for number in range(700)] * 2)
    assert pictures.sample(many, 600, make_settings("multiclass")).nunique() == 700
    one, again = (pictures.sample(y, 600, make_settings("multiclass")) for _ in range(2))
    assert one.equals(again) and one.index.is_monotonic_increasing
    numbers = pd.Series(np.arange(9_000.0))
    assert len(pictures.sample(numbers, 600, make_settings("regression"))) == 600


def test_the_history_is_that_of_the_same_question(orders):
    row = {"date": "2024-01-01T00:00", "task": "binary", "target": "y", "positive": "yes", "roc_auc": "0.5"}
    history = pd.DataFrame([row, row | {"target": "z"}, row | {"positive": "no"}, row | {"roc_auc": "0.75"}])
    (line,) = pictures.score_history(history, row, "roc_auc").axes[0].lines
    assert list(line.get_ydata()) == [0.5, 0.75]


def test_a_picture_is_the_same_bytes_each_time_and_a_dollar_is_no_formula(orders):
    y = orders["size"].replace("small", "$5^_$10")
    one, again = (pictures.as_png(pictures.target_balance(y, make_settings("multiclass"))) for _ in range(2))
    assert one == again and one.startswith(b"\x89PNG")
