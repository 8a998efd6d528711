"""Nothing trains on what is half written or does not fit, and nothing that came in is lost."""

import os
import threading

import pytest
from conftest import Clock, make_settings, schema_of

from {{cookiecutter.project_slug}}.errors import MOST_SECONDS, ProjectError
from {{cookiecutter.project_slug}}.pipelines import intake


@pytest.fixture
def clock(monkeypatch):
    """The time that a writer is waited for, which passes at once."""
    monkeypatch.setattr(intake, "time", clock := Clock())
    return clock


@pytest.fixture
def path(tmp_path, monkeypatch, clock):
    """Where the table comes in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "orders.csv"


def test_a_file_that_grows_is_read_once_it_is_whole_however_long_that_takes(path, monkeypatch, clock):
    told, lines = [], []

    def write_on(seconds: float) -> None:
        """Write a line every second, for longer than anything is waited for that does not change."""
        clock.slept += seconds
        if len(lines) < min(clock.slept, 2 * MOST_SECONDS):
            lines.append(b"line\n")
            with path.open("ab") as out:  # closed in between: nobody has it open
                out.write(lines[-1])
            os.utime(path, (clock.time(), clock.time()))

    monkeypatch.setattr(clock, "sleep", write_on)
    path.write_text("")
    content = intake.receive(make_settings(), told.append)
    assert content == b"".join(lines) and len(lines) == 2 * MOST_SECONDS and len(told) == 1


def test_a_file_that_a_program_has_open_to_write_is_not_whole(path, monkeypatch):
    monkeypatch.setattr(intake, "MOST_SECONDS", 5)
    path.write_text("a,b\n1,2\n")
    message = rf"has not changed for 5 seconds, but is still open to .*\({os.getpid()}\)"
    with path.open("a"), pytest.raises(ProjectError, match=message):
        intake.receive(make_settings(), lambda _: None)
    with path.open():
        assert intake.receive(make_settings(), lambda _: None) == b"a,b\n1,2\n"


def test_what_changes_while_it_is_read_is_read_again(path, monkeypatch):
    path.write_text("old")
    fetch, read = intake.storage.fetch, []

    def fetch_slowly(uri: str, most: float) -> bytes:
        read.append(fetch(uri, most))
        if len(read) == 1:
            path.write_text("newer")
        return read[-1]

    monkeypatch.setattr(intake.storage, "fetch", fetch_slowly)
    assert intake.receive(make_settings(), lambda _: None) == b"newer" and read == [b"old", b"newer"]


def test_what_is_not_there_is_said(path):
    with pytest.raises(ProjectError, match=r"orders.csv cannot be read"):
        intake.receive(make_settings(), lambda _: None)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table: table.assign(days=table["days"] * 1000), r"column days: 200 rows, the first in line 2, 3"),
        (lambda table: table.drop(columns="shop"), "column shop is missing"),
        (lambda table: table.head(0), "has a header and no rows"),
        (lambda table: table.assign(returned="no"), "there is nothing to predict"),
    ],
)
def test_what_does_not_fit_is_put_aside_with_its_report_and_stays_where_it_was(path, orders, spoil, message):
    schema = schema_of(orders, ["order", "day"])
    spoil(orders).to_csv(path, index=False)
    content = path.read_bytes()
    with pytest.raises(ProjectError, match=message) as error:
        intake.check(content, make_settings(), schema)
    (report,) = path.parent.glob("data/checked/quarantine/*/report.txt")
    assert str(report.parent.relative_to(path.parent)) in str(error.value)
    assert report.read_text("utf-8").strip() in str(error.value)
    assert report.with_name("orders.csv").read_bytes() == path.read_bytes() == content
    assert not (path.parent / "data/checked/received").exists()


def test_of_what_was_put_aside_the_newest_are_kept(path):
    for number in range(intake.MOST_IN_QUARANTINE + 3):
        with pytest.raises(ProjectError):
            intake.check(f"a,b\n{number}\n".encode(), make_settings(), None)
    kept = [place.read_text() for place in path.parent.glob("data/checked/quarantine/*/orders.csv")]
    assert set(kept) == {f"a,b\n{number}\n" for number in range(3, number + 1)} and len(kept) == 20


def test_an_empty_file_is_put_aside_too(path):
    path.write_bytes(b"")
    with pytest.raises(ProjectError, match=r"orders.csv is empty.*\n.*Nothing was trained"):
        intake.check(b"", make_settings(), None)


def test_what_is_kept_is_named_without_the_secrets_of_its_address(path, orders):
    settings = make_settings(data={"drop": ["order", "day"], "uri": f"https://h/orders.csv?{'secret' * 100}"})
    source, _, schema = intake.check(orders.to_csv(index=False).encode(), settings, None)
    assert source.name == "orders.csv"
    with pytest.raises(ProjectError, match=r"https://h/orders\.csv"):
        intake.check(b"a,b\n1\n", settings, schema)
    assert "secret" not in " ".join(map(str, path.parent.rglob("*")))
    (report,) = path.parent.glob("data/checked/quarantine/*/report.txt")
    assert "secret" not in report.read_text("utf-8")


def test_what_fits_is_kept_for_the_pipeline(path, orders):
    orders.to_csv(path, index=False)
    source, table, schema = intake.check(path.read_bytes(), make_settings(data={"drop": ["order", "day"]}), None)
    assert source.read_bytes() == path.read_bytes() and len(table) == 200 and schema["days"].type == "number"


def test_what_arrives_while_the_one_before_is_looked_at_is_seen(path):
    path.write_text("old")
    arrivals = intake.arrivals(path)
    next(arrivals)
    path.write_text("new")
    seen = []
    waiting = threading.Thread(target=lambda: seen.append(next(arrivals)), daemon=True)
    waiting.start()
    waiting.join(MOST_SECONDS)
    assert len(seen) == 1


def test_without_a_change_nothing_arrives_but_the_first(path, monkeypatch):
    changes = [set(), set(), {("modified", str(path))}, set()]
    monkeypatch.setattr("watchfiles.watch", lambda *_, **__: iter(changes))
    assert len(list(intake.arrivals(path))) == 2


def test_where_nothing_can_arrive_nothing_is_watched(path):
    with pytest.raises(ProjectError, match="make it first"):
        next(intake.arrivals(path / "missing" / "orders.csv"))
