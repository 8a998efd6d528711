"""A row stays on its side of the split, whatever else is in the table and however the file is written."""

import csv
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings, strategies
from kinds import Table, tables
from my_ml_project.core.data import known_rows
from my_ml_project.core.split import places_of, split
from my_ml_project.core.tables import accept
from my_ml_project.errors import ProjectError
from my_ml_project.pipelines import steps
from my_ml_project.settings import Settings

EXAMPLES = int(os.environ["EXAMPLES"])
OTHER_FORM = {"sep": ";", "decimal": ",", "keep_default_na": False}


def settings_of(table: Table, read: dict) -> Settings:
    """The settings for this table, written so."""
    target = {"column": "y", "task": table.task, "positive": table.positive}
    return Settings.model_validate({"data": {"uri": "t.csv", "read": read}, "target": target})


def in_another_form(table: pd.DataFrame) -> bytes:
    """The table with its columns the other way round, as semicolons and decimal commas, all texts in quotes."""
    turned = table[list(table)[::-1]]
    return turned.to_csv(index=False, sep=";", decimal=",", quoting=csv.QUOTE_NONNUMERIC).encode()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables(), seed=strategies.integers(0, 2**32 - 1), by_key=strategies.booleans())
def test_a_row_never_changes_sides(table, seed, by_key):
    ours = settings_of(table, table.read)
    accepted, schema = accept(table.content, ours, None)
    again, _ = accept(in_another_form(accepted), settings_of(table, OTHER_FORM), schema)
    with tempfile.TemporaryDirectory() as folder:
        steps.write_rows(accepted, schema, Path(folder))
        stepped, _ = steps.read_rows(Path(folder))

    def places(rows: pd.DataFrame) -> pd.Series:
        known = known_rows(rows, ours)
        if by_key:  # rows of one key, of which there are two each
            return pd.Series(places_of(known.assign(key=known.index // 2), "key", []), known.index)
        return pd.Series(places_of(known, None, list(known)), known.index)

    expected = places(accepted)
    for other in (again, stepped):
        pd.testing.assert_series_equal(places(other), expected)
    shuffled = accepted.sample(frac=1, random_state=seed)
    assert sorted(places(shuffled)) == sorted(expected)
    fewer = accepted.drop(index=np.random.default_rng(seed).choice(accepted.index, 2, replace=False))
    alone = ~accepted.duplicated(keep=False)  # of rows that are all alike, none can be told from the others
    try:
        left = places(fewer)
    except ProjectError:  # too few are left to learn from
        return
    there = left.index if by_key else left.index[alone[left.index]]
    pd.testing.assert_series_equal(left[there], expected[there])
    assert set(left) <= set(expected)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables())
def test_commands_and_steps_hold_out_the_same_rows(table):
    ours = settings_of(table, table.read)
    accepted, schema = accept(table.content, ours, None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps.write_rows(accepted, schema, folder / "all")
        job = steps.Job(settings=ours, source="", columns=schema, project={}, tracking="", trigger="by hand")
        try:
            sides = split(known_rows(accepted, ours), ours)
        except ProjectError:
            return
        steps.prepare(job, folder / "all", folder / "older", folder / "newer")
        for rows, side in zip(sides, ("older", "newer"), strict=True):
            again, _ = steps.read_rows(folder / side)
            pd.testing.assert_frame_equal(again, accepted.loc[rows.index].reset_index(drop=True))
