"""Logs of predictions and labels for the tests, made of few words."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pyarrow as pa

from {{cookiecutter.project_slug}}.core.schema import Integer, Number, Schema, Text
from {{cookiecutter.project_slug}}.monitoring.labels import COLUMNS
from {{cookiecutter.project_slug}}.monitoring.parts import Parts
from {{cookiecutter.project_slug}}.serving.observers import Answered

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MODEL = "a" * 64


def answered(*ids: str, keys=None, at=NOON, model=MODEL, schema: Schema | None = None, **features) -> Answered:
    """Requests of one row each, answered with "no". schema: of the features, if they are not texts."""
    rows, features = len(ids), features or {"weight": [1.5] * len(ids)}
    number = keys is not None and any(isinstance(key, int) for key in keys)
    types = {name: Number(missing=True) if name == "weight" else Text(missing=True) for name in features}
    kept = {} if keys is None else {"customer": (Integer if number else Text)(missing=False)}
    record = SimpleNamespace(features=schema or types, key=kept)
    requests = {"id": list(ids), "row": [0] * rows, "at": [at.timestamp()] * rows, "seconds": [0.01] * rows}
    key = {} if keys is None else {"customer": keys}
    return Answered(model, record, requests, features, key, {"prediction": ["no"] * rows})


def label(value: str, prediction=None, key=None, time=NOON, until=None, arrived=None) -> dict:
    """One row as `take` keeps it."""
    return {
        "prediction": prediction,
        "key": key,
        "time": time,
        "until": until or time,
        "label": value,
        "arrived": arrived or time + timedelta(hours=1),
        "place": 0,
    }


def keep(labels: Parts, *rows: dict) -> None:
    """Keep these, each in a part of its own."""
    for row in rows:
        name = f"delivery-{len(labels.names())}"
        labels.add(row["arrived"].date(), name, pa.Table.from_pylist([row], COLUMNS))


def rows_in(parts: Parts) -> list[dict]:
    """All rows that count, in no order."""
    return [row for day in parts.days() for part in parts.of(day) for row in parts.read(part).to_pylist()]
