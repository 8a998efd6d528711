"""Predictions and labels of a window as a table for people and other programs."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import fsspec
import pandas as pd

from ..core.storage import delivered
from ..releases.store import NAME, reaching
from .joined import Joined
from .predictions import DIGITS

RELEASE = "release"
# All texts are quoted: Python leaves a lone carriage return unquoted, and readers begin a new row there.
HOW: dict[str, Any] = {"index": False, "lineterminator": "\n", "quoting": csv.QUOTE_NONNUMERIC}
HOW |= {"date_format": "%Y-%m-%dT%H:%M:%S.%fZ"}


def export(joined: Joined, releases: Sequence[str], out: str) -> int:
    """Write all rows as commas and UTF-8, the columns of all models beside each other; how many.

    releases: the names of all releases. What a model does not have is empty, as is what is missing.
    """
    columns, count = [*joined.columns, RELEASE], 0
    with delivered(out) as path, path.open("w", encoding="utf-8", newline="") as file:
        pd.DataFrame(columns=columns).to_csv(file, **HOW)
        for table in joined.tables():
            rows = with_release(table, releases).reindex(columns=columns)
            rows.to_csv(file, header=False, **HOW)
            count += len(rows)
    return count


def names_of_releases(store: str) -> list[str]:
    """The names of all releases in a store, which say of which model each is and since when."""
    with reaching(store):
        filesystem, path = fsspec.core.url_to_fs(store)
        filesystem.invalidate_cache()
        found = filesystem.ls(path, detail=False) if filesystem.exists(path) else []
    names = (one.rstrip("/").rpartition("/")[2] for one in found)
    return sorted(name for name in names if NAME.fullmatch(name))


def with_release(table: pd.DataFrame, releases: Sequence[str]) -> pd.DataFrame:
    """The rows of the log with the release by which each model was in use then; None where it was not released yet."""
    since = defaultdict(list)
    for name in releases:
        moment, _, model = name.partition("-")
        since[model].append((datetime.strptime(moment, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC), name))
    found = []
    for model, at in zip(table["model"], table["at"], strict=True):
        found.append(next((name for moment, name in reversed(since[model[:DIGITS]]) if moment <= at), None))
    return table.assign(**{RELEASE: pd.Series(found, index=table.index, dtype=object)})
