"""The pictures that people look at: the data, a model's errors, what it leans on, its score over time."""

import io

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn import metrics
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import permutation_importance

from ..settings import Settings
from .evaluate import evaluate
from .predict import predict

# A $ in the data is a dollar, not a formula. Each text of a figure asks for it when it is made, not when it is drawn.
matplotlib.rcParams["text.parse_math"] = False
MOST_CLASSES, MOST_FEATURES, MOST_IMPORTANT, LONGEST_LABEL = 10, 30, 15, 18
# To shuffle: each feature is asked about several times, for which slow models take minutes where there are many rows.
TIMES_SHUFFLED, MOST_SHUFFLED, MOST_ANSWERS, FEWEST_ROWS = 5, 100, 50_000, 500


def as_png(figure: Figure) -> bytes:
    """The picture as the bytes of a PNG file."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()


def canvas(width: float, height: float) -> Figure:
    """An empty figure that nothing else draws into."""
    return Figure(figsize=(width, height), layout="constrained")


def short(value: object) -> str:
    """A label that leaves room for others."""
    return str(value)[:LONGEST_LABEL]


def most_frequent(values: pd.Series) -> list:
    """The most frequent classes, as many as a picture can tell apart, in their own order."""
    return sorted(values.value_counts().index[:MOST_CLASSES])


def outcomes(y: pd.Series, settings: Settings) -> pd.DataFrame:
    """What the pictures average: the target itself, or for each class whether a row belongs to it."""
    if settings.target.task == "regression":
        return y.to_frame(f"mean {y.name}")
    classes = [settings.target.positive] if settings.target.task == "binary" else most_frequent(y)
    return pd.DataFrame({f"share of {one}": (y == one).astype(float) for one in classes})


def groups(column: pd.Series, most: int = 10) -> pd.Series:
    """Each row's group for the pictures: a value or a range of numbers or dates, or one of the most frequent ones."""
    if pd.api.types.is_integer_dtype(column):
        column = column.astype("float64")
    if has_order(column) and column.nunique() > most:
        written = "{:.6g}" if pd.api.types.is_numeric_dtype(column) else "{:%Y-%m-%d}"
        ranges = pd.qcut(column, most, duplicates="drop")
        ends = column.groupby(ranges, observed=False).agg(["min", "max"]).map(written.format)
        names = [low if low == high else f"{low} to {high}" for low, high in ends.values]
        grouped = ranges.cat.rename_categories(names if len(set(names)) == len(names) else str)
    else:
        frequent = column.value_counts().index[:most]
        values = pd.Categorical(column.astype(object).where(column.isin(frequent) | column.isna(), "other"))
        grouped = pd.Series(values, index=column.index)
    if "missing" not in grouped.cat.categories:
        grouped = grouped.cat.add_categories("missing")
    return grouped.fillna("missing").cat.remove_unused_categories()


def has_order(column: pd.Series) -> bool:
    """Whether the values of a column lie on a line: numbers and dates."""
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return is_number or pd.api.types.is_datetime64_dtype(column)


def target_balance(y: pd.Series, settings: Settings) -> Figure:
    """How the target is spread."""
    figure = canvas(6, 3)
    axis = figure.subplots()
    axis.set(title=f"How {y.name} is spread", xlabel=str(y.name), ylabel="rows")
    if settings.target.task == "regression":
        axis.hist(y, bins=30)
        return figure
    counts = y.value_counts()
    bars = axis.bar([short(value) for value in counts.index], counts)
    axis.bar_label(bars, [f"{count / len(y):.0%}" for count in counts])
    axis.margins(y=0.15)
    axis.tick_params(axis="x", rotation=30 if len(counts) > 3 else 0)
    return figure


def feature_relations(X: pd.DataFrame, y: pd.Series, settings: Settings) -> Figure:
    """The mean outcome in each group of each of the first features."""
    features = list(X)[:MOST_FEATURES]
    height = -(-len(features) // 3)
    figure = canvas(12, 3 * height)
    axes = figure.subplots(height, 3, sharey=True, squeeze=False)
    for axis, name in zip(axes.flat, features, strict=False):
        means = outcomes(y, settings).groupby(groups(X[name]), observed=True).mean()
        draw_relation(axis, means, ordered=has_order(X[name]))
        axis.set_title(name)
    for axis in axes.flat[len(features) :]:
        axis.remove()
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside upper right")
    return figure


def draw_relation(axis: Axes, means: pd.DataFrame, ordered: bool) -> None:
    """The mean outcome of each group of one feature, joined by a line where the groups have an order."""
    labels = [short(label) for label in means.index]
    numbered = [position for position, label in enumerate(labels) if ordered and label != "missing"]
    for name in means:
        (points,) = axis.plot(means[name].to_numpy(), "o", label=name)
        axis.plot(numbered, means[name].iloc[numbered], color=points.get_color())
    axis.set_xticks(range(len(labels)), labels, rotation=35, ha="right", rotation_mode="anchor", fontsize=8)
    axis.grid(alpha=0.3)


def evaluation(model: BaseEstimator, X: pd.DataFrame, y: pd.Series, settings: Settings) -> Figure:
    """Where the model is right and wrong on these rows: curves and a matrix for classes, errors for numbers."""
    if settings.target.task == "regression":
        return number_errors(model, X, y, settings)
    return class_errors(model, X, y, settings)


def class_errors(model: BaseEstimator, X: pd.DataFrame, y: pd.Series, settings: Settings) -> Figure:
    """ROC, precision-recall and calibration curves, and the confusion matrix; for two classes, the thresholds, too."""
    binary, answers = settings.target.task == "binary", predict(model, X)
    figure = canvas(11, 12 if binary else 9)
    axes = figure.subplots(3 if binary else 2, 2).flat
    roc, precision_recall, calibration, confusion = axes[:4]
    if binary:
        draw_thresholds(axes[4], axes[5], y == settings.target.positive, answers, settings)
    for one in [settings.target.positive] if binary else most_frequent(y):
        truth, probability = y == one, answers[f"probability of {one}"]
        metrics.RocCurveDisplay.from_predictions(truth, probability, name=short(one), ax=roc)
        metrics.PrecisionRecallDisplay.from_predictions(truth, probability, name=short(one), ax=precision_recall)
        CalibrationDisplay.from_predictions(
            truth, probability, n_bins=8, strategy="quantile", name=short(one), ax=calibration
        )
    roc.plot([0, 1], [0, 1], "k:", label="chance")
    roc.legend(loc="lower right")
    matrix = metrics.confusion_matrix(y, answers["prediction"], labels=model.classes_)
    drawn = metrics.ConfusionMatrixDisplay(matrix, display_labels=[short(one) for one in model.classes_])
    drawn.plot(ax=confusion, colorbar=False, cmap="Blues", xticks_rotation=30)
    roc.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate")
    precision_recall.set(title="Precision and recall", xlabel="recall", ylabel="precision")
    calibration.set(title="Calibration", xlabel="mean predicted probability", ylabel="share that was true")
    from_there = f"{short(settings.target.positive)} from a probability of {settings.target.threshold:g} on"
    how = from_there if binary else "the most probable"
    confusion.set(title="Confusion matrix", xlabel=f"predicted: {how}", ylabel="true")
    return figure


def draw_thresholds(scores: Axes, shares: Axes, truth: pd.Series, answers: pd.DataFrame, settings: Settings) -> None:
    """Precision and recall by the probability from which a row is of the positive class, and how both classes lie."""
    positive, threshold = settings.target.positive, settings.target.threshold
    probability = answers[f"probability of {positive}"]
    precision, recall, thresholds = metrics.precision_recall_curve(truth, probability)
    scores.step(thresholds, precision[:-1], label="precision")
    scores.step(thresholds, recall[:-1], label="recall")
    scores.set(title="Precision and recall by threshold", xlabel="threshold", xlim=(0, 1), ylim=(0, 1.05))
    bins = np.linspace(0, 1, 31).tolist()
    for label, rows in ((short(positive), probability[truth]), ("others", probability[~truth])):
        shares.hist(rows, bins, density=True, histtype="step", linewidth=1.5, label=label)
    shares.set(title="How the classes lie", xlabel=f"probability of {short(positive)}", ylabel="density", xlim=(0, 1))
    for axis in (scores, shares):
        axis.axvline(threshold, color="k", linestyle=":", label=f"threshold {threshold:g}")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)


def number_errors(model: BaseEstimator, X: pd.DataFrame, y: pd.Series, settings: Settings) -> Figure:
    """Predicted against true, and what is left over, of at most 1,000 rows."""
    predicted = predict(model, X)["prediction"]
    figure = canvas(11, 4.5)
    truth, rest = figure.subplots(1, 2)
    for kind, axis in [("actual_vs_predicted", truth), ("residual_vs_predicted", rest)]:
        metrics.PredictionErrorDisplay.from_predictions(
            y, predicted, kind=kind, ax=axis, random_state=settings.model.seed
        )
    truth.set_title("Predicted against true")
    rest.set_title("Residuals")
    return figure


def importance(
    model: BaseEstimator, X: pd.DataFrame, y: pd.Series, settings: Settings, most: int = MOST_IMPORTANT
) -> Figure:
    """How much the deciding score falls when one feature is shuffled: what the model really leans on.

    Of more than MOST_SHUFFLED features the first ones are shuffled; of many rows a sample, for MOST_ANSWERS in all, but
    of FEWEST_ROWS at the least.
    """
    seed, all_rows = settings.model.seed, len(X)
    y = sample(y, max(FEWEST_ROWS, MOST_ANSWERS // (TIMES_SHUFFLED * min(X.shape[1], MOST_SHUFFLED))), settings)
    X = X.loc[y.index]
    shuffled, rest = X.iloc[:, :MOST_SHUFFLED], X.iloc[:, MOST_SHUFFLED:]

    def deciding_score(model: BaseEstimator, some: pd.DataFrame, y: pd.Series) -> float:
        whole = pd.concat([some, rest], axis="columns") if rest.shape[1] else some
        return next(iter(evaluate(model, whole, y, settings).values()))

    found = permutation_importance(
        model, shuffled, y, scoring=deciding_score, n_repeats=TIMES_SHUFFLED, random_state=seed
    )
    falls = pd.DataFrame({"fall": found.importances_mean, "spread": found.importances_std}, index=shuffled.columns)
    falls = falls.sort_values("fall").tail(most)
    figure = canvas(8, 1 + 0.35 * len(falls))
    axis = figure.subplots()
    axis.barh(falls.index, falls["fall"], xerr=falls["spread"])
    name = next(iter(evaluate(model, X, y, settings)))
    of = f" of the first {MOST_SHUFFLED} of {X.shape[1]} features" if rest.shape[1] else ""
    of += f", on {len(y):,} of {all_rows:,} rows" if len(y) < all_rows else ""
    axis.set(title=f"Permutation importance{of}", xlabel=f"fall of {name} when shuffled")
    return figure


def sample(y: pd.Series, most: int, settings: Settings) -> pd.Series:
    """So many of these targets, or up to half as many more, in their order.

    Classes are as often in it as they are there, but for rare ones, which would be a matter of luck: there are at least
    as many of each as if half of `most` were shared alike, or all.
    """
    if len(y) <= most:
        return y
    if settings.target.task == "regression":
        return y.sample(most, random_state=settings.model.seed).sort_index()
    alike = most // (2 * y.nunique())
    chosen = [
        rows.sample(min(len(rows), max(1, alike, most * len(rows) // len(y))), random_state=settings.model.seed)
        for _, rows in y.groupby(y)
    ]
    return pd.concat(chosen).sort_index()


def score_history(history: pd.DataFrame, row: dict, name: str) -> Figure:
    """The score of this name over every run that answered the same question as this row, oldest first."""
    same = [history[key] == str(row[key]) for key in ("task", "target", "positive")]
    runs = history[np.logical_and.reduce(same)]
    figure = canvas(8, 3.5)
    axis = figure.subplots()
    axis.plot(range(1, len(runs) + 1), pd.to_numeric(runs[name]), marker="o")
    axis.set(title=f"Score over time: {row['target']}", ylabel=name)
    axis.set_xticks(range(1, len(runs) + 1), runs["date"].str[:16].str.replace("T", "\n"), fontsize=8)
    axis.grid(alpha=0.3)
    return figure
