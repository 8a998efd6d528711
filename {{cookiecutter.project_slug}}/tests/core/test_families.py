"""Models of every day come through by changing `build` alone: learned, kept, loaded, and answering the same."""

import re
import warnings
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from conftest import make_settings
from families import CASES, FAMILIES, TASKS
from scipy.stats import loguniform
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import Birch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from skops.io import get_untrusted_types

from {{cookiecutter.project_slug}}.core import fitting
from {{cookiecutter.project_slug}}.core import model as model_seam
from {{cookiecutter.project_slug}}.core.data import features_and_target
from {{cookiecutter.project_slug}}.core.evaluate import evaluate
from {{cookiecutter.project_slug}}.core.fitting import fit
from {{cookiecutter.project_slug}}.core.model_file import load_model, save_model
from {{cookiecutter.project_slug}}.core.predict import model_input, predict
from {{cookiecutter.project_slug}}.errors import ProjectError

DOCS = Path(__file__).parents[2] / "docs/models.md"
DROP = {"drop": ["order", "day"]}


@pytest.fixture
def model_py(monkeypatch):
    """model_py(build=...): functions and lists of core/model.py, as somebody would write them."""

    def write(**changed) -> None:
        for name, value in changed.items():
            monkeypatch.setattr(model_seam, name, value)
            monkeypatch.setattr(fitting, name, value, raising=False)

    return write


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # which would take longer to be done
@pytest.mark.parametrize(("family", "task"), CASES)
def test_it_is_learned_kept_and_loaded_and_answers_the_same(orders, tmp_path, model_py, family, task):
    model_py(build=lambda params: FAMILIES[family](task))
    settings = make_settings(task, data=DROP)
    X, y = features_and_target(orders, settings)
    model = fit(X, y, settings)
    save_model(model, tmp_path / "model.skops")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a server would log one for each request
        answers = predict(load_model(tmp_path / "model.skops"), X)
    pd.testing.assert_frame_equal(answers, predict(model, X), check_exact=True)
    if task == "regression":
        assert np.corrcoef(answers["prediction"], y)[0, 1] > 0.5
    else:
        assert list(model.classes_) == sorted(set(y))
        assert (answers["prediction"] == y).mean() > y.value_counts(normalize=True).max()


@pytest.mark.parametrize("labels", [(False, True), (0, 1), (1, 2), (-1, 1), ("no", "yes"), (0.0, 1.0)], ids=str)
@pytest.mark.parametrize("family", ["histogram boosting", "LightGBM", "XGBoost", "XGBoost in a search"])
def test_classes_are_answered_as_they_were_written(orders, model_py, family, labels):
    orders["returned"] = orders["returned"].map(dict(zip(("no", "yes"), labels, strict=True)))
    model_py(build=lambda params: FAMILIES[family]("binary"))
    settings = make_settings(data=DROP, target={"positive": labels[1]})
    X, y = features_and_target(orders, settings)
    model = fit(X, y, settings)
    answers = predict(model, X)
    assert list(map(repr, model.classes_.tolist())) == list(map(repr, labels))
    assert set(answers["prediction"]) == set(labels) and f"probability of {labels[1]}" in answers
    assert (answers["prediction"] == y).mean() > 0.8


class Ratio(BaseEstimator):
    """A transformer of somebody's own."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X.assign(ratio=X["weight"] / X["days"])


def learn(orders, task="binary", **sections):
    settings = make_settings(task, data=DROP, **sections)
    X, y = features_and_target(orders, settings)
    return fit(X, y, settings), X, y


def test_what_nobody_has_looked_at_is_said_at_training_with_the_lines_to_add_and_works_with_them(
    orders, model_py, tmp_path
):
    prepare = fitting.prepare_columns
    model_py(prepare_columns=lambda X: make_pipeline(Ratio(), prepare(Ratio().transform(X))))
    line = f'"{Ratio.__module__}.Ratio"'
    with pytest.raises(ProjectError, match=rf"The file of this model .*TRUSTED in core/model.py:\n    {line},$"):
        learn(orders)
    model_py(TRUSTED=[*model_seam.TRUSTED, line.strip('"')])
    model, X, _ = learn(orders)
    save_model(model, tmp_path / "model.skops")
    pd.testing.assert_frame_equal(predict(load_model(tmp_path / "model.skops"), X), predict(model, X))


def test_what_cannot_be_found_by_its_name_is_said_at_training(orders, model_py):
    nameless = FunctionTransformer(lambda X: X)
    model_py(build=lambda params: make_pipeline(nameless, LogisticRegression()))
    with pytest.raises(ProjectError, match=r"'test_families.<lambda>'\] cannot be found again. Write it with `def`"):
        learn(orders)

    class Local(Ratio):
        pass

    model_py(build=lambda params: make_pipeline(Local(), LogisticRegression()))
    model_py(TRUSTED=[*model_seam.TRUSTED, f"{__name__}.Local"], prepare_columns=lambda X: Local())
    with pytest.raises(ProjectError, match=r"The file of this model cannot be loaded .*has no attribute 'Local'"):
        learn(orders[["returned", "weight", "days"]].fillna(1).assign(order=1, day=1))
    model_py(build=lambda params: make_pipeline(Birch(), LogisticRegression(max_iter=1000)))  # which no library writes
    with pytest.raises(ProjectError, match=r"This model cannot be written to a file: "):
        learn(orders[["returned", "weight", "days"]].fillna(1).assign(order=1, day=1))


def test_weights_by_class_mean_the_classes_as_they_were_written(orders, model_py):
    for kind in (RandomForestClassifier, LogisticRegression):
        model_py(build=lambda params, kind=kind: kind(random_state=0, class_weight={"no": 1, "yes": 1e-9}))
        model, X, _ = learn(orders)
        assert (predict(model, X)["prediction"] == "no").all()
        model_py(build=lambda params, kind=kind: kind(class_weight={0: 1, 1: 500}))
        with pytest.raises(ProjectError, match=rf"{kind.__name__}, .* cannot be fitted: .* class_weight"):
            learn(orders)


def test_what_an_estimator_cannot_take_is_an_error_for_numbers_too(orders, model_py):
    model_py(build=lambda params: LogisticRegression())
    with pytest.raises(ProjectError, match=r"LogisticRegression, .* cannot be fitted: Unknown label"):
        learn(orders, "regression")


@pytest.mark.parametrize("family", ["grid search", "random search", "XGBoost in a search"])
def test_of_a_search_what_it_has_found_is_kept(orders, model_py, tmp_path, family):
    model_py(build=lambda params: FAMILIES[family]("binary"))
    model, _, _ = learn(orders)
    save_model(model, tmp_path / "model.skops")
    assert not any("scipy" in name or "search" in name for name in get_untrusted_types(file=tmp_path / "model.skops"))
    with ZipFile(tmp_path / "model.skops") as packed:
        assert b"SearchCV" not in packed.read("schema.json")


def with_many_categories(orders):
    """The same orders with so many categories that the columns made of them are mostly empty."""
    for number in range(12):
        orders[f"word {number}"] = np.random.default_rng(number).choice(list("abcdefghijklmno"), len(orders))
    return orders


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # which would take longer to be done
@pytest.mark.parametrize("own", [False, True], ids=["as it is", "with a step of somebody's own"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_table_of_many_categories_is_one_like_others(orders, model_py, family, own):
    prepare = fitting.prepare_columns
    if own:
        model_py(
            prepare_columns=lambda X: make_pipeline(Ratio(), prepare(Ratio().transform(X))),
            TRUSTED=[*model_seam.TRUSTED, f"{Ratio.__module__}.Ratio"],
        )
    model_py(build=lambda params: FAMILIES[family]("binary"))
    model, X, _ = learn(with_many_categories(orders))
    assert predict(model, X).notna().all(axis=None)


def test_an_estimator_that_takes_nothing_sparse_is_given_nothing_sparse(orders, model_py, monkeypatch):
    with_many_categories(orders)
    given = {}

    class Boosting(HistGradientBoostingClassifier):
        def fit(self, X, y):
            given[type(self).__name__] = type(X).__name__
            return super().fit(X, y)

    class Linear(LogisticRegression):
        def fit(self, X, y):
            given[type(self).__name__] = type(X).__name__
            return super().fit(X, y)

    monkeypatch.setattr(fitting, "check_loadable", lambda model: None)
    for kind in (Boosting, Linear):
        model_py(build=lambda params, kind=kind: kind())
        learn(orders)
    assert given == {"Boosting": "ndarray", "Linear": "csr_matrix"}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", ["histogram boosting", "LightGBM", "XGBoost"])
def test_columns_can_be_prepared_otherwise_beside_build(orders, model_py, family, task):
    def as_they_are(X):
        words = X.select_dtypes(exclude="number").columns.to_list()
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        return make_column_transformer((codes, words), remainder="passthrough")

    orders["gift"] = pd.array([True, None, False, False] * 50, dtype="boolean")
    model_py(build=lambda params: FAMILIES[family](task), prepare_columns=as_they_are)
    model, X, _ = learn(orders, task)
    odd = X.head(4).copy()
    odd.loc[odd.index[0], :] = None
    odd["shop"] = "market stall"
    assert predict(model, odd).notna().all(axis=None)


@pytest.mark.parametrize(
    ("family", "wrong", "right"),
    [
        ("histogram boosting", "max_dept", "max_depth"),
        ("LightGBM", "num_leavs", "num_leaves"),
        ("XGBoost", "max_dept", "max_depth"),
        ("forest", "depth", "max_depth"),
        ("forest", "zzz", None),
    ],
)
def test_a_wrong_name_of_a_parameter_is_answered_with_the_right_ones(orders, model_py, family, wrong, right):
    kind = type(FAMILIES[family]("binary"))
    model_py(build=lambda params: kind(**params.model.parameters))
    meant = rf" Did you mean '{right}'\?" if right else ""
    said = rf"^model\.parameters in params\.yaml: {kind.__name__} has no parameter '{wrong}'\.{meant} There are: .*max_"
    with pytest.raises(ProjectError, match=said):
        learn(orders, model={"parameters": {wrong: 3}})


@pytest.mark.parametrize(
    ("family", "parameters"),
    [
        ("LightGBM", {"num_leaf": 4, "max_leaves": 4, "bagging_fraction": 0.5, "lambda_l1": 0.1, "eta": 0.2}),
        ("XGBoost", {"eta": 0.2, "nthread": 1, "lambda": 1.0, "max_leaves": 4}),
        ("calibrated", {"C": 0.5}),
    ],
)
def test_a_name_that_only_the_library_knows_is_left_to_it(orders, model_py, family, parameters):
    plain = FAMILIES[family]("binary")
    around = CalibratedClassifierCV if family == "calibrated" else (lambda estimator: estimator)
    kind = SVC if family == "calibrated" else type(plain)
    model_py(build=lambda params: around(kind(**params.model.parameters)))
    learn(orders, model={"parameters": parameters})


def test_a_wrong_value_of_a_parameter_is_said_in_one_sentence(orders, model_py):
    model_py(build=lambda params: RandomForestClassifier(**params.model.parameters))
    with pytest.raises(ProjectError, match=r"cannot be fitted: The 'max_depth' parameter of .* 'deep' instead"):
        learn(orders, model={"parameters": {"max_depth": "deep"}})


def test_an_error_of_somebodys_own_build_is_shown_as_it_is(orders, model_py):
    model_py(build=lambda params: RandomForestClassifier(params.model.parameters["trees"]))
    learn(orders, model={"parameters": {"trees": 3}})
    with pytest.raises(KeyError):
        learn(orders)
    model_py(build=lambda params: RandomForestClassifier(3, None, 3, 4))
    with pytest.raises(TypeError):
        learn(orders)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_model_without_probabilities_is_refused_and_one_that_has_them_once_fitted_is_not(orders, model_py, task):
    for without in (LinearSVC(), VotingClassifier([("one", LogisticRegression())])):
        model_py(build=lambda params, without=without: without)
        with pytest.raises(
            ProjectError, match=rf"{type(without).__name__} gives no .*CalibratedClassifierCV.*voting='soft'"
        ):
            learn(orders, task)
    model_py(build=lambda params: StackingClassifier([("one", LogisticRegression())]))
    model, X, y = learn(orders, task)
    assert (predict(model, X)["prediction"] == y).mean() > 0.7


@pytest.mark.parametrize("task", TASKS)
def test_the_example_of_the_docs_takes_gaps_and_categories_as_they_are(orders, model_py, task):
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    exec(example, code := vars(model_seam).copy())
    model_py(build=code["build"], prepare_columns=code["prepare_columns"])
    model, X, y = learn(orders, task, model={"parameters": {"max_iter": 30}})
    given = code["prepare_columns"](model_input(X)).fit_transform(model_input(X))
    assert given.shape == X.shape and np.isnan(given).any()
    assert predict(model, X.assign(shop="market stall")).notna().all(axis=None)
    score = evaluate(model, X, y, make_settings(task))
    assert next(iter(score.values())) > 0.7


@pytest.mark.parametrize("positive", ["yes", "no"])
@pytest.mark.parametrize("kind", ["LightGBM", "XGBoost", "XGBoost in a search", "XGBoost on numbers"])
def test_boosters_weigh_the_positive_class_whichever_sorts_last(orders, model_py, kind, positive):
    found = {}
    values = {"yes": 1, "no": 0} if kind == "XGBoost on numbers" else {"yes": "yes", "no": "no"}
    orders["returned"] = orders["returned"].map(values)
    for weight in (0.05, 1, 20):
        estimator = FAMILIES[kind.removesuffix(" on numbers")]("binary")
        inner = getattr(estimator, "estimator", estimator)
        inner.set_params(scale_pos_weight=weight)
        model_py(build=lambda params, estimator=estimator: estimator)
        model, X, _ = learn(orders, target={"positive": values[positive]})
        found[weight] = (predict(model, X)["prediction"] == values[positive]).sum()
    assert found[0.05] < found[1] < found[20]


def test_a_search_that_could_judge_nothing_is_refused(orders, model_py):
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, scoring="f1")  # takes 1 for the positive class
    model_py(build=lambda params: search)
    with pytest.warns(UserWarning), pytest.raises(ProjectError, match="GridSearchCV has found nothing"):
        learn(orders)


def test_a_search_within_is_said_to_belong_around(orders, model_py):
    within = RandomizedSearchCV(LogisticRegression(), {"C": loguniform(0.1, 10)}, n_iter=2)
    model_py(build=lambda params: make_pipeline(StandardScaler(), within))
    with pytest.raises(ProjectError, match=r"scipy\.stats.* would run code\. Let the search stand around all else"):
        learn(orders)


@pytest.mark.parametrize("family", ["XGBoost", "LightGBM", "voting"])
def test_probabilities_of_many_classes_are_shares_of_one(orders, model_py, family):
    model_py(build=lambda params: FAMILIES[family]("multiclass"))
    model, X, _ = learn(orders, "multiclass")
    shares = predict(model, X).filter(like="probability")
    assert set(shares.dtypes) == {np.dtype("float64")} and (shares.sum(axis=1) - 1).abs().max() < 1e-12


class Column(LogisticRegression):
    """As CatBoost, which answers with a column."""

    def predict(self, X):
        return super().predict(X).reshape(-1, 1)


def test_classes_in_a_column_are_classes(orders, model_py):
    model_py(build=lambda params: Column(), TRUSTED=[*model_seam.TRUSTED, f"{__name__}.Column"])
    model, X, _ = learn(orders, "multiclass")
    assert predict(model, X)["prediction"].isin(orders["size"]).all()


def test_what_has_no_classes_is_refused_for_classes(orders, model_py):
    orders["returned"] = orders["returned"] == "yes"
    for without in (IsolationForest(), HistGradientBoostingRegressor()):
        model_py(build=lambda params, without=without: without)
        with pytest.raises(ProjectError, match=f"{type(without).__name__} gives no probabilities"):
            learn(orders, target={"positive": True})
