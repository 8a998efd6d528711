"""Rows of a table that are asked in one go are told to the observers of what is served, as requests are."""

import logging
import time
from uuid import uuid4

import pandas as pd

from ..core.scoring import Observe
from ..serving.observers import Answered, found


def observing(sha256: str) -> Observe | None:
    """What tells all observers of rows that this model has answered; None where there is nobody to tell.

    One that fails is logged, and keeps the rows from nobody else.
    """
    observers, run, began, count = found(), uuid4().hex, time.time(), 0

    def observe(features: pd.DataFrame, key: pd.DataFrame, answers: pd.DataFrame) -> list[str]:
        nonlocal count
        rows = range(count, count + len(answers))
        count = rows.stop
        at = pd.Timestamp(began, unit="s", tz="UTC")
        requests = pd.DataFrame({"id": run, "row": rows, "at": at, "seconds": 0.0})
        for observer in observers:
            try:
                observer(Answered(sha256, requests, features, key, answers))
            except Exception as error:  # of somebody else's code, or of a store that refuses
                logging.getLogger(__name__).error(f"{len(rows)} rows could not be observed: {error!r}")
        return [f"{run}/{row}" for row in rows]

    return observe if observers else None
