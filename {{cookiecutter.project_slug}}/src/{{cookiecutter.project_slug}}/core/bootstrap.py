"""How much a score owes to chance: the same rows drawn again and again (the bootstrap of Efron, 1979).

Rows of one key are drawn together, as they are not independent (Davison and Hinkley, 1997, section 3.8). Classes keep
their shares, or a rare one would be missing from some draws.
"""

import warnings
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context

from ..settings import Settings
from .model import score

MOST_ROWS, MOST_FOR_RARE, ENOUGH = 10_000, 20_000, 100  # rows to draw from; enough of the rarest class
FEWEST, FEWEST_OF_A_CLASS = 30, 5  # rows, or keys with all of their rows, from which anything can be told
INTERVAL = (0.025, 0.975)  # the middle 95 % of the draws
MOST_UNDEFINED = 0.05  # the share of draws that may have no score


def sample(rows: pd.DataFrame, settings: Settings, seed: int) -> pd.DataFrame:
    """These rows or, of many, a sample: keys with all of their rows, in the same shares of classes.

    Of a key with more rows than one of FEWEST may have, so many are taken: no key makes up the sample.
    """
    most = most_rows(rows, settings)
    if len(rows) <= most:
        return rows
    generator = np.random.default_rng(seed)
    mixed = generator.permutation(len(rows))
    within = pd.Series(clusters_of(rows, settings)[mixed])
    rows = rows.iloc[np.sort(mixed[within.groupby(within).cumcount() < most // FEWEST])]
    clusters = clusters_of(rows, settings)
    strata, sizes = strata_of(rows, clusters, settings), np.bincount(clusters)
    chosen = []
    for stratum in np.unique(strata):
        members = generator.permutation(np.flatnonzero(strata == stratum))
        ends = np.cumsum(sizes[members])
        chosen.append(members[ends - sizes[members] < most * min(ends[-1] / len(rows), 1)])
    return rows[np.isin(clusters, np.concatenate(chosen))] if len(rows) > most else rows


def most_rows(rows: pd.DataFrame, settings: Settings) -> int:
    """How many rows are drawn from: more where one class is so rare that few of it would be among them."""
    rare = rarest(rows, settings)
    return MOST_ROWS if rare is None else int(np.clip(ENOUGH * len(rows) / rare, MOST_ROWS, MOST_FOR_RARE))


def draws(rows: pd.DataFrame, settings: Settings, seed: int, count: int) -> Iterator[np.ndarray]:
    """The positions of rows, drawn with replacement, so many times.

    rows: the table, for its keys and its target. seed: the same one gives the same draws.
    """
    generator = np.random.default_rng(seed)
    clusters = clusters_of(rows, settings)
    strata = strata_of(rows, clusters, settings)
    groups = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    order = np.argsort(clusters, kind="stable")
    sizes = np.bincount(clusters)
    starts = np.cumsum(sizes) - sizes
    for _ in range(count):
        drawn = np.concatenate([generator.choice(group, len(group)) for group in groups])
        lengths = sizes[drawn]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        yield order[np.repeat(starts[drawn], lengths) + within]


def clusters_of(rows: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Which rows belong together: a number from 0 on for each, by its key; without a key each row is alone."""
    key = settings.data.key
    return np.arange(len(rows)) if key is None else pd.factorize(rows[key])[0]


def too_few(rows: pd.DataFrame, settings: Settings, classes: Collection[Any] = ()) -> str | None:
    """What there is too little of, to tell anything from these rows; None where there is enough.

    classes: those that there must be, beside those of the rows.
    """
    what = f"different {settings.data.key!r}" if settings.data.key else "rows"
    alone = pd.Series(clusters_of(rows, settings), rows.index)
    if alone.nunique() < FEWEST:
        return f"{alone.nunique()} {what}, fewer than {FEWEST},"
    if settings.target.task != "regression":
        counts = alone.groupby(rows[settings.target.column]).nunique()
        counts = counts.reindex(counts.index.union(pd.Index(list(classes), dtype=counts.index.dtype)), fill_value=0)
        if counts.min() < FEWEST_OF_A_CLASS:
            which = f"{settings.target.column!r} {counts.idxmin()}"
            return f"{counts.min()} {what} with {which}, fewer than {FEWEST_OF_A_CLASS},"
    return None


def rarest(rows: pd.DataFrame, settings: Settings) -> int | None:
    """Of how many rows the rarest class of the target is; None where there are no classes."""
    return None if settings.target.task == "regression" else int(rows[settings.target.column].value_counts().min())


def strata_of(rows: pd.DataFrame, clusters: np.ndarray, settings: Settings) -> np.ndarray:
    """For each cluster, the rarest class of the target in it, as a number; all the same where there are no classes."""
    if settings.target.task == "regression":
        return np.zeros(clusters.max(initial=-1) + 1, dtype="int64")
    target = rows[settings.target.column]
    rank = target.map(target.value_counts(ascending=True).rank(method="first")).to_numpy()
    return pd.Series(rank).groupby(clusters).min().to_numpy()


def scores_of_draws(
    answers: pd.DataFrame, rows: pd.DataFrame, settings: Settings, seed: int, count: int
) -> pd.DataFrame:
    """Each draw's scores in a line, by name; NaN where they could not be told.

    answers: what `predict` says of these rows, and perhaps of others. With the same seed, two models are scored on the
    same draws.
    """
    y, said, found = rows[settings.target.column], answers.loc[rows.index], []
    with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
        warnings.simplefilter("ignore")  # each draw would say again what is said of all rows
        for drawn in draws(rows, settings, seed, count):
            try:
                # Numbered anew: a row that is drawn twice has its label twice.
                truth, answer = y.iloc[drawn].reset_index(drop=True), said.iloc[drawn].reset_index(drop=True)
                found.append(score(truth, answer, settings))
            except ValueError:  # a class is missing in the draw
                found.append({})
    return pd.DataFrame(found).astype("float64")


def interval(values: pd.Series) -> tuple[float, float] | None:
    """Between which values the middle 95 % of these lie; None where too many are undefined."""
    values = values.where(np.isfinite(values))
    if values.empty or values.isna().mean() > MOST_UNDEFINED:
        return None
    low, high = values.quantile(list(INTERVAL))
    return float(low), float(high)
