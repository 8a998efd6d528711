"""Part-files by day: many write them at once, they are merged under whoever reads, what is spoiled is passed over."""

import multiprocessing
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from logs import rows_in

from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.monitoring import tidying
from {{cookiecutter.project_slug}}.monitoring.parts import Parts, is_merged
from {{cookiecutter.project_slug}}.monitoring.tidying import tidy

DAY = datetime.now(UTC).date()


@pytest.fixture
def parts(tmp_path) -> Parts:
    return Parts(str(tmp_path / "log"))


def fill(parts: Parts, *numbers: int, day: date = DAY) -> None:
    """One part for each number."""
    for number in numbers:
        parts.add(day, f"part-{number}", pa.table({"n": [number]}))


def numbers(parts: Parts) -> list[int]:
    return sorted(row["n"] for row in rows_in(parts))


def write_many(address: str, writer: int) -> None:
    for number in range(50):
        Parts(address).add(DAY, f"{writer}-{number}", pa.table({"n": [writer * 50 + number]}))


def test_all_that_many_write_at_once_is_there_once_and_whole(parts):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(parts.address, writer)) for writer in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found = numbers(parts)  # under whoever reads
        assert len(found) == len(set(found))
        tidy(parts, keep_days=1)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert numbers(parts) == list(range(200))


def test_nothing_is_there_before_the_first_is_written(parts):
    assert parts.days() == [] and parts.names() == set() and tidy(parts, 1) == tidying.Tidied()


def test_what_a_crash_or_a_person_has_left_is_passed_over(parts, tmp_path, caplog):
    fill(parts, 1)
    folder = tmp_path / "log" / DAY.isoformat()
    whole = (folder / "part-1.parquet").read_bytes()
    (folder / "empty.parquet").write_bytes(b"")
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("mine")
    (folder / "page.parquet").write_bytes(whole[:4] + b"\xff" * 40 + whole[44:])
    (tmp_path / "log" / "20200101").mkdir()
    (folder / ".writing-abc").mkdir()
    (folder / ".writing-abc" / "part-9.parquet").write_bytes(whole)
    (tmp_path / "log" / "not a day").mkdir()
    fill(parts, 2)
    tidy(parts, 1)
    found = [parts.read(part) for part in parts.of(DAY)]
    assert sorted(n for table in found if table for n in table["n"].to_pylist()) == [1, 2]
    assert "cut.parquet is no Parquet file" in caplog.text and "empty.parquet" in caplog.text
    assert (folder / "notes.txt").exists() and (folder / "cut.parquet").exists()


def test_what_is_removed_while_it_is_read_is_an_error_that_says_so(parts):
    fill(parts, 1)
    (part,) = parts.of(DAY)
    parts.remove([part])
    with pytest.raises(ProjectError, match=r"part-1\.parquet cannot be read"):
        parts.read(part)


def test_merged_parts_take_the_place_of_others_which_go_an_hour_later(parts, monkeypatch):
    fill(parts, 1, 2, 3)
    before = parts.of(DAY)
    assert tidy(parts, 1).merged == 3
    (merged,) = parts.of(DAY)
    assert is_merged(merged) and numbers(parts) == [1, 2, 3]
    assert [parts.read(part)["n"].to_pylist() for part in before] == [[1], [2], [3]]  # for whoever has begun to read
    fill(parts, 4)
    assert tidy(parts, 1).merged == 2 and numbers(parts) == [1, 2, 3, 4]  # merged ones, too
    monkeypatch.setattr(tidying, "UNTIL_REMOVED", timedelta(seconds=-1))
    tidy(parts, 1)
    assert len(parts.files(DAY)) == 1 and numbers(parts) == [1, 2, 3, 4]
    assert parts.names() == {f"part-{number}.parquet" for number in (1, 2, 3, 4)}  # merged twice


def test_of_two_who_merge_the_same_at_the_same_time_one_counts(parts):
    fill(parts, 1, 2)
    some = parts.of(DAY)
    tidying.merge(parts, some)
    fill(parts, 3)
    parts.replace([*some, *parts.of(DAY)[-1:]], [pa.table({"n": [1, 2, 3]})])
    assert numbers(parts) == [1, 2, 3]
    tidy(parts, 1)
    assert numbers(parts) == [1, 2, 3]


def test_wherever_tidying_is_cut_off_every_row_counts_once(parts, monkeypatch):
    """At each file that is written or removed, and then the next one goes on."""
    monkeypatch.setattr(tidying, "UNTIL_REMOVED", timedelta(seconds=-1))
    fill(parts, 1, 2, 3)
    left = 0

    def cutting(method):
        def call(*arguments):
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            return method(*arguments)

        return call

    monkeypatch.setattr(Parts, "_write", cutting(Parts._write))
    monkeypatch.setattr(type(parts._filesystem), "rm_file", cutting(type(parts._filesystem).rm_file))
    for round_ in range(1, 8):
        for steps in range(8):
            left = steps
            with suppress(KeyboardInterrupt):
                tidy(parts, 1)
            assert numbers(parts) == list(range(1, round_ + 3))
        left = 1
        fill(parts, round_ + 3)
    left = 100
    tidy(parts, 1)
    tidy(parts, 1)
    assert len(parts.files(DAY)) == 1


def test_wherever_it_is_cut_off_after_two_have_merged_at_the_same_time_every_row_counts_once(tmp_path, monkeypatch):
    for steps in range(8):
        parts = Parts(str(tmp_path / f"log-{steps}"))
        fill(parts, 1, 2)
        some = parts.of(DAY)
        fill(parts, 3)
        tidying.merge(parts, some)
        parts.replace([*some, parts.files(DAY)[-1]], [pa.table({"n": [1, 2, 3]})])
        fill(parts, 4)
        tidying.merge(parts, parts.of(DAY))
        monkeypatch.setattr(tidying, "UNTIL_REMOVED", timedelta(seconds=-1))
        gone = parts.replaced_until(DAY, datetime.max)
        for part in gone[:steps]:
            parts.remove([part])
            assert numbers(parts) == [1, 2, 3, 4]
        tidy(parts, 1)
        tidy(parts, 1)
        assert numbers(parts) == [1, 2, 3, 4]


def test_what_is_forgotten_while_it_is_merged_stays_forgotten(parts, monkeypatch):
    fill(parts, 1, 2)
    read = Parts.replace

    def meanwhile(self, some, tables):
        monkeypatch.setattr(Parts, "replace", read)
        first = self.of(DAY)[0]
        self.remove([first])
        return read(self, some, tables)

    monkeypatch.setattr(Parts, "replace", meanwhile)
    assert tidy(parts, 1).merged == 0 and numbers(parts) == [2]


def test_a_part_of_more_rows_than_are_merged_stays_as_it_is(parts, monkeypatch):
    monkeypatch.setattr(tidying, "MOST_ROWS", 3)
    parts.add(DAY, "large", pa.table({"n": list(range(10, 20))}))
    fill(parts, 1, 2)
    tidy(parts, 1)
    assert numbers(parts) == [1, 2, *range(10, 20)] and len(parts.of(DAY)) == 2


def test_parts_with_other_columns_stay_apart_and_nothing_is_lost(parts, monkeypatch):
    for number in (1, 2):
        parts.add(DAY, f"old-{number}", pa.table({"n": [number], "x": pa.array([None], pa.string())}))
        parts.add(DAY, f"new-{number}", pa.table({"n": [number], "x": ["a"], "y": [0.5]}))
    monkeypatch.setattr(tidying, "MOST_ROWS", 3)
    tidy(parts, 1)
    old, new = sorted((parts.read(part) for part in parts.of(DAY)), key=lambda table: len(table.column_names))
    assert old.to_pydict() == {"n": [1, 2], "x": [None, None]} and new["y"].to_pylist() == [0.5, 0.5]
    assert old.schema.field("x").type == pa.string()


def test_no_merged_part_has_more_rows_than_it_should(parts, monkeypatch):
    monkeypatch.setattr(tidying, "MOST_ROWS", 3)
    fill(parts, *range(8))
    tidy(parts, 1)
    assert numbers(parts) == list(range(8))
    assert sorted(len(parts.read(part)) for part in parts.of(DAY)) == [2, 3, 3]


def test_days_that_are_too_old_go_and_the_oldest_of_too_much(parts, tmp_path):
    for back in range(5):
        fill(parts, back, day=DAY - timedelta(days=back))
    assert tidy(parts, keep_days=3).days == 1 and numbers(parts) == [0, 1, 2, 3]
    size = parts.of(DAY)[0].bytes
    assert tidy(parts, 3, keep_megabytes=2.5 * size / 1e6).days == 2 and numbers(parts) == [0, 1]
    assert tidy(parts, 3, keep_megabytes=1e-6).days == 1 and numbers(parts) == [0]  # not what is of today
