"""Tables of labels: whatever a row says has one outcome, which is counted, and what makes no sense keeps nothing."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import make_settings
from logs import rows_in

from {{cookiecutter.project_slug}}.core.schema import Boolean, Category, Date, Integer, Number, Text
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.monitoring.delivering import take
from {{cookiecutter.project_slug}}.monitoring.labels import Delivery, Taken, examine, key_as_kept, moments_of
from {{cookiecutter.project_slug}}.monitoring.parts import Parts
from {{cookiecutter.project_slug}}.monitoring.policy import Policy, load_policy

SCHEMA = {
    "order": Text(missing=False),
    "number": Integer(missing=False, max=100),
    "returned": Category(missing=False, values=["no", "yes"]),
    "price": Number(missing=False, max=10),
}


@pytest.fixture
def labels(tmp_path) -> Parts:
    return Parts(str(tmp_path / "labels"))


@pytest.fixture
def deliver(labels):
    """deliver(text): what becomes of a file of labels. task, key, read: of the settings."""

    def call(text: str, task: str = "binary", key: str | None = "order", policy: Policy | None = None, **read) -> Taken:
        settings = make_settings(task, data={"key": key, "read": read})
        content = text.encode(read.get("encoding", "utf-8"))
        return take(content, "labels.csv", labels, labels.names(), settings, SCHEMA, policy or Policy())

    return call


def test_a_label_says_of_a_prediction_or_of_a_key_what_came_true(deliver, labels):
    rows = ["a/0,,,yes,1", "b,A1,2026-01-31T12:00:00+01:00,no,2", ",A2,2026-01-31,no,3"]
    before = datetime.now(UTC)
    assert deliver("\n".join(["prediction_id,order,time,returned,more", *rows])) == Taken(taken=3)
    first, second, third = sorted(rows_in(labels), key=lambda row: row["place"])
    assert (first["prediction"], first["key"], first["label"]) == ("a/0", None, "yes")
    assert first["time"] == first["until"] == first["arrived"] and before <= first["arrived"] <= datetime.now(UTC)
    assert (second["prediction"], second["key"]) == ("b", None)  # an id says all
    assert second["time"] == second["until"] == datetime(2026, 1, 31, 11, tzinfo=UTC)
    assert (third["prediction"], third["key"]) == (None, "A2")
    assert third["time"] == datetime(2026, 1, 31, tzinfo=UTC)
    assert third["until"] == datetime(2026, 2, 1, tzinfo=UTC) - timedelta(microseconds=1)


def test_a_delivery_is_taken_once_also_after_its_part_was_merged(deliver, labels):
    table = "order,returned\nA1,yes\n"
    assert str(deliver(table)) == "1 labels taken"
    assert deliver(table) == Taken(before=True) and str(deliver(table)).startswith("taken before")
    assert deliver("order,returned\nA2,yes\n").taken == 1
    (day,) = labels.days()
    for other in ("A3", "A4"):
        labels.replace(labels.of(day), [labels.read(part) for part in labels.of(day)])
        labels.remove(labels.replaced_until(day, datetime.max))
        assert deliver(f"order,returned\n{other},yes\n").taken == 1
    assert deliver(table) == Taken(before=True) and len(rows_in(labels)) == 4


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("A1,2026-01-01,\nA2,2026-01-01,yes", Taken(taken=1, empty=1)),
        ("A1,2026-01-01,yes\nA1,2026-01-01,yes\nA1,2026-01-02,yes", Taken(taken=2, repeated=1)),
        (
            "A1,2026-01-01,yes\nA1,2026-01-01,no\nA1,2026-01-01,no\nA2,2026-01-01,no",
            Taken(1, repeated=1, contradicting=2),
        ),
        ("A1,2026-01-01T10:00Z,yes\nA1,2026-01-01T11:00+01:00,no", Taken(contradicting=2)),
        ("A1,2999-01-01,yes\nA2,,yes", Taken(taken=1, future=1)),
        ("A1,2026-01-01,no\nA1,2026-01-01,no\nA2,2026-01-01,no", Taken(taken=2, repeated=1)),
    ],
)
def test_rows_that_cannot_count_are_left_out_and_counted(deliver, labels, rows, expected):
    taken = deliver(f"order,time,returned\n{rows}\n")
    assert taken == expected and len(rows_in(labels)) == expected.taken
    assert str(taken).startswith(f"{expected.taken} labels taken")


def test_both_names_of_the_same_prediction_contradict_each_other(deliver, labels):
    assert deliver("prediction_id,returned\na,yes\na/0,no\nb,yes\nb/1,no\n") == Taken(taken=2, contradicting=2)
    assert {row["prediction"] for row in rows_in(labels)} == {"b", "b/1"}


@pytest.mark.parametrize(
    "names", [{"prediction_id": "order"}, {"time": "returned"}, {"time": "order"}, {"time": "prediction_id"}]
)
def test_columns_of_labels_have_names_of_their_own(deliver, names):
    with pytest.raises(ProjectError, match=r"monitoring.yaml: labels.prediction_id and labels.time, .* other names"):
        deliver("order,returned\nA1,yes\n", policy=Policy(labels=names))


@pytest.mark.parametrize(
    ("rules", "text", "kept"),
    [
        (Text(missing=False), " A1 ", " A1 "),
        (Integer(missing=False), "7.0", "7"),
        (Number(missing=False), "1e3", "1000"),
        (Boolean(missing=False), "TRUE", "True"),
        (Date(missing=False, format="%d.%m.%Y"), "29.02.2024", "2024-02-29T00:00:00.000000"),
    ],
)
def test_a_key_to_forget_is_said_as_the_table_says_it(rules, text, kept):
    settings = make_settings(data={"key": "order"})
    assert key_as_kept(text, settings, {"order": rules}) == kept
    with pytest.raises(ProjectError, match="No column is the key"):
        key_as_kept(text, make_settings(), {"order": rules})


def test_today_is_not_the_future_in_any_time_zone(deliver):
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        policy = Policy(labels={"time_zone": zone})
        today = datetime.now(ZoneInfo(zone)).date()
        assert deliver(f"order,time,returned\n{zone},{today},yes\n", policy=policy).taken == 1


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-01-31T12:00", "Europe/Paris", "2026-01-31T11:00"),
        ("2026-01-31 12:00:00.5", "UTC", "2026-01-31T12:00:00.500000"),
        (" 2026-07-01T00:30:00-05:00 ", "Europe/Paris", "2026-07-01T05:30"),
        ("2026-10-25T02:30", "Europe/Paris", "2026-10-25T01:30"),  # twice that night: the second one
        ("2026-10-25T03:30", "Europe/Paris", "2026-10-25T02:30"),
    ],
)
def test_times_are_in_the_zone_that_they_say_or_else_in_that_of_the_policy(text, zone, expected):
    assert moments_of(text, ZoneInfo(zone)) == (datetime.fromisoformat(expected).replace(tzinfo=UTC),) * 2


def test_a_day_has_as_many_hours_as_it_had_there():
    first, last = moments_of("2026-10-25", ZoneInfo("Europe/Paris"))
    assert last - first == timedelta(hours=25) - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("order,churned\nA1,yes\n", r"no column 'returned', which holds what came true, but \['order', 'churned'\]"),
        ("returned\nyes\n", "no column 'prediction_id' or 'order', to say which prediction each is about"),
        (
            "order,returned\nA1,maybe\n",
            "column returned: 1 rows, the first in line 2: is not a known category: 'maybe'",
        ),
        ("order,returned\nA1,1\n", "is not a known category: '1'"),
        (
            "order,prediction_id,returned\nA1,,yes\n,,yes\n",
            "column prediction_id or order: 1 rows, .* line 3: is missing",
        ),
        (
            "order,time,returned\nA1,31.01.2026,yes\n",
            "column time: .* is no time in ISO 8601, such as 2026-01-31 or .*'31.01",
        ),
        ("order,time,returned\nA1,0001-01-01,yes\n", None),
        ("order,returned\nA1,yes,3\n", "labels.csv"),
        ("order,returned\n", "has a header and no rows"),
        ("", "labels.csv is empty"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_is_kept(deliver, labels, table, said):
    if said is None:
        assert deliver(table).taken == 1  # long ago, and still a day
        return
    with pytest.raises(ProjectError, match=said):
        deliver(table)
    assert rows_in(labels) == []


def test_classes_and_numbers_are_kept_as_the_table_means_them(deliver, labels):
    deliver("number;price\n7;0,5\n700;1e3\n", "regression", key="number", sep=";", decimal=",")
    assert {(row["key"], row["label"]) for row in rows_in(labels)} == {
        ("7", "0.5"),
        ("700", "1000"),
    }  # new keys, new prices


def test_how_the_table_is_written_holds_for_labels_and_not_which_of_it_is_read(deliver, labels):
    deliver(
        "order\treturned\nÄ1\tyes\n", sep="\t", encoding="latin-1", usecols=["x"], skiprows=7, nrows=1, skipfooter=2
    )
    assert [row["key"] for row in rows_in(labels)] == ["Ä1"]


def test_objects_mean_the_same_as_rows():
    settings = make_settings(data={"key": "number"})
    rows = [
        {"number": 7, "returned": "yes", "time": "2026-01-01"},
        {"prediction_id": "a", "returned": "no"},
        {"number": 8},
    ]
    with pytest.raises(ProjectError, match=r"column returned: 1 rows, the first in row 0: is not text: 1"):
        examine(Delivery.from_rows([{"number": 1, "returned": 1}]), settings, SCHEMA, Policy())
    taken, kept = examine(Delivery.from_rows(rows), settings, SCHEMA, Policy())
    assert taken == Taken(taken=2, empty=1)
    found = kept[["prediction", "key", "label"]].astype(object)
    assert found.where(found.notna(), None).values.tolist() == [[None, "7", "yes"], ["a", None, "no"]]


def test_the_policy_says_what_is_wrong_with_it(tmp_path):
    path = tmp_path / "monitoring.yaml"
    path.write_text("labels: {time_zone: Mars/Base, horizon_day: 3}\npredictions: {keep_days: 0}\n")
    with pytest.raises(ProjectError) as error:
        load_policy(path)
    assert str(error.value).splitlines()[1:] == [
        "  predictions.keep_days: input should be greater than or equal to 1 (it is 0)",
        "  labels.time_zone: 'Mars/Base' is no time zone, such as UTC or Europe/Paris.",
        "  labels.horizon_day: no such setting. Did you mean horizon_days?",
    ]
    assert load_policy().labels.horizon == timedelta(days=30)  # the project's own
