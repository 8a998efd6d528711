"""By how much one model is better than another on the same rows, and how much of that may be chance."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from ..core.bootstrap import interval, rarest, sample, scores_of_draws, too_few
from ..core.model import score
from ..core.requirements import CHANCE, SLICE_DRAWS, chance_of, holm
from ..core.slices import slices_of
from ..errors import ProjectError
from ..settings import Settings
from .comparison import Difference

DRAWS = 500


def difference(
    candidate: pd.DataFrame, champion: pd.DataFrame, rows: pd.DataFrame, settings: Settings, seed: int
) -> Difference:
    """The paired difference by the score that decides: each draw of rows is scored for both.

    candidate, champion: what `predict` says of these rows. Raises ProjectError that says why it cannot be told.
    """
    some = sample(rows, settings, seed)
    check_enough(some, settings, set(rows[settings.target.column]))
    one, other = candidate.loc[some.index], champion.loc[some.index]
    name, value = gap(one, other, some, settings)
    drawn = drawn_gaps(one, other, some, settings, seed, DRAWS)
    ends = interval(drawn[name]) if name in drawn else None
    if ends is None or not np.isfinite(value):
        raise ProjectError(f"{name} cannot be told on enough draws of these rows")
    worse = worse_slices(candidate, champion, rows, settings, seed)
    return Difference(score=name, value=value, low=ends[0], high=ends[1], rows=len(some), worse_slices=worse)


def check_enough(rows: pd.DataFrame, settings: Settings, classes: Collection[Any]) -> None:
    """Raise ProjectError where there are too few rows, or keys, to tell anything from. classes: that there must be."""
    if few := too_few(rows, settings, () if settings.target.task == "regression" else classes):
        raise ProjectError(f"{few} are left to judge by")


def gap(candidate: pd.DataFrame, champion: pd.DataFrame, rows: pd.DataFrame, settings: Settings) -> tuple[str, float]:
    """The score that decides, and by how much the candidate's is above the champion's on these rows."""
    y = rows[settings.target.column]
    name, value = next(iter(score(y, candidate, settings).items()))
    return name, value - score(y, champion, settings)[name]


def drawn_gaps(
    candidate: pd.DataFrame,
    champion: pd.DataFrame,
    rows: pd.DataFrame,
    settings: Settings,
    seed: int,
    count: int,
) -> pd.DataFrame:
    """The same difference, of all scores, for each draw of a bootstrap."""
    one, other = (scores_of_draws(said, rows, settings, seed, count) for said in (candidate, champion))
    return one - other


def worse_slices(
    candidate: pd.DataFrame, champion: pd.DataFrame, rows: pd.DataFrame, settings: Settings, seed: int
) -> list[str]:
    """A line for each slice in which the candidate is worse, by more than the margin and by more than chance."""
    lines, chances = [], []
    for about, index in slices_of(rows, settings):
        some = sample(rows.loc[index], settings, seed)
        if too_few(some, settings):
            continue
        one, other = candidate.loc[some.index], champion.loc[some.index]
        name, value = gap(one, other, some, settings)
        lines.append(f"{about['slice']} {about['value']} ({value:+.4f} on {about['rows']} rows)")
        beyond = value + settings.evaluation.margin
        if beyond >= 0:
            chances.append(1.0)
        else:
            drawn, rare = drawn_gaps(one, other, some, settings, seed, SLICE_DRAWS), rarest(some, settings)
            # As if all rows on which the two differ spoke against it: few of them prove little (McNemar, 1947).
            least, step = (np.sqrt(abs(value) / rare), 1 / rare) if rare else (0.0, 0.0)
            chances.append(chance_of(beyond, drawn.get(name), least, step))
    return [line for line, chance in zip(lines, holm(chances), strict=True) if chance < CHANCE]
