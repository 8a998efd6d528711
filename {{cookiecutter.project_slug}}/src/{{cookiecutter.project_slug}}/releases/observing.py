"""Rows of a table that are asked in one go are told to the observers of what is served, as requests are."""

import logging
import time
from uuid import uuid4

from ..core.checking import Columns, rows_of
from ..core.model_folder import ModelFolder
from ..core.scoring import Observe
from ..serving.observers import Answered, found


def observing(folder: ModelFolder) -> Observe | None:
    """What tells all observers of rows that this model has answered; None where there is nobody to tell.

    One that fails is logged, and keeps the rows from nobody else.
    """
    observers, run, began, count = found(), uuid4().hex, time.time(), 0

    def observe(features: Columns, key: Columns, answers: Columns) -> list[str]:
        nonlocal count
        rows = range(count, count + rows_of(answers))
        count = rows.stop
        requests: Columns = {
            "id": [run] * len(rows),
            "row": list(rows),
            "at": [began] * len(rows),
            "seconds": [0.0] * len(rows),
        }
        for observer in observers:
            try:
                observer(Answered(folder.sha256, folder.record, requests, features, key, answers))
            except Exception as error:  # of somebody else's code, or of a store that refuses
                logging.getLogger(__name__).error(f"{len(rows)} rows could not be observed: {error!r}")
        return [f"{run}/{row}" for row in rows]

    return observe if observers else None
