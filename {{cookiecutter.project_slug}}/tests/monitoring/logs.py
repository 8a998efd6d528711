"""Logs of predictions and labels for the tests, made of few words."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa

from {{cookiecutter.project_slug}}.monitoring.labels import COLUMNS
from {{cookiecutter.project_slug}}.monitoring.parts import Parts
from {{cookiecutter.project_slug}}.serving.observers import Answered

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MODEL = "a" * 64


def answered(*ids: str, keys=None, at=NOON, model=MODEL, **features) -> Answered:
    """Requests of one row each, answered with "no"."""
    requests = pd.DataFrame({"id": ids, "row": 0, "at": pd.Timestamp(at), "seconds": 0.01})
    key = pd.DataFrame({} if keys is None else {"customer": keys})
    features = pd.DataFrame(features or {"weight": [1.5] * len(ids)})
    return Answered(model, requests, features, key, pd.DataFrame({"prediction": ["no"] * len(ids)}))


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
