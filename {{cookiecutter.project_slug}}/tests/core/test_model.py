"""Does the model learn what it should? Asked before training, after it, and of its scores."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_settings
from skops.io import dumps

from {{cookiecutter.project_slug}}.core.data import features_and_target, known_rows
from {{cookiecutter.project_slug}}.core.evaluate import baseline, evaluate, judge
from {{cookiecutter.project_slug}}.core.features import prepare_columns
from {{cookiecutter.project_slug}}.core.fitting import fit
from {{cookiecutter.project_slug}}.core.model import build, score
from {{cookiecutter.project_slug}}.core.model_file import load_model, save_model
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.core.slices import evaluate_slices
from {{cookiecutter.project_slug}}.core.split import split

TASKS = ["binary", "multiclass", "regression"]
HIDDEN = {"binary": ["order", "day"], "multiclass": ["order", "day"], "regression": ["order", "day", "size"]}


def learn(orders, task, **sections):
    settings = make_settings(task, data={"drop": HIDDEN[task]}, **sections)
    train_rows, test_rows = split(known_rows(orders, settings), settings)
    X, y = features_and_target(train_rows, settings)
    return fit(X, y, settings), *features_and_target(test_rows, settings), settings


@pytest.mark.parametrize("task", TASKS)
def test_it_is_clearly_better_than_a_guess(orders, task):
    model, X, y, settings = learn(orders, task)
    (name, value), *_ = evaluate(model, X, y, settings).items()
    assert value > {"roc_auc": 0.8, "balanced_accuracy": 0.8, "r2": 0.9}[name]


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_it_can_learn_a_few_rows_by_heart_when_nothing_holds_it_back(orders, task):
    settings = make_settings(task, data={"drop": ["order", "day"]}, model={"parameters": {"C": 1e6}})
    few = orders.groupby(settings.target.column).head(6).dropna()
    X, y = features_and_target(few, settings)
    assert (predict(fit(X, y, settings), X)["prediction"] == y).all()


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_the_loss_on_what_it_learns_from_falls_with_more_steps(orders):
    losses = []
    for steps in (1, 4, 100):
        settings = make_settings(data={"drop": ["order", "day"]}, model={"parameters": {"max_iter": steps}})
        X, y = features_and_target(orders, settings)
        losses.append(evaluate(fit(X, y, settings), X, y, settings)["brier_score"])
    assert losses[0] > losses[1] > losses[2]


@pytest.mark.parametrize("task", TASKS)
def test_the_same_data_and_seed_give_the_same_bytes(orders, task):
    one, again = (learn(orders, task) for _ in range(2))
    assert predict(one[0], one[1]).to_csv() == predict(again[0], again[1]).to_csv()


@pytest.mark.parametrize("task", TASKS)
def test_answers_have_no_gaps_even_for_rows_full_of_them_and_for_unseen_categories(orders, task):
    model, X, _, _ = learn(orders, task)
    odd = X.head(4).copy()
    odd.loc[odd.index[0], :] = None
    odd["shop"] = "market stall"
    answers = predict(model, odd)
    assert answers.notna().all(axis=None) and list(answers.index) == list(odd.index)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_probabilities_are_shares_of_one(orders, task):
    model, X, _, _ = learn(orders, task)
    shares = predict(model, X).drop(columns="prediction")
    assert shares.ge(0).all(axis=None) and np.allclose(shares.sum(axis=1), 1)


def test_the_order_of_rows_and_columns_does_not_matter(orders):
    model, X, _, _ = learn(orders, "binary")
    turned = predict(model, X.iloc[::-1, ::-1]).loc[X.index]
    pd.testing.assert_frame_equal(turned, predict(model, X))


def test_later_orders_are_likelier_to_come_back(orders):
    model, X, _, _ = learn(orders, "binary")
    later = predict(model, X.assign(days=X["days"] + 5))["probability of yes"]
    assert (later > predict(model, X)["probability of yes"]).all()


def test_missing_numbers_get_the_median_and_an_empty_column_stays():
    X = pd.DataFrame({"x": [0.0, 1.0, 100.0, np.nan], "none": [np.nan] * 4})
    made = prepare_columns(X).fit_transform(X)
    assert made.shape == (4, 2) and made[3, 0] == made[1, 0] and made[:, 0].std() == pytest.approx(1)


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("classes", [("no", "yes"), (0, 1), (False, True), (3, 7)], ids=str)
def test_a_row_is_positive_from_the_threshold_on_and_so_it_is_kept(orders, tmp_path, classes, threshold):
    orders["returned"] = orders["returned"].map({"no": classes[0], "yes": classes[1]})
    target = {"positive": classes[1], "threshold": threshold}
    model, X, y, settings = learn(orders, "binary", target=target)
    save_model(model, tmp_path / "model.skops")
    for one in (model, load_model(tmp_path / "model.skops")):
        answers = predict(one, X)
        is_positive = answers[f"probability of {classes[1]}"] >= threshold
        assert (is_positive == (answers["prediction"] == classes[1])).all() and 0 < is_positive.sum() < len(X)
    assert (tmp_path / "model.skops").stat().st_size < 1.5 * len(dumps(model.estimator_))  # it is in there once
    scores, hit = score(y, answers, settings), y == classes[1]
    assert scores["precision"] == (hit & is_positive).sum() / is_positive.sum()
    assert scores["recall"] == (hit & is_positive).sum() / hit.sum()


@pytest.mark.parametrize("task", TASKS)
def test_always_answering_the_same_is_the_baseline(orders, task):
    settings = make_settings(task, data={"drop": HIDDEN[task]})
    train_rows, test_rows = split(known_rows(orders, settings), settings)
    found = baseline(train_rows, test_rows, settings)
    name = next(iter(found))
    if task == "regression":
        assert found[name] <= 0
    else:
        assert found[name] == pytest.approx({"roc_auc": 1 / 2, "balanced_accuracy": 1 / 3}[name])
        assert found.get("recall", 0) == 0


@pytest.mark.parametrize("task", TASKS)
def test_what_is_judged_is_judged_with_its_chance_beside_the_baseline(orders, task):
    settings = make_settings(task, data={"drop": HIDDEN[task]}, evaluation={"slices": ["shop"], "held_out": 0.6})
    train_rows, test_rows = split(known_rows(orders, settings), settings)
    model = fit(*features_and_target(train_rows, settings), settings)
    found = judge(model, train_rows, test_rows, settings, seed=1)
    assert found["scores"] == evaluate(model, *features_and_target(test_rows, settings), settings)
    assert all(low <= found["scores"][name] <= high for name, (low, high) in found["spread"].items())
    assert found["baseline"] == baseline(train_rows, test_rows, settings) and found["missed"] == []
    assert found == judge(model, train_rows, test_rows, settings, seed=1)


def test_a_model_of_shuffled_labels_is_no_better_than_the_baseline(orders):
    orders["price"] = np.random.default_rng(0).permutation(orders["price"])
    settings = make_settings("regression", data={"drop": HIDDEN["regression"]})
    train_rows, test_rows = split(known_rows(orders, settings), settings)
    model = fit(*features_and_target(train_rows, settings), settings)
    (said,) = judge(model, train_rows, test_rows, settings, seed=1)["missed"]
    assert said.startswith("r2 is -0.") and "no better than" in said


@pytest.mark.parametrize("task", TASKS)
def test_the_seed_and_the_parameters_reach_the_estimator_of_the_project(task):
    estimator = build(make_settings(task, model={"seed": 7}))
    name, value = next((name, value) for name, value in estimator.get_params(deep=False).items() if value is not None)
    assert build(make_settings(task, model={"parameters": {name: value}})).get_params()[name] == value
    assert estimator.get_params().get("random_state", 7) in (7, None)


def test_perfect_answers_get_perfect_scores():
    y = pd.Series(["no", "yes", "no", "yes"])
    sure = pd.DataFrame({"prediction": y})
    for one in ("yes", "no"):
        sure[f"probability of {one}"] = (y == one).astype(float)
    assert list(score(y, sure, make_settings()).values()) == [1, 1, 0, 1, 1]
    assert list(score(y, sure, make_settings("multiclass")).values()) == pytest.approx([1, 1, 0], abs=1e-9)
    numbers = pd.Series([1.0, 2.0, 4.0])
    exact = pd.DataFrame({"prediction": numbers})
    assert list(score(numbers, exact, make_settings("regression")).values()) == [1, 0, 0]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_slices_are_scored_apart_and_small_ones_left_out(orders, task):
    orders.loc[orders.index[:5], "shop"] = "stall"
    model, X, y, settings = learn(orders, task, evaluation={"slices": ["shop"], "held_out": 0.6})
    slices = evaluate_slices(predict(model, X), orders.loc[X.index], settings).set_index("value")
    assert set(slices.index) == {"web", "mail", "store"}
    web = X["shop"] == "web"
    assert slices.loc["web", "rows"] == web.sum()
    name, score = next(iter(evaluate(model, X[web], y[web], settings).items()))
    assert slices.loc["web", name] == score


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pd.array([True, None, False, False] * 50, dtype="boolean"), ["(missing)", "False", "True"]),
        (pd.array([1, None, 20, 20] * 50, dtype="Int64"), ["(missing)", "1", "20"]),
        ([1.0, None, 2.5, 2.5] * 50, ["(missing)", "1", "2.5"]),
        (["nan", None, "x", "x"] * 50, ["(missing)", "nan", "x"]),
    ],
)
def test_slices_are_named_by_their_values(orders, values, names):
    settings = make_settings("regression", data={"drop": HIDDEN["regression"]}, evaluation={"slices": ["by"]})
    X, y = features_and_target(orders, settings)
    found = evaluate_slices(predict(fit(X, y, settings), X), orders.assign(by=values), settings)
    assert sorted(found["value"]) == names and found["rows"].sum() == 200
