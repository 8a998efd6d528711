"""What to replace for another model: its columns, what learns, what its file may hold, how its answers are scored."""

import pandas as pd
from sklearn import metrics
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge

from ..settings import Settings
from .features import prepare_columns as prepare_columns  # for other columns, put a function of yours in its place

# What the file of a model may hold, beside what skops knows to be harmless. Add what yours holds after a look at it:
# docs/models.md says for what to look, and what was looked at in these.
TRUSTED = [
    f"{__package__}.estimators.Labelled",
    "collections.OrderedDict",
    "functools.partial",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "scipy.sparse._csr.csr_matrix",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRFClassifier",
    "xgboost.sklearn.XGBRFRegressor",
    "xgboost.sklearn.XGBRegressor",
]


def build(params: Settings) -> BaseEstimator:
    """The unfitted estimator. It is given numbers without gaps, and `model.parameters` of params.yaml."""
    if params.target.task == "regression":
        return Ridge(**params.model.parameters)
    return LogisticRegression(**({"max_iter": 1000, "random_state": params.model.seed} | params.model.parameters))


def score(y: pd.Series, prediction: pd.DataFrame, params: Settings) -> dict[str, float]:
    """The scores by name, first the one that decides, of which more is better.

    y: the true values, n rows. prediction: what `predict` says of the same rows in the same order, that is a column
    `prediction` and, unless the task is regression, a column `probability of <class>` for each class.
    """
    predicted = prediction["prediction"].to_numpy()
    if params.target.task == "regression":
        return {
            "r2": float(metrics.r2_score(y, predicted)),
            "mean_absolute_error": float(metrics.mean_absolute_error(y, predicted)),
            "root_mean_squared_error": float(metrics.root_mean_squared_error(y, predicted)),
        }
    if params.target.task == "multiclass":
        probabilities = prediction.drop(columns="prediction")
        classes = [str(name).removeprefix("probability of ") for name in probabilities]
        # Numbers for the classes: on many rows of text, the scores take ten times as long.
        truth, said = (pd.Categorical(one.astype(str), classes).codes for one in (y, prediction["prediction"]))
        return {
            "balanced_accuracy": float(metrics.balanced_accuracy_score(truth, said)),
            "macro_f1": float(metrics.f1_score(truth, said, average="macro")),
            "log_loss": float(metrics.log_loss(truth, probabilities, labels=range(len(classes)))),
        }
    positive = params.target.positive
    hit, said = (y == positive).to_numpy(), predicted == positive
    probability = prediction[f"probability of {positive}"].to_numpy()
    return {
        "roc_auc": float(metrics.roc_auc_score(hit, probability)),
        "average_precision": float(metrics.average_precision_score(hit, probability)),
        "brier_score": float(metrics.brier_score_loss(hit, probability)),
        "precision": float((hit & said).sum() / max(said.sum(), 1)),
        "recall": float((hit & said).sum() / hit.sum()),
    }
