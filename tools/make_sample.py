"""Make the sample table that every generated project starts from: customers and whether they left.

Run from anywhere with plain Python: `python tools/make_sample.py`. The same seed gives the same bytes, so a change of
the table is always a change of this file. The process behind the table is known, which is what later levels need to
know whether a model, a slice or an alert is right.
"""

import csv
import io
import math
import random
from pathlib import Path

SEED = 20240101
ROWS = 4_000
MONTHS = [f"2024-{month:02d}" for month in range(1, 9)]
TABLE = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}" / "data" / "customers.csv"

CONTRACTS = {"monthly": 0.55, "yearly": 0.30, "two years": 0.15}
PAYMENTS = {"card": 0.40, "direct debit": 0.35, "invoice": 0.25}
REGIONS = {"north": 0.30, "south": 0.25, "east": 0.25, "west": 0.20}
CONTRACT_EFFECT = {"monthly": 1.3, "yearly": -0.4, "two years": -1.6}
PAYMENT_EFFECT = {"card": -0.1, "direct debit": -0.3, "invoice": 0.5}


def pick(rng: random.Random, shares: dict[str, float]) -> str:
    """One key, as likely as its share."""
    return rng.choices(list(shares), weights=list(shares.values()))[0]


def churn_probability(customer: dict) -> float:
    """How likely this customer is to leave in the coming month, between 0 and 1."""
    log_odds = (
        -1.75
        + CONTRACT_EFFECT[customer["contract"]]
        + PAYMENT_EFFECT[customer["payment"]]
        - 0.035 * customer["tenure_months"]
        + 0.45 * customer["support_calls"]
        + 0.55 * customer["late_payments"]
        + 0.025 * (customer["monthly_charge"] - 60)
        - 0.012 * customer["usage_gb"]
    )
    return 1 / (1 + math.exp(-log_odds))


def make_customer(rng: random.Random, number: int, month: str) -> dict:
    """One row: what was known at the end of `month`, and whether the customer left in the month after."""
    contract = pick(rng, CONTRACTS)
    customer = {
        "customer_id": f"C{number:05d}",
        "month": month,
        "region": pick(rng, REGIONS),
        "contract": contract,
        "payment": pick(rng, PAYMENTS),
        "age": min(90, max(18, round(rng.gauss(46, 15)))),
        "tenure_months": min(120, int(rng.expovariate(1 / (18 if contract == "monthly" else 36)))),
        "monthly_charge": round(min(140.0, max(15.0, rng.gauss(62, 20))), 2),
        "usage_gb": round(rng.lognormvariate(3.2, 0.7), 1),
        "support_calls": min(9, int(rng.expovariate(1 / 1.3))),
        "late_payments": min(6, int(rng.expovariate(1 / 0.6))),
    }
    customer["churned"] = "yes" if rng.random() < churn_probability(customer) else "no"
    return forget_some(rng, customer)


def forget_some(rng: random.Random, customer: dict) -> dict:
    """The row as a real system would hold it: some ages unknown, usage not metered in the east at times."""
    if rng.random() < 0.06:
        customer["age"] = ""
    if rng.random() < (0.15 if customer["region"] == "east" else 0.02):
        customer["usage_gb"] = ""
    if rng.random() < 0.03:
        customer["payment"] = ""
    return customer


def make_table(count: int = ROWS) -> str:
    """A table of so many rows as CSV text, oldest month first."""
    rng = random.Random(SEED)
    rows = [make_customer(rng, n, MONTHS[n * len(MONTHS) // count]) for n in range(count)]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


if __name__ == "__main__":
    TABLE.write_text(make_table(), encoding="utf-8", newline="\n")
    print(f"{ROWS} rows written to {TABLE}")
