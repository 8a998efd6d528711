"""Fit a model: prepared columns, the estimator that `build` gives and, for binary targets, the threshold, as one."""

import difflib
from contextlib import suppress

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags

from ..errors import ProjectError, shortened
from ..settings import Model, Settings
from .estimators import Labelled, without_search
from .model import build, prepare_columns
from .model_file import check_loadable
from .predict import model_input

MAYBE, SURELY = 0.6, 0.85  # how much of two names must be alike, for one to be meant by the other


def fit(X: pd.DataFrame, y: pd.Series, params: Settings) -> BaseEstimator:
    """The model that is fitted to X, n rows of a table, and their n targets y.

    Raises ProjectError where its parameters are wrong, where a classifier gives no probabilities, or where the file of
    the model could not be loaded.
    """
    X = model_input(X)
    model = learn(X, y, params)
    if params.target.task != "regression" and not hasattr(model, "predict_proba"):
        raise ProjectError(
            f"{type(model[-1]).__name__} gives no probabilities, by which classes are judged: let `build` put a "
            "CalibratedClassifierCV of scikit-learn around it, or ask a VotingClassifier for voting='soft'."
        )
    model = with_threshold(model, X, y, params) if params.target.task == "binary" else model
    check_loadable(model)
    return model


def learn(X: pd.DataFrame, y: pd.Series, params: Settings) -> Pipeline:
    """The fitted preparation and estimator. X: the features as every model is given them. Raises as `fit` does."""
    estimator, columns = estimator_for(params), prepare_columns(X)
    if not get_tags(estimator).input_tags.sparse:
        names = [name for name in columns.get_params() if name.rpartition("__")[2] == "sparse_threshold"]
        columns.set_params(**dict.fromkeys(names, 0))
    around = Labelled(estimator, params.target.positive)
    try:
        chosen = around if takes_the_last_as_positive(estimator, y, params) else estimator
        model = make_pipeline(columns, chosen).fit(X, y)
        if params.target.task != "regression" and not same_classes(model, y):
            model = make_pipeline(columns, around).fit(X, y)
    except ValueError as error:
        if "Invalid classes" not in str(error):  # as XGBoost says it, and whatever is around it
            said = shortened(str(error), 1000)
            raise ProjectError(f"{type(estimator).__name__}, as `build` gives it, cannot be fitted: {said}") from error
        model = make_pipeline(columns, around).fit(X, y)
    model.steps[-1] = (model.steps[-1][0], without_search(model[-1]))
    return model


def takes_the_last_as_positive(estimator: BaseEstimator, y: pd.Series, params: Settings) -> bool:
    """Whether a booster would weigh the other one of two classes as the positive one, since that sorts last."""
    given = {name.rpartition("__")[2]: value for name, value in estimator.get_params().items()}
    is_booster = "scale_pos_weight" in given and not isinstance(given.get("class_weight"), dict)
    return is_booster and params.target.task == "binary" and params.target.positive != np.unique(y)[-1]


def same_classes(model: BaseEstimator, y: pd.Series) -> bool:
    """Whether a model answers with the classes of y as they are written there: true and false are 0 and 1 for some."""
    return not hasattr(model, "predict_proba") or sorted(map(str, model.classes_)) == sorted(map(str, y.unique()))


def with_threshold(model: BaseEstimator, X: pd.DataFrame, y: pd.Series, params: Settings) -> BaseEstimator:
    """The fitted model, saying the positive class from the threshold on.

    Around the fitted one: before, some models do not know yet whether they give probabilities.
    """
    target = params.target
    by_threshold = {"threshold": target.threshold, "pos_label": target.positive, "response_method": "predict_proba"}
    wrapped = FixedThresholdClassifier(FrozenEstimator(model), **by_threshold).fit(X, y)
    return wrapped.set_params(estimator=clone(model))  # or the file of the model would hold it twice


def estimator_for(params: Settings) -> BaseEstimator:
    """What `build` gives. Raises ProjectError with the right names where it does not know a parameter."""
    plain: BaseEstimator | None = None
    with suppress(Exception):  # it may need some of the parameters
        plain = build(params.model_copy(update={"model": Model()}))
    names = [] if plain is None else plain.get_params()
    known = {part for name in names for part in (name, name.rpartition("__")[2])}
    unknown = [name for name in params.model.parameters if name not in known]
    try:
        estimator = build(params)
    except (TypeError, ValueError):  # of a constructor, or of set_params
        if not (known and unknown):
            raise
        raise wrong_name(unknown[0], known, MAYBE, type(plain).__name__) from None
    for name in unknown:  # boosters take any name, and leave what they do not know alone
        if name in estimator.get_params() and difflib.get_close_matches(name, known, cutoff=SURELY):
            raise wrong_name(name, known, SURELY, type(plain).__name__)
    return estimator


def wrong_name(name: str, known: set[str], likeness: float, kind: str) -> ProjectError:
    """The error that an estimator of this kind does not know a parameter."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=likeness)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    right = ", ".join(sorted(one for one in known if "__" not in one))
    return ProjectError(
        f"model.parameters in params.yaml: {kind} has no parameter {name!r}.{meant} There are: {right}."
    )
