"""Models of every day, as somebody would write them into `build`: small ones, which learn in a moment."""

from collections.abc import Callable

import pytest
from scipy.stats import loguniform
from sklearn import calibration, ensemble, linear_model, model_selection, neighbors, neural_network, svm
from sklearn.base import BaseEstimator


def of(task: str, module, name: str, **parameters) -> BaseEstimator:
    """The estimator of this name for this task."""
    return getattr(module, f"{name}{'Regressor' if task == 'regression' else 'Classifier'}")(**parameters)


def linear(task: str) -> BaseEstimator:
    return linear_model.Ridge() if task == "regression" else linear_model.LogisticRegression(max_iter=1000)


def several(task: str) -> list[tuple[str, BaseEstimator]]:
    return [("linear", linear(task)), ("forest", of(task, ensemble, "RandomForest", n_estimators=3, random_state=0))]


def network(task: str, **parameters) -> BaseEstimator:
    known = {"hidden_layer_sizes": (10,), "learning_rate_init": 0.05, "max_iter": 100, "random_state": 0}
    return of(task, neural_network, "MLP", **known | parameters)


def booster(task: str, module: str, prefix: str, **parameters) -> BaseEstimator:
    """A booster that the project does not have by itself."""
    return of(task, pytest.importorskip(module), prefix, n_estimators=5, random_state=0, **parameters)


def strength(task: str) -> str:
    """The parameter of the linear model to search in."""
    return "alpha" if task == "regression" else "C"


FAMILIES: dict[str, Callable[[str], BaseEstimator]] = {
    "histogram boosting": lambda task: of(task, ensemble, "HistGradientBoosting", max_iter=5, random_state=0),
    "gradient boosting": lambda task: of(task, ensemble, "GradientBoosting", n_estimators=5, random_state=0),
    "forest": lambda task: of(task, ensemble, "RandomForest", n_estimators=5, random_state=0),
    "extra trees": lambda task: of(task, ensemble, "ExtraTrees", n_estimators=5, random_state=0),
    "ada boost": lambda task: of(task, ensemble, "AdaBoost", n_estimators=5, random_state=0),
    "network": network,
    "network by descent": lambda task: network(task, solver="sgd", learning_rate_init=0.005),
    "neighbors": lambda task: of(task, neighbors, "KNeighbors"),
    "calibrated": lambda task: calibration.CalibratedClassifierCV(svm.SVC()),
    "stacking": lambda task: of(task, ensemble, "Stacking", estimators=several(task)),
    "voting": lambda task: of(
        task, ensemble, "Voting", estimators=several(task), **({} if task == "regression" else {"voting": "soft"})
    ),
    "grid search": lambda task: model_selection.GridSearchCV(
        linear(task), {strength(task): [0.1, 1]}, cv=model_selection.ShuffleSplit(2, random_state=0)
    ),
    "random search": lambda task: model_selection.RandomizedSearchCV(
        linear(task),
        {strength(task): loguniform(0.1, 10)},
        n_iter=2,
        random_state=0,
        scoring="r2" if task == "regression" else "balanced_accuracy",
    ),
    "LightGBM": lambda task: booster(task, "lightgbm", "LGBM", verbose=-1),
    "XGBoost": lambda task: booster(task, "xgboost", "XGB"),
    "XGBoost in a search": lambda task: model_selection.GridSearchCV(
        booster(task, "xgboost", "XGB"), {"max_depth": [1, 2]}, scoring=None if task == "regression" else "f1_macro"
    ),
}
TASKS = ["binary", "multiclass", "regression"]
CASES = [(family, task) for family in FAMILIES for task in TASKS if (family, task) != ("calibrated", "regression")]
# The project's own model and the others, as they are served: what a task changes is the same for all.
SERVED = [*((None, task) for task in TASKS), *((family, "binary") for family in FAMILIES)]
