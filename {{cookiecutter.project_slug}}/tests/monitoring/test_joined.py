"""Labels find the predictions that they belong to, and each prediction is there once."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from logs import NOON, answered, keep, label, rows_in

from {{cookiecutter.project_slug}}.monitoring.exporting import export, names_of_releases
from {{cookiecutter.project_slug}}.monitoring.joined import Window, joined, outcomes
from {{cookiecutter.project_slug}}.monitoring.parts import Parts
from {{cookiecutter.project_slug}}.monitoring.predictions import PredictionLog
from {{cookiecutter.project_slug}}.monitoring.tidying import forget, tidy

HOUR, HORIZON = timedelta(hours=1), timedelta(days=2)
WINDOW = Window(NOON - HOUR, NOON + 12 * HOUR)


@pytest.fixture
def log(tmp_path):
    """log(answered...): the parts of a log of these."""
    parts = Parts(str(tmp_path / "predictions"))

    def write(*all_of_it) -> Parts:
        for one in all_of_it:
            PredictionLog(parts.address).write(one)
        return parts

    return write


@pytest.fixture
def labels(tmp_path) -> Parts:
    return Parts(str(tmp_path / "labels"))


def labelled(log: Parts, labels: Parts, window: Window = WINDOW, **how) -> dict[str, str]:
    """The label of each prediction that has one, by its id."""
    with joined(log, labels, window, HORIZON, **how) as found:
        tables = list(found.tables(only_labelled=True))
        assert sum(map(len, tables)) == found.counts["counts"]
        rows = pd.concat(tables) if tables else pd.DataFrame({"id": [], "label": []})
    assert rows["id"].is_unique
    return dict(zip(rows["id"], rows["label"], strict=True))


def test_by_its_id_with_or_without_the_row(log, labels):
    many = answered("b", "b", "b")
    many.requests["row"] = [0, 1, 2]
    parts = log(answered("a"), many, answered("x/1"))
    keep(
        labels, label("yes", "a"), label("no", "b/2"), label("yes", "x/1"), label("yes", "nobody"), label("yes", "a/7")
    )
    with joined(parts, labels, WINDOW, HORIZON) as found:
        rows = pd.concat(found.tables())
    assert len(rows) == 5
    known = rows[rows["label"].notna()]
    assert sorted(zip(known["id"], known["row"], known["label"], strict=True)) == [
        ("a", 0, "yes"),
        ("b", 2, "no"),
        ("x/1", 0, "yes"),
    ]
    assert outcomes(parts, labels, WINDOW, HORIZON)["unknown"] == 2


def test_by_its_key_to_the_last_prediction_at_or_before_the_time(log, labels):
    parts = log(
        answered("first", keys=["A"]),
        answered("second", keys=["A"], at=NOON + HOUR),
        answered("other", keys=["B"], at=NOON + HOUR),
    )
    tick = timedelta(microseconds=1)
    keep(labels, label("yes", key="A", time=NOON + HOUR - tick), label("no", key="B", time=NOON + HOUR))
    assert labelled(parts, labels) == {"first": "yes", "other": "no"}
    keep(labels, label("no", key="A", time=NOON + HOUR), label("yes", key="A", time=NOON - tick))
    assert labelled(parts, labels) == {"first": "yes", "second": "no", "other": "no"}


def test_a_day_stands_for_all_of_it(log, labels):
    parts = log(answered("morning", keys=["A"]), answered("evening", keys=["A"], at=NOON + 6 * HOUR))
    midnight = NOON - 12 * HOUR
    keep(labels, label("yes", key="A", time=midnight, until=midnight + 24 * HOUR, arrived=NOON + 13 * HOUR))
    assert labelled(parts, labels) == {"evening": "yes"}


def test_a_day_is_over_for_a_label_that_came_in_it(log, labels):
    midnight = NOON - 12 * HOUR
    parts = log(
        answered("yesterday", keys=["A"], at=midnight - HOUR), answered("tonight", keys=["A"], at=NOON + 8 * HOUR)
    )
    keep(labels, label("yes", key="A", time=midnight, until=midnight + 24 * HOUR, arrived=NOON - 4 * HOUR))
    assert labelled(parts, labels, Window(midnight - 2 * HOUR, NOON + 12 * HOUR)) == {"yesterday": "yes"}
    assert labelled(parts, labels) == {}


def test_labels_are_what_the_answers_are(log, labels):
    one, two = answered("a", at=NOON), answered("b", at=NOON, model="b" * 64)
    one.answers["prediction"], two.answers["prediction"] = [1], [True]
    parts = log(one, two)
    keep(labels, label("1", "a"), label("True", "b"))
    with joined(parts, labels, WINDOW, HORIZON) as found:
        assert all((table["answer.prediction"] == table["label"]).all() for table in found.tables(only_labelled=True))


def test_none_that_is_older_than_the_horizon_which_counts_in_itself(log, labels):
    parts = log(answered("a", keys=["A"]), answered("b", keys=["B"]))
    keep(
        labels,
        label("yes", key="A", time=NOON + HORIZON),
        label("yes", "b", time=NOON + HORIZON + timedelta(seconds=1)),
    )
    assert labelled(parts, labels) == {"a": "yes"}
    with joined(parts, labels, WINDOW, HORIZON) as found:
        assert found.counts["late"] == 1


def test_the_last_to_come_counts_and_the_others_are_counted(log, labels):
    parts = log(answered("a", keys=["A"]))
    for hours, value in enumerate(["no", "yes", "no", "yes"]):
        keep(labels, label(value, key="A", time=NOON + hours * HOUR))
    assert labelled(parts, labels) == {"a": "yes"}
    with joined(parts, labels, WINDOW, HORIZON) as found:
        assert found.counts == {"counts": 1, "repeated": 1, "corrected": 2, "late": 0, "unknown": 0}
    assert labelled(parts, labels, known_until=NOON + 3.5 * HOUR) == {"a": "no"}  # what was known then


def test_a_request_that_is_sent_again_is_labelled_once(log, labels):
    parts = log(answered("a"), answered("a", at=NOON + HOUR))
    keep(labels, label("yes", "a", arrived=NOON + 2 * HOUR))
    with joined(parts, labels, WINDOW, HORIZON) as found:
        (table,) = found.tables(only_labelled=True)
    assert table["at"].tolist() == [pd.Timestamp(NOON + HOUR)]


def test_of_two_predictions_at_the_same_moment_it_is_always_the_same_one(log, labels):
    parts = log(answered("b", keys=["A"]), answered("a", keys=["A"]))
    keep(labels, label("yes", key="A"))
    assert labelled(parts, labels) == {"b": "yes"}
    tidy(parts, keep_days=10_000)
    assert len(parts.of(NOON.date())) == 1 and labelled(parts, labels) == {"b": "yes"}


def test_a_window_has_its_first_moment_and_not_its_last_and_later_predictions_take_their_labels(log, labels):
    parts = log(answered("in", keys=["A"]), answered("out", keys=["A"], at=NOON + HOUR))
    keep(labels, label("yes", key="A", time=NOON + 2 * HOUR))
    window = Window(NOON, NOON + HOUR)
    assert labelled(parts, labels, window) == {}
    keep(labels, label("yes", key="A", time=NOON))
    assert labelled(parts, labels, window) == {"in": "yes"}
    with joined(parts, labels, window, HORIZON) as found:
        assert [table["id"].tolist() for table in found.tables()] == [["in"]]


def test_a_window_may_be_said_in_any_zone_and_must_name_one(log, labels):
    late = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # in Paris it is Sunday, and a clock is put forward
    parts = log(answered("saturday", at=late - HOUR), answered("sunday", at=late), answered("end", at=late + 23 * HOUR))
    paris = ZoneInfo("Europe/Paris")
    sunday = Window(datetime(2026, 3, 29, tzinfo=paris), datetime(2026, 3, 30, tzinfo=paris))
    with joined(parts, labels, sunday, HORIZON) as found:
        assert [one for table in found.tables() for one in table["id"]] == ["sunday"]
    with pytest.raises(ValueError, match="names no time zone"):
        Window(datetime(2026, 3, 29), late)


def test_what_became_of_the_labels_that_came_in_a_window(log, labels):
    parts = log(answered("a", keys=["A"]), answered("old", keys=["B"], at=NOON - 3 * HORIZON / 2))
    keep(
        labels,
        label("yes", key="A", arrived=NOON - 10 * HOUR, time=NOON - 11 * HOUR),
        label("yes", key="A"),
        label("yes", key="A", arrived=NOON + 2 * HOUR),
        label("yes", key="B"),
        label("yes", key="C"),
    )
    found = outcomes(parts, labels, WINDOW, HORIZON)
    assert found == {"counts": 1, "repeated": 1, "corrected": 0, "late": 1, "unknown": 1}


def test_a_key_is_forgotten_everywhere_and_nothing_else(log, labels):
    parts = log(
        answered("a", "b", keys=["A", "B"]), answered("c", keys=["A"]), answered("d", keys=["D"]), answered("e")
    )
    keep(labels, label("yes", "a"), label("yes", "a/0"), label("yes", key="A"), label("yes", key="B"), label("no", "d"))
    tidy(parts, keep_days=10_000)  # of which the parts before are still there
    tidy(labels, keep_days=10_000)
    assert forget(parts, labels, "A") == (2, 3)
    for store in (parts, labels):
        for day in store.days():
            files = [store.read(part).to_pylist() for part in store.files(day)]
            assert not any(row["key"] == "A" for rows in files for row in rows)
    assert labelled(parts, labels) == {"b": "yes", "d": "no"}
    assert forget(parts, labels, "A") == (0, 0)
    assert "delivery-2.parquet" in labels.names()  # and is not taken again


def test_to_forget_may_be_cut_off_anywhere(log, labels, monkeypatch):
    parts = log(answered("a", keys=["A"]), answered("b", keys=["B"]))
    keep(labels, label("yes", "a"), label("yes", "b"))
    remove = Parts.remove
    for steps in range(6):
        calls = iter([None] * steps)

        def cut(self, some, calls=calls):
            next(calls)
            remove(self, some)

        monkeypatch.setattr(Parts, "remove", cut)
        with suppress(StopIteration):
            forget(parts, labels, "A")
    monkeypatch.setattr(Parts, "remove", remove)
    forget(parts, labels, "A")
    assert [row["key"] for row in rows_in(parts)] == ["B"] and [row["prediction"] for row in rows_in(labels)] == ["b"]


def test_a_window_is_written_as_one_table_with_the_releases_that_were_in_use(log, labels, tmp_path):
    model, later = "a" * 64, "b" * 64
    parts = log(answered("a", keys=["A"], said=['"x",\ry']), answered("b", at=NOON + HOUR, model=later, colour=["red"]))
    keep(labels, label("yes", "a"))
    store = tmp_path / "releases"
    names = [f"{moment:%Y%m%dT%H%M%S%fZ}-{model[:12]}" for moment in (NOON - 2 * HOUR, NOON - HOUR, NOON + HOUR)]
    for name in (*names, "of somebody else"):
        (store / name).mkdir(parents=True)
    with joined(parts, labels, WINDOW, HORIZON) as found:
        assert export(found, names_of_releases(str(store)), str(tmp_path / "out.csv")) == 2
    table = pd.read_csv(tmp_path / "out.csv").sort_values("id").reset_index(drop=True)
    assert table["release"].tolist()[0] == names[1] and pd.isna(table["release"][1])
    assert table["feature.said"][0] == '"x",\ry' and table["feature.colour"].tolist()[1:] == ["red"]
    assert table["at"].tolist() == ["2026-03-10T12:00:00.000000Z", "2026-03-10T13:00:00.000000Z"]
    assert table["label"].tolist()[0] == "yes" and names_of_releases(str(tmp_path / "none")) == []
