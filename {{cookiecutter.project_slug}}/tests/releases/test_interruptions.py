"""Whatever kills a process, or fills the disk, at any step of keeping, releasing and going back: one consistent state.

The process is killed, or told that the disk is full, each time that it is about to change something on the disk.
"""

import errno
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import write_params

from {{cookiecutter.project_slug}}.core.kept_models import keep, latest_model
from {{cookiecutter.project_slug}}.core.model_folder import open_folder
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases import releasing, store
from {{cookiecutter.project_slug}}.releases.pointers import POINTER, pointer_of
from {{cookiecutter.project_slug}}.settings import load_settings

STORE = "releases"
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link"}
ENTRIES = "pointers"
STATE = [STORE, "models", "deploy", ENTRIES]


def is_change(event: str, arguments: tuple) -> bool:
    """Whether Python is about to change something on the disk."""
    return event in CHANGES or (event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)))


def in_a_process(work: Callable[[], None], moment: int, then: Callable[[], None]) -> tuple[int, int]:
    """Do this in a process of its own, and `then` at this change; how many changes it came to, and how it ended."""
    seen, told = os.pipe()
    child = os.fork()
    if child == 0:
        changes = 0

        def look(event: str, arguments: tuple) -> None:
            nonlocal changes
            if is_change(event, arguments):
                changes += 1
                os.write(told, b".")
                if changes == moment:
                    then()

        sys.addaudithook(look)
        try:
            work()
        except (OSError, ProjectError):
            os._exit(1)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    os.close(told)
    with os.fdopen(seen, "rb") as counted:
        count = len(counted.read())
    return count, os.waitpid(child, 0)[1]


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def disk_is_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def silent(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def models(run, make_model, tmp_path, address):
    """Folders of three models, of which two are released one after the other. address: of the pointer."""
    write_params(state={"pointer": address})
    Path(ENTRIES).mkdir()
    folders = [
        open_folder(shutil.copytree(make_model(rows=rows).place, tmp_path / str(rows))) for rows in (200, 180, 150)
    ]
    for folder in folders[:2]:
        publish(folder)
    shutil.rmtree("models")
    keep(folders[0], Path("models"))
    return folders


def publish(folder) -> None:
    releasing.release_model(folder, load_settings(), "", pointer_of(load_settings()).read(), silent)


def go_back() -> None:
    releasing.roll_back(load_settings(), silent)


def chain() -> list[str]:
    """The models that were released, newest first, each fetched from the store and held against its digests."""
    pointer, found = pointer_of(load_settings()).read(), []
    while pointer:
        release = store.read_release(pointer, STORE)
        with store.fetched_model(release) as folder:
            found.append(folder.sha256)
        pointer = release.previous
    return found


@pytest.mark.parametrize("then", [kill, disk_is_full])
@pytest.mark.parametrize(
    ("what", "address"),
    [("keep", str(POINTER)), *itertools.product(["publish", "go back"], [str(POINTER), ENTRIES])],
)
def test_at_each_change_there_is_the_old_state_or_the_new_one_and_the_next_command_works(
    models, tmp_path, what, address, then
):
    first, second, third = models
    work = {"publish": lambda: publish(third), "go back": go_back, "keep": lambda: keep(second, Path("models"))}[what]
    old, new = {
        "publish": ([second.sha256, first.sha256], [third.sha256, second.sha256, first.sha256]),
        "go back": ([second.sha256, first.sha256], [first.sha256]),
        "keep": ([first.sha256], [second.sha256]),
    }[what]
    state = chain if what != "keep" else lambda: [latest_model(Path("models")).sha256]
    saved = {name: shutil.copytree(name, tmp_path / "saved" / name) for name in STATE}
    assert state() == old
    moment, changes, found = 0, 1, set()
    while moment <= changes:  # the last time it is neither killed nor full
        moment += 1
        for name, place in saved.items():
            shutil.rmtree(name)
            shutil.copytree(place, name)
        changes, ended = in_a_process(work, moment, then)
        there = state()
        assert there in (old, new), (moment, there)
        assert ended or there == new
        found.add(there == new)
        if there == old:
            work()
        assert state() == new, moment
        if what == "keep":
            assert open_folder(Path("models") / second.sha256[:12]).sha256 == second.sha256
    assert found == {True, False} and moment > 3 and POINTER.exists() == (address == str(POINTER))
