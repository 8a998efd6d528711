"""The log of predictions: which columns it has, and how it is written."""

import time
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..core.checking import as_table, rows_of
from ..core.schema import Category, Column, Schema, Text
from ..core.split import texts
from ..serving.observers import Answered
from .parts import MOMENT, Parts

TYPES = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.timestamp("us"),
    "category": pa.string(),
    "text": pa.string(),
}
FEATURE, ANSWER = "feature.", "answer."  # how the names of the other columns begin
PAUSES = (1, 3, 9)  # seconds until it is tried again to write
DIGITS = 12  # of a model's digest in names


class PredictionLog:
    """Writes down what was answered: part-files by day, each of the rows of one model."""

    def __init__(self, address: str) -> None:
        """address: a folder, or any address that fsspec writes."""
        self._parts, self._reached = Parts(address), True

    def write(self, answered: Answered) -> None:
        """Write these rows, if need be after several tries. Raises what keeps the store from taking them."""
        rows = as_rows(answered)
        days = pc.cast(rows["at"], pa.date32())
        for day in days.unique().to_pylist():
            name = f"{answered.sha256[:DIGITS]}-{uuid4().hex}"
            self._add(day, name, rows.filter(pc.equal(days, day)))

    def _add(self, day: date, name: str, rows: pa.Table) -> None:
        """Write one part, under the same name at each try: what was written in vain is replaced."""
        for pause in PAUSES if self._reached else ():  # not again and again where it was in vain the last time
            try:
                return self._parts.add(day, name, rows)
            except Exception:  # each kind of store has errors of its own
                time.sleep(pause)
        self._reached = False
        self._parts.add(day, name, rows)
        self._reached = True


def as_rows(answered: Answered) -> pa.Table:
    """What was answered, as the log keeps it: from values to Arrow at once, as whoever is asked waits meanwhile."""
    requests, rows = answered.requests, rows_of(answered.answers)
    columns = {
        "id": pa.array(requests["id"], pa.string()),
        "row": pa.array(np.asarray(requests["row"], dtype="int32")),
        "at": pa.array((np.asarray(requests["at"]) * 1e6).astype("int64"), MOMENT),
        "seconds": pa.array(np.asarray(requests["seconds"], dtype="float64")),
        "model": pa.repeat(answered.sha256, rows),
        "key": pa.nulls(rows, pa.string()),
    }
    for name, rules in answered.record.key.items():
        if name in answered.key:
            columns["key"] = in_arrow(as_texts(answered.key[name], rules), pa.string())
    for name, rules in answered.record.features.items():
        columns[FEATURE + name] = in_arrow(answered.features[name], TYPES[rules.type])
    for name, values in answered.answers.items():
        columns[ANSWER + name] = in_arrow(values)
    return pa.table(columns)


def as_texts(values: Sequence[Any], rules: Column) -> Sequence[str | None]:
    """Keys as labels name them; None for what is missing."""
    if isinstance(rules, Category | Text):
        return values
    known: Schema = {"key": rules.model_copy(update={"missing": True})}
    return [text or None for text in texts(as_table({"key": values}, known)["key"])]


def in_arrow(values: Any, kind: pa.DataType | None = None) -> pa.Array:
    """A column of values; None and NaN are missing. Of what is no Unicode, as in a broken file, a ? is kept."""
    if kind == pa.float64():
        values = np.array(values, dtype="float64")  # a whole number may have more digits than a float
    try:
        return pa.array(values, kind, from_pandas=True)
    except UnicodeEncodeError:
        return pa.array([one if one is None else one.encode(errors="replace").decode() for one in values], kind)
