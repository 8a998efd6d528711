"""What params.yaml asks of a model, and where it falls short of it."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from ..errors import ProjectError
from ..settings import Settings
from .bootstrap import rarest, sample, scores_of_draws, too_few
from .model import score
from .record import Scores
from .slices import slices_of

SLICE_DRAWS = 100  # which tell the standard error of a slice well enough, and there may be many slices
CHANCE = 0.05  # how often, at most, a slice of any number of slices is found short by chance


def shortfalls(answers: pd.DataFrame, rows: pd.DataFrame, baseline: Scores, params: Settings, seed: int) -> list[str]:
    """One line for each thing that is asked under evaluation and not reached. What is not known is not reached.

    answers: what `predict` says of these rows. baseline: the scores of always answering the same. Raises ProjectError
    on the name of a score that there is not.
    """
    scores, asked = score(rows[params.target.column], answers, params), params.evaluation
    wanted = {*asked.at_least, *asked.at_most, *asked.slices_at_least, *asked.slices_at_most}
    if unknown := sorted(wanted - scores.keys()):
        raise ProjectError(f"params.yaml asks for the scores {unknown}, which there are not: {list(scores)}.")
    missed = [f"{n} is {scores[n]:.4f}, not at least {v}" for n, v in asked.at_least.items() if not scores[n] >= v]
    missed += [f"{n} is {scores[n]:.4f}, not at most {v}" for n, v in asked.at_most.items() if not scores[n] <= v]
    deciding, value = next(iter(scores.items()))
    if asked.beat_baseline and not value > baseline[deciding]:
        missed.append(
            f"{deciding} is {value:.4f}, no better than {baseline[deciding]:.4f}, which always answering the same "
            "reaches (evaluation.beat_baseline; of the first score, more must be better)"
        )
    return missed + slice_shortfalls(answers, rows, params, seed)


def slice_shortfalls(answers: pd.DataFrame, rows: pd.DataFrame, params: Settings, seed: int) -> list[str]:
    """One line for each slice that falls short of slices_at_least or slices_at_most by more than chance."""
    asked = params.evaluation
    limits = [(name, limit, 1) for name, limit in asked.slices_at_least.items()]
    limits += [(name, limit, -1) for name, limit in asked.slices_at_most.items()]
    lines, chances, judged = [], [], 0
    for about, index in slices_of(rows, params) if limits else []:
        some = sample(rows.loc[index], params, seed)
        said = answers.loc[some.index]
        if too_few(some, params):
            continue
        judged += 1
        scores = score(some[params.target.column], said, params)
        for name, limit, sign in limits:
            how = f"{name} is {scores[name]:.4f}, not at {'least' if sign > 0 else 'most'} {limit}"
            lines.append(f"{how}, for {about['slice']} {about['value']} ({about['rows']} rows)")
            gap = sign * (scores[name] - limit)
            if gap >= 0:
                chances.append(1.0)
            else:
                drawn = scores_of_draws(said, some, params, seed, SLICE_DRAWS)
                chances.append(chance_of(gap, drawn.get(name), *at_limit(limit, rarest(some, params))))
    if limits and not judged:
        return ["slices_at_least or slices_at_most cannot be told: no slice under evaluation.slices has enough rows"]
    return [line for line, chance in zip(lines, holm(chances), strict=True) if chance < CHANCE]


def at_limit(limit: float, rare: int | None) -> tuple[float, float]:
    """The standard error of a share at its limit, of so many rows, and half of what one row makes.

    Where few rows are all right or all wrong, a bootstrap finds no error at all (Agresti and Coull, 1998).
    """
    if rare is None or not 0 < limit < 1:
        return 0.0, 0.0
    return float(np.sqrt(limit * (1 - limit) / rare)), 0.5 / rare


def chance_of(gap: float, drawn: pd.Series | None, least: float = 0.0, step: float = 0.0) -> float:
    """How likely a value as low as this gap, or lower, is where the true one is 0 or higher; what is unknown is sure.

    drawn: values of a bootstrap, whose standard deviation is the standard error; it counts as no less than `least`.
    step: a gap counts as smaller by it, since it goes by whole rows.
    """
    error = max(float(drawn.std()) if drawn is not None else np.nan, least)
    if np.isnan(error) or np.isnan(gap):
        return 0.0
    gap = min(gap + step, 0.0)
    return NormalDist().cdf(gap / error) if error else float(gap >= 0)


def holm(chances: Sequence[float]) -> list[float]:
    """Chances as they are to be read where so many were looked at together (Holm, 1979), in the same order."""
    order = np.argsort(chances, kind="stable")
    several = np.array(chances)[order] * np.arange(len(chances), 0, -1)
    adjusted = np.empty(len(chances))
    adjusted[order] = np.minimum(np.maximum.accumulate(several), 1)
    return adjusted.tolist()
