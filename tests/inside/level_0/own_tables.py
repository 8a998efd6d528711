"""Write tables that are not the sample, as a user would bring them: own_tables.py NAME FILE."""

import sys

import numpy as np
import pandas as pd
from sklearn import datasets


def cancer() -> pd.DataFrame:
    """Binary, all numbers, the target 0 or 1."""
    return datasets.load_breast_cancer(as_frame=True).frame


def wine() -> pd.DataFrame:
    """Multiclass, the target in words."""
    table = datasets.load_wine(as_frame=True).frame
    return table.assign(target=table["target"].map({0: "barolo", 1: "grignolino", 2: "barbera"}))


def diabetes() -> pd.DataFrame:
    """Regression, all numbers."""
    return datasets.load_diabetes(as_frame=True).frame


def houses() -> pd.DataFrame:
    """Regression with dates, categories, booleans, missing values, an empty column, a constant one and free text."""
    rng, rows = np.random.default_rng(0), 600
    table = pd.DataFrame(
        {
            "size": rng.normal(80, 20, rows).round(1),
            "rooms": rng.integers(1, 7, rows),
            "kind of house": rng.choice(["flat", "house", None], rows),
            "garden": rng.choice([True, False], rows),
            "lift": rng.choice([True, False, None], rows),
            "nothing": None,
            "one": 1,
            "sold": pd.date_range("2023-01-01", periods=rows).strftime("%d %b %Y"),
            "note": [f"note {n}" for n in range(rows)],
        }
    )
    table["price"] = 2 * table["size"] + 10 * table["rooms"] + 30 * (table["kind of house"] == "house")
    table["price"] += rng.normal(0, 10, rows)
    table.loc[::9, "size"] = None
    table.loc[::50, "price"] = None
    return table


if __name__ == "__main__":
    globals()[sys.argv[1]]().to_csv(sys.argv[2], index=False)
