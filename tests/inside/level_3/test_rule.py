"""Which prediction a label belongs to, in DuckDB and as a few loops say it."""

import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from my_ml_project.monitoring.matching import OUTCOMES, database, match

HORIZON = timedelta(hours=3)
START = datetime(2026, 3, 29, tzinfo=UTC)
HOURS = st.integers(0, 9).map(lambda hours: START + timedelta(hours=hours))
IDS, KEYS = st.sampled_from(["a", "b", "a/0", "a/1"]), st.sampled_from(["A", "B"])


@dataclass(frozen=True)
class Prediction:
    id: str
    row: int
    key: str | None
    at: datetime

    @property
    def names(self) -> set[str]:
        return {f"{self.id}/{self.row}"} | ({self.id} if self.row == 0 else set())


@dataclass(frozen=True)
class Label:
    prediction: str | None
    key: str | None
    time: datetime
    until: datetime
    label: str
    arrived: datetime


PREDICTIONS = st.builds(Prediction, IDS, st.integers(0, 1), st.none() | KEYS, HOURS)


@st.composite
def labels(draw) -> Label:
    prediction = draw(st.none() | IDS | st.sampled_from(["b/1", "nobody"]))
    time = draw(HOURS)
    until = time + draw(st.sampled_from([timedelta(), timedelta(hours=2)]))
    key = None if prediction else draw(KEYS | st.just("C"))
    arrived = draw(st.sampled_from([time, time + timedelta(hours=1), START + timedelta(hours=12)]))
    return Label(prediction, key, time, until, draw(st.sampled_from(["yes", "no"])), arrived)


def belongs(one: Prediction, label: Label) -> bool:
    if label.prediction:
        return label.prediction in one.names and one.at <= label.arrived
    return one.key == label.key and one.at <= min(label.until, label.arrived)


def by_loops(predictions: list[Prediction], given_labels: list[Label]) -> list[tuple[str, str | None, int | None]]:
    """The outcome of each label, and the number of the prediction that it belongs to."""
    found = []
    for place, label in enumerate(given_labels):
        candidates = [
            (one.at, one.id, one.row, number) for number, one in enumerate(predictions) if belongs(one, label)
        ]
        last = max(candidates, default=None)
        late = last is not None and label.time - last[0] > HORIZON
        order = (label.arrived, label.time, place)
        found.append((order, label.label, None if last is None else last[3], late))
    outcomes = []
    for order, value, number, late in found:
        others = [one for one in found if one[2] == number and not one[3]]
        newest = max(others, default=None)
        if number is None:
            outcomes.append("unknown")
        elif late:
            outcomes.append("late")
        elif order == newest[0]:
            outcomes.append("counts")
        else:
            outcomes.append("repeated" if value == newest[1] else "corrected")
    return [(outcome, value, number) for outcome, (_, value, number, _) in zip(outcomes, found, strict=True)]


@settings(max_examples=int(os.environ["EXAMPLES"]), deadline=None)
@given(st.lists(PREDICTIONS, max_size=8), st.lists(labels(), max_size=8), st.randoms())
def test_the_rule_is_the_same_whoever_calculates_it(predictions, given_labels, chance):
    rows = [(0, number, one.id, one.row, one.key, one.at) for number, one in enumerate(predictions)]
    kept = [(*vars(one).values(), place) for place, one in enumerate(given_labels)]
    with database() as connection:
        for name, values in (("predictions", rows), ("labels", kept)):
            chance.shuffle(values)
            if values:
                connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(values[0]))})", values)
        match(connection, HORIZON)
        found = connection.execute("SELECT outcome, label, place FROM outcomes").fetchall()
    assert Counter(found) == Counter(by_loops(predictions, given_labels))
    assert {outcome for outcome, *_ in found} <= set(OUTCOMES)
