"""The log of predictions: which columns it has, and how it is written."""

import time
from datetime import date
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from ..core.split import texts
from ..serving.observers import Answered
from .parts import Parts, as_arrow

ABOUT = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("row", pa.int32()),
        pa.field("at", pa.timestamp("us", tz="UTC")),
        pa.field("seconds", pa.float64()),
        pa.field("model", pa.string()),
        pa.field("key", pa.string()),
    ]
)
FEATURE, ANSWER = "feature.", "answer."  # how the names of the other columns begin
PAUSES = (1, 3, 9)  # seconds until it is tried again to write
DIGITS = 12  # of a model's digest in names


class PredictionLog:
    """Writes down what was answered: part-files by day, each of the rows of one model."""

    def __init__(self, address: str) -> None:
        """address: a folder, or any address that fsspec writes."""
        self._parts = Parts(address)

    def write(self, answered: Answered) -> None:
        """Write these rows, if need be after several tries. Raises what keeps the store from taking them."""
        rows = as_rows(answered)
        days = pc.cast(rows["at"], pa.date32())
        for day in days.unique().to_pylist():
            name = f"{answered.sha256[:DIGITS]}-{uuid4().hex}"
            self._add(day, name, rows.filter(pc.equal(days, day)))

    def _add(self, day: date, name: str, rows: pa.Table) -> None:
        """Write one part, under the same name at each try: what was written in vain is replaced."""
        for pause in PAUSES:
            try:
                return self._parts.add(day, name, rows)
            except Exception:  # each kind of store has errors of its own
                time.sleep(pause)
        self._parts.add(day, name, rows)


def as_rows(answered: Answered) -> pa.Table:
    """What was answered, as the log keeps it."""
    about = answered.requests.assign(model=answered.sha256, key=None)
    for name in answered.key:
        about["key"] = [text or None for text in texts(answered.key[name])]
    asked = answered.features.rename(columns=lambda name: f"{FEATURE}{name}")
    said = answered.answers.rename(columns=lambda name: f"{ANSWER}{name}")
    tables = [as_arrow(about, ABOUT), as_arrow(asked), as_arrow(said)]
    return pa.table({name: table[name] for table in tables for name in table.column_names})
