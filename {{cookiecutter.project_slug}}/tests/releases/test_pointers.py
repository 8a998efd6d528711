"""A pointer says what is to run, is moved by one of those who move it at once, and is never guessed."""

import errno
import json
import multiprocessing
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from conftest import write_params
from test_interruptions import in_a_process, kill

from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases import pointers, releasing
from {{cookiecutter.project_slug}}.releases.pointers import ABOUT, LOCK, POINTER, pointer_of
from {{cookiecutter.project_slug}}.releases.record import Pointer, Policy
from {{cookiecutter.project_slug}}.settings import load_settings

FOLDER = Path("pointers/production")
ROUNDS = 40


@pytest.fixture(autouse=True)
def project(run):
    """A project whose pointer is in a folder."""
    write_params(state={"pointer": "pointers"})


def a_pointer(number: int = 0) -> Pointer:
    return Pointer(record=f"releases/{number}/release.json", sha256=f"{number:064x}")


def point(*numbers: int, address: str = "pointers", environment: str = "production") -> pointers.PointerStore:
    """The pointer of an environment, moved to these one after the other."""
    write_params(state={"pointer": address})
    pointer = pointer_of(load_settings(), environment)
    for number in numbers:
        pointer.move(pointer.read(), a_pointer(number), "me", f"move {number}")
    return pointer


def no_links(*_: object) -> None:
    raise OSError(errno.EPERM, "no hard links here")


@pytest.mark.parametrize("address", ["pointers", "pointers/", "here/deploy/release.yaml", str(POINTER)])
def test_a_pointer_is_moved_from_what_it_says_and_from_nothing_else(address):
    pointer = point(address=address)
    assert pointer.read() is None and pointer.history() == []
    for before in (None, a_pointer(1)):
        moved = a_pointer(1 if before is None else 2)
        for wrong in {None, a_pointer(1), a_pointer(2)} - {before}:
            with pytest.raises(ProjectError, match=f"Meanwhile {pointer.place} was changed"):
                pointer.move(wrong, moved, "me", "")
            assert pointer.read() == before
        pointer.move(before, moved, "me", "")
        assert pointer.read() == moved == pointer.history()[0].pointer


def test_the_committed_file_says_nothing_but_what_is_pointed_at():
    pointer = point(1, 2, address=str(POINTER))
    fields = yaml.safe_dump(a_pointer(2).model_dump(), sort_keys=False)
    assert POINTER.read_bytes() == (ABOUT + fields).encode() and pointer.committed and pointer.place == str(POINTER)
    assert [move.pointer for move in pointer.history()] == [a_pointer(2)]
    with pytest.raises(ProjectError, match=r"is for production alone\. For staging, too, set state\.pointer"):
        pointer_of(load_settings(), "staging")


def test_entries_say_who_moved_it_when_and_why_and_are_kept():
    pointer = point(1, 2, 1)
    moves = pointer.history()
    assert [(one.pointer, one.by, one.why) for one in moves] == [(a_pointer(n), "me", f"move {n}") for n in (1, 2, 1)]
    assert sorted(one.at for one in moves) == [one.at for one in moves[::-1]] and moves[0].at.endswith("+00:00")
    assert sorted(path.name for path in FOLDER.iterdir()) == [f"0000000{n}.json" for n in (1, 2, 3)]
    assert pointer.history(most=1) == moves[:1] and not pointer.committed and pointer.place == "pointers/production"


def test_each_environment_has_a_pointer_of_its_own():
    point(1), point(2, environment="staging-2")
    assert point().read() == a_pointer(1) and point(environment="staging-2").read() == a_pointer(2)


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "/tmp", "%2e%2e", "A", "a b", "a\n", "stäging", ".exclusive", "x" * 41, "s3://x"]
)
@pytest.mark.parametrize("address", ["pointers", str(POINTER)])
def test_what_is_no_name_of_an_environment_becomes_part_of_no_path(name, address):
    with pytest.raises(ProjectError, match="is no name of an environment"):
        point(1, address=address, environment=name)


@pytest.mark.parametrize(
    "address",
    ["memory://x", "gs://bucket/x", "https://host/x", "simplecache::s3://bucket/x", "zip::x.zip", "dir::file:///x"],
)
def test_a_store_of_which_nobody_knows_that_it_writes_nothing_over_is_refused(address):
    with pytest.raises(ProjectError, match="in a folder and in s3:// alone"):
        point(address=address)


@pytest.mark.parametrize("address", ["s3://bucket/release.yaml", "memory://x.yaml"])
def test_a_file_that_nobody_can_commit_is_refused(address):
    with pytest.raises(ProjectError, match="a file is one of this project"):
        point(address=address)


def test_what_another_has_written_is_seen_at_once():
    first, second = point(1), point()
    for number in (2, 3):
        second.move(second.read(), a_pointer(number), "me", "")
        assert first.read() == a_pointer(number)


def test_a_number_that_is_missing_changes_nothing():
    pointer = point(1, 2, 3, 4)
    (FOLDER / "00000001.json").unlink()
    (FOLDER / "00000003.json").unlink()
    assert pointer.read() == a_pointer(4) and [move.why for move in pointer.history()] == ["move 4", "move 2"]
    (FOLDER / "00000004.json").unlink()  # what a person does who wants the one before
    assert pointer.read() == a_pointer(2)
    point(5)
    assert pointer.read() == a_pointer(5) and (FOLDER / "00000003.json").exists()


@pytest.mark.parametrize(
    "name", [".DS_Store", "README.md", "00000009.json~", "9.json", "000000009.json", "00000009.JSON", ".writing-x"]
)
def test_what_has_the_name_of_no_entry_is_passed_over(name):
    pointer = point(1)
    (FOLDER / name).write_text("x")
    assert pointer.read() == a_pointer(1) and len(pointer.history()) == 1
    point(2)
    assert pointer.read() == a_pointer(2) and (FOLDER / name).read_text() == "x"


WRONG = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "but for the end": lambda content: content[:-2],
    "another record": lambda content: content.replace(b"releases/2", b"releases/3"),
    "without a checksum": lambda content: json.dumps(json.loads(content) | {"checksum": None}).encode(),
    "no object": lambda content: b"[]",
    "no text": lambda content: b"\xff\xfe",
    "without end": lambda content: b"[" * 100_000,
    "too large": lambda content: content + b" " * pointers.MOST_BYTES_OF_AN_ENTRY,
}


def spoil(path: Path, how: str) -> None:
    """Make something of an entry that is none."""
    content = path.read_bytes()
    path.unlink()
    if how == "a link":
        path.with_name("x").write_bytes(content)
        path.symlink_to(path.with_name("x").absolute())
    elif how == "a folder":
        path.mkdir()
    else:
        path.write_bytes(WRONG[how](content))


@pytest.mark.parametrize("how", ["a link", "a folder", *WRONG])
def test_an_entry_that_is_none_is_named_and_nothing_is_guessed_until_somebody_mends_it(how, monkeypatch):
    monkeypatch.setattr(pointers, "PAUSES", (0,))
    pointer, last = point(1, 2), FOLDER / "00000002.json"
    spoil(last, how)
    for attempt in (pointer.read, pointer.history, lambda: pointer.move(a_pointer(1), a_pointer(3), "me", "")):
        with pytest.raises(ProjectError, match=r"pointers/production/00000002\.json is no (whole )?entry"):
            attempt()
    assert not (FOLDER / "00000003.json").exists()
    last.rmdir() if how == "a folder" else last.unlink()
    assert pointer.read() == a_pointer(1)


def test_the_order_of_fields_and_what_a_later_version_adds_do_not_matter():
    pointer, path = point(1), FOLDER / "00000001.json"
    fields = {"approved": "somebody"} | json.loads(path.read_text())
    del fields["checksum"]
    path.write_text(json.dumps(fields | {"checksum": pointers.sha256(pointers.as_json(fields))}))
    assert pointer.read() == a_pointer(1)


def test_where_there_are_no_hard_links_nothing_is_written_over_either(monkeypatch):
    monkeypatch.setattr(os, "link", no_links)
    pointer = point(1, 2)
    assert pointer.read() == a_pointer(2) and len(pointer.history()) == 2
    with pytest.raises(FileExistsError):
        pointers.create(FOLDER / "00000002.json", b"x")
    assert pointer.read() == a_pointer(2)


def test_a_disk_that_fills_up_leaves_no_entry(monkeypatch):
    def full(_: int) -> None:
        if not fits.pop():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    pointer, fits = point(1), []
    for links, each in ((os.link, [False]), (no_links, [False, True])):
        fits[:] = each
        with monkeypatch.context() as patch:
            patch.setattr(os, "link", links)
            patch.setattr(os, "fsync", full)
            with pytest.raises(ProjectError, match="No space left"):
                pointer.move(a_pointer(1), a_pointer(2), "me", "")
        assert pointer.read() == a_pointer(1) and [path.name for path in FOLDER.iterdir()] == ["00000001.json"]


@pytest.mark.parametrize("links", [True, False])
def test_whoever_is_killed_at_any_step_has_moved_it_or_has_not(links, monkeypatch):
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    pointer, moment, changes, found = point(1), 0, 1, set()
    while moment <= changes:
        moment, before = moment + 1, pointer.read()
        after = a_pointer(moment + 1)
        changes, ended = in_a_process(lambda b=before, a=after: point().move(b, a, "me", ""), moment, kill)
        assert pointer.read() in (before, after) and (ended or pointer.read() == after)
        found.add(pointer.read() == after)
        point(moment + 1)
    assert found == {True, False} and moment > 3


def test_whoever_is_killed_halfway_where_there_are_no_hard_links_leaves_what_nobody_takes_for_whole(monkeypatch):
    def cut(descriptor: int) -> None:
        if os.lseek(descriptor, 0, os.SEEK_CUR) and not links.pop():
            os.ftruncate(descriptor, 50)
            os.kill(os.getpid(), signal.SIGKILL)

    pointer, links = point(1), [False, True]  # the file that was to be linked, then the one in its place
    monkeypatch.setattr(os, "link", no_links)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", cut)
        in_a_process(lambda: point(2), 10**6, kill)
    left = FOLDER / "00000002.json"
    assert left.stat().st_size == 50
    with pytest.raises(ProjectError, match="is no whole entry"):
        pointer.read()
    left.unlink()
    assert point(3).read() == a_pointer(3)


def test_an_entry_that_is_just_being_written_is_waited_for(monkeypatch):
    pointer, path = point(1), FOLDER / "00000002.json"
    whole = pointers.Move(**a_pointer(2).model_dump()).as_bytes()
    path.write_bytes(whole[:40])
    monkeypatch.setattr(pointers.time, "sleep", lambda _: path.write_bytes(whole))
    assert pointer.read() == a_pointer(2)


def test_an_answer_that_was_lost_is_no_defeat(monkeypatch):
    """As on NFS, where a second try finds the link of the first."""
    link = os.link

    def twice(source, target):
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", twice)
    assert point(1, 2).read() == a_pointer(2)


def move_at_once(who: int, start, links: bool, found) -> None:
    """Move the pointer in each round, at the same time as the other one; puts in `found` whether this one did."""
    if not links:
        os.link = no_links
    pointer, won = pointer_of(load_settings()), []
    for number in range(ROUNDS):
        before = pointer.read()
        start.wait()
        try:
            pointer.move(before, a_pointer(2 * number + who), str(who), "")
            won.append(True)
        except ProjectError as error:
            assert "Meanwhile" in str(error)
            won.append(False)
        start.wait()
    found.put((who, won))


@pytest.mark.parametrize(("address", "links"), [("pointers", True), ("pointers", False), (str(POINTER), True)])
def test_of_two_who_move_it_at_once_exactly_one_does(address, links):
    point(address=address)
    context = multiprocessing.get_context("spawn")
    start, found = context.Barrier(2, timeout=60), context.SimpleQueue()
    both = [context.Process(target=move_at_once, args=(who, start, links, found)) for who in (0, 1)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    rounds = [won for _, won in sorted(found.get() for _ in both)]
    assert [sum(one) for one in zip(*rounds, strict=True)] == [1] * ROUNDS
    moves = point(address=address).history()[::-1]
    if address == "pointers":
        assert [int(move.by) for move in moves] == [one.index(True) for one in zip(*rounds, strict=True)]


def test_who_holds_the_lock_of_releases_may_move_the_file():
    with pointers.alone(LOCK):
        assert point(1, address=str(POINTER)).read() == a_pointer(1)


def test_the_commands_work_with_entries_and_ask_for_no_commit(run, make_model):
    first = make_model()
    said = run("publish", "--note", "why not")
    assert "pointers/production points at it now" in said and "Commit" not in said and not POINTER.exists()
    assert "nothing to do" in run("publish")
    second = make_model(rows=150)
    run("publish")
    assert second.sha256 in run("released")
    assert "Back from" in (said := run("rollback")) and "pointers/production points at it now" in said
    assert first.sha256 in run("released") and "is the first release" in run("rollback")
    moves = pointer_of(load_settings()).history()
    assert [move.why.split(" 2")[0] for move in moves] == ["back from", "", "why not"] and all(one.by for one in moves)


def test_an_environment_is_released_to_by_a_policy_and_tells_its_followers(run, make_model, monkeypatch):
    told, said, settings = [], [], load_settings()
    monkeypatch.setattr(releasing, "modules", lambda name: [name])
    part = SimpleNamespace(after_release=lambda *given: told.append(given))
    monkeypatch.setattr(releasing, "import_module", lambda name: part)
    policy = Policy(file="rollout.yaml", sha256="0" * 64)
    models = [make_model(), make_model(rows=150)]
    for model in models:
        before = pointer_of(settings, "staging").read()
        given = {"by": "rollout", "policy": policy, "environment": "staging"}
        releasing.release_model(model, settings, "", before, said.append, **given)
    release = releasing.current_release(settings, "staging")
    assert release.by == "rollout" and release.policy == policy and release.model.sha256 == models[1].sha256
    releasing.roll_back(settings, said.append, by="rollout", note="worse", environment="staging")
    assert [(digest, environment) for _, digest, environment in told] == [
        (model.sha256, "staging") for model in (*models, models[0])
    ]
    last = pointer_of(settings, "staging").history()[0]
    assert (last.by, last.why) == ("rollout", "worse") and "pointers/staging points at it now" in said[-1]
    assert "Nothing is released yet: train" in run("released")
    with pytest.raises(ProjectError, match="Nothing is released yet for other: train"):
        releasing.current_release(settings, "other")


@pytest.mark.parametrize("address", ["pointers", str(POINTER)])
def test_the_last_release_of_a_model_is_found_also_of_one_that_was_rolled_back(run, make_model, address):
    write_params(state={"pointer": address})
    settings, models = load_settings(), [make_model(rows=rows) for rows in (200, 180, 150)]
    assert releasing.release_of(settings, models[0].sha256) is None
    for model in (models[0], models[1], models[0], models[2]):
        releasing.release_model(model, settings, "", pointer_of(settings).read(), lambda _: None)
    records = sorted(Path("releases").iterdir())
    run("rollback")
    found = [releasing.release_of(settings, model.sha256) for model in models]
    assert [one and one.release for one in found[:2]] == [records[2].name, records[1].name]
    if address == "pointers":
        assert found[2].release == records[3].name
        (records[2] / "release.json").rename("kept")
        assert releasing.release_of(settings, models[0].sha256).release == records[0].name
        Path("kept").rename(records[2] / "release.json")
        for path in FOLDER.glob("0000000[1-4].json"):
            path.unlink()
        assert releasing.release_of(settings, models[1].sha256) == found[1]  # by what was replaced
