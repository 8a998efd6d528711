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


def orders() -> pd.DataFrame:
    """Binary, 0 or 1 with gaps: dates, postcodes, braces and dollars in names, and much that the newest rows lack."""
    rng, rows = np.random.default_rng(0), 400
    gift, items = rng.choice([True, False, None], rows), rng.integers(1, 9, rows)
    placed = pd.date_range("2024-01-01", periods=rows, freq="7h")
    table = pd.DataFrame(
        {
            "order no": 2**53 + np.arange(rows),
            "placed": placed.strftime("%d %b %Y %H:%M"),
            "zip": rng.choice(["01234", "04109", "99084"], rows),
            "comment": rng.choice(["late", "broken", None], rows),
            "gift": gift,
            "express": rng.choice([True, False], rows),
            "born": pd.Series(pd.date_range("1950-01-01", periods=rows, freq="17D")).where(rng.random(rows) < 0.9),
            "items": pd.Series(items, dtype=float).where(rng.random(rows) < 0.9),
            "cost $\\y$ {MODEL}": rng.normal(20, 5, rows).round(2),
            "returned": items + 3 * (gift == True) + rng.normal(0, 1, rows) > 5,  # noqa: E712
        }
    )
    table["returned"] = table["returned"].astype(float).where(rng.random(rows) < 0.9)
    table.loc[rows - 20 :, ["comment", "gift", "born"]] = None
    table.loc[rows - 20 :, ["items", "returned"]] = np.tile([[2, 0], [8, 1]], (10, 1))
    return table


def sheds() -> pd.DataFrame:
    """Binary, true or false with gaps: categories by the name of NA and None, text and truths that may be missing."""
    rng, rows = np.random.default_rng(0), 400
    shed, fence = rng.choice(["NA", "None", "Shed", ""], rows), rng.choice([True, False, None], rows)
    sold = (shed == "NA") | (fence == True)  # noqa: E712
    return pd.DataFrame(
        {
            "shed": shed,
            "fence": fence,
            "size": pd.Series(rng.integers(2, 40, rows), dtype=float).where(rng.random(rows) < 0.8),
            "seen": pd.date_range("2022-03-01", periods=rows).strftime("%B %d, %Y"),
            "sold": pd.Series(sold, dtype=object).where(rng.random(rows) < 0.9, None),
        }
    )


if __name__ == "__main__":
    globals()[sys.argv[1]]().to_csv(sys.argv[2], index=False)
