"""How long a candidate takes for the same rows, as a ratio: both are asked in turns, in one process."""

import time
from statistics import median

import pandas as pd

from ..core.model_folder import ModelFolder
from ..core.predict import predict
from ..releases.record import Check

LATENCY = "latency"
ROUNDS, SIZES = 15, (1, 100)  # turns of each, and rows at once


def check_latency(
    candidate: ModelFolder, champion: ModelFolder | None, rows: pd.DataFrame, slower_at_most: float
) -> Check:
    """Whether the candidate takes at most so many times as long as the model in use, for one row and for many.

    rows: what clients have asked; without any, and where these lack a column, the examples of each are asked.
    """
    if champion is None:
        return Check(name=LATENCY, outcome="pass", said="there is no model in use that can be asked")
    try:
        ratios = ratios_of(candidate, champion, rows)
    except Exception:  # of a model, at what a client has asked: of how many rows is for the shadow to say
        try:
            ratios = ratios_of(candidate, champion, pd.DataFrame())
        except Exception as error:  # at its own examples
            said = f"one of the two cannot answer: {type(error).__name__}: {error}"
            return Check(name=LATENCY, outcome="fail", said=said)
    said = ", ".join(f"{value:.2f} for {size} rows at once" for size, value in ratios.items())
    outcome = "pass" if max(ratios.values()) <= slower_at_most else "fail"
    said = f"times as long as the model in use: {said}; {slower_at_most:g} is allowed"
    return Check.model_validate({"name": LATENCY, "outcome": outcome, "said": said})


def ratios_of(candidate: ModelFolder, champion: ModelFolder, rows: pd.DataFrame) -> dict[int, float]:
    """The ratio for each number of rows at once. Raises whatever a model raises."""
    return {size: ratio(candidate, champion, rows, size) for size in SIZES}


def ratio(candidate: ModelFolder, champion: ModelFolder, rows: pd.DataFrame, size: int) -> float:
    """The median time of the candidate for so many rows, by that of the model in use: each time for other rows."""
    asked = [(folder.load(), rows_for(folder, rows, size)) for folder in (candidate, champion)]
    taken: list[list[float]] = [[], []]
    for turn in range(ROUNDS + 1):
        for (model, some), seconds in zip(asked, taken, strict=True):
            began = time.perf_counter()
            predict(model, some[turn * size : (turn + 1) * size])
            seconds.append(time.perf_counter() - began)
    first, second = (median(seconds[1:]) for seconds in taken)  # in the first turn things are done once and for all
    return first / second


def rows_for(folder: ModelFolder, rows: pd.DataFrame, size: int) -> pd.DataFrame:
    """Rows for all turns, again and again the same: those that clients have asked or, without them, its examples."""
    features, needed = list(folder.record.features), size * (ROUNDS + 1)
    some = rows[features] if len(rows) and set(features) <= set(rows) else folder.example()
    return pd.concat([some] * (needed // len(some) + 1), ignore_index=True).head(needed)
