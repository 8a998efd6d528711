"""Which prediction a label belongs to, and which labels count: the rule, as one calculation in DuckDB.

A label names a prediction, or says of a key what was true at a time. It belongs to the last prediction of this name, or
about this key at that time, that had been made when the label came; not if that is older than the horizon. Of several
labels that belong to one prediction the one that came last counts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

MEMORY = "1GB"  # what does not fit is kept in a file for as long as it is needed
OUTCOMES = ("counts", "repeated", "corrected", "late", "unknown")

TABLES = """
CREATE TABLE predictions (part BIGINT, place BIGINT, id VARCHAR, nth INTEGER, key VARCHAR, asked TIMESTAMPTZ);
CREATE TABLE labels (
    prediction VARCHAR, key VARCHAR, time TIMESTAMPTZ, until TIMESTAMPTZ, label VARCHAR, arrived TIMESTAMPTZ,
    place BIGINT
);
"""
# Of two predictions at the same moment the one with the later name: the join would take any.
RULE = """
CREATE TABLE outcomes AS
WITH numbered AS (
    SELECT *, least(until, arrived) AS latest,
        row_number() OVER (ORDER BY arrived, time, place, prediction, key, label) AS number
    FROM labels
), named AS (
    SELECT id || '/' || nth AS name, * FROM predictions
    UNION ALL SELECT id, * FROM predictions WHERE nth = 0
), by_name AS (
    SELECT name, asked, max(struct_pack(id, nth, part, place)) AS spot FROM named GROUP BY name, asked
), by_key AS (
    SELECT key, asked, max(struct_pack(id, nth, part, place)) AS spot FROM predictions
    WHERE key IS NOT NULL GROUP BY key, asked
), matched AS (
    SELECT numbered.*, asked, spot FROM numbered ASOF LEFT JOIN by_name ON prediction = name AND arrived >= asked
    WHERE prediction IS NOT NULL
    UNION ALL
    SELECT numbered.*, asked, spot FROM numbered ASOF LEFT JOIN by_key ON numbered.key = by_key.key AND latest >= asked
    WHERE prediction IS NULL
), aged AS (
    SELECT *, asked IS NOT NULL AND time - asked <= $horizon AS belongs FROM matched
)
SELECT number, asked, arrived, spot.part AS part, spot.place AS place, label,
    CASE
        WHEN asked IS NULL THEN 'unknown'
        WHEN NOT belongs THEN 'late'
        WHEN number = max(number) OVER same THEN 'counts'
        WHEN label = arg_max(label, number) OVER same THEN 'repeated'
        ELSE 'corrected'
    END AS outcome
FROM aged WINDOW same AS (PARTITION BY spot, belongs)
"""


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for one calculation, with the tables `predictions` and `labels` to fill; gone at the end."""
    with TemporaryDirectory(prefix="labels-") as folder:
        connection = duckdb.connect(Path(folder) / "labels.duckdb", config={"memory_limit": MEMORY})
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(TABLES)
            yield connection
        finally:
            connection.close()


def match(connection: duckdb.DuckDBPyConnection, horizon: timedelta) -> None:
    """Make the table `outcomes`: for each label where the prediction is that it belongs to, and one of OUTCOMES."""
    connection.execute(RULE, {"horizon": horizon})
