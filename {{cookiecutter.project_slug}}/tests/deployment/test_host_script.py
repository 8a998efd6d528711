"""host.sh: whatever is killed, full or at work at the same time, one state is true, and the next command works."""

import os
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
import stand_in
from stand_in import LONG, PACKAGE, Machine, deployments, state

SCRIPT = Path.cwd() / "deploy/compose/host.sh"
A, B, C = (f"20260101T00000000000{number}Z-0123456789ab-0123456789ab-0123456789ab" for number in (1, 2, 3))
SHELLS = [["sh"], ["busybox", "sh"], ["bash"]]


def wait_for(path: Path, text: str = "") -> None:
    """Return once there is such a file, with this text in it."""
    end = time.monotonic() + LONG
    while not (path.exists() and text in path.read_bytes().decode()):
        assert time.monotonic() < end, path
        time.sleep(0.01)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A host on which nothing is deployed yet."""
    home, programs = tmp_path / "a home", tmp_path / "programs"
    home.mkdir()
    programs.mkdir()
    for name, value in stand_in.install(programs, home).items():
        monkeypatch.setenv(name, value)
    return Machine(home, SCRIPT, dict(os.environ))


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_deployments_come_and_go_and_what_is_forgotten_takes_its_image_along(machine, shell):
    if shutil.which(shell[0]) is None:
        pytest.skip(f"this machine has no {shell[0]}")
    machine.shell = shell
    machine.deploy(A)
    assert state(machine.home) == [A, A, "nothing"]
    machine.deploy(B)
    assert state(machine.home) == [B, B, A]
    machine.deploy(C)
    assert state(machine.home) == [C, C, B] and deployments(machine.home) == {B, C}
    images = {path.name for path in (machine.home / "images").iterdir()}
    assert images == {"project:latest", f"{PACKAGE}:{B}", f"{PACKAGE}:{C}"}
    assert f"{C} was taken back: {B} runs again" in machine.run("back")
    assert state(machine.home) == [B, B, None]
    assert "There is nothing to go back to" in machine.run("back", code=1)
    assert machine.run("address") == "127.0.0.1:8080\n"
    assert not list((machine.place / "lock").iterdir())
    leftovers = {"current", "lock", "host.sh", B, C}
    assert {path.name for path in machine.place.iterdir()} == leftovers


def test_a_first_deployment_that_is_taken_back_is_stopped(machine):
    machine.deploy(A)
    assert "there is no deployment before it" in machine.run("back", A.rpartition("-")[0])
    assert state(machine.home) == [None, None, None]
    assert "Nothing is deployed here" in machine.run("address", code=1)


def test_only_the_release_that_was_judged_is_taken_back(machine):
    machine.deploy(A)
    machine.deploy(B)
    assert "is not of release" in machine.run("back", A.rpartition("-")[0], code=1)
    assert state(machine.home) == [B, B, A]


ODD = {
    "empty": lambda path: path.write_text(""),
    "a line that is empty": lambda path: path.write_text("\n"),
    "half a name": lambda path: path.write_text(A[:20]),
    "elsewhere": lambda path: path.write_text("../../etc"),
    "an option": lambda path: path.write_text("--rmi=all"),
    "two": lambda path: path.write_text(f"{A}\n{B}\n"),
    "a link": lambda path: path.symlink_to("lock"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["current", "previous", "starting"])
def test_what_a_file_says_is_checked_and_never_stops_what_runs(machine, name, odd):
    machine.deploy(A)
    machine.deploy(B)
    (machine.place / name).unlink(missing_ok=True)
    ODD[odd](machine.place / name)
    before = machine.log()
    said = machine.run("back", code=1)
    assert name in said and " not" in said
    assert (machine.home / "up").read_text().strip() == B and machine.log() == before


@pytest.mark.parametrize("odd", ["empty", "half a name", "elsewhere"])
def test_a_deployment_replaces_a_way_back_that_leads_nowhere(machine, odd):
    machine.deploy(A)
    machine.deploy(B)
    ODD[odd](machine.place / "previous")
    assert "Nothing was removed" in machine.deploy(C)
    assert state(machine.home) == [C, C, B]


@pytest.mark.parametrize("name", ["", "-x", "..", "../a", "current", "20260101T/a", "1 2"])
def test_a_name_that_is_none_is_refused(machine, name):
    machine.deploy(A)
    for words in (("start", name), ("receive", name, "project:latest")):
        machine.run(*words, code=1)
    assert state(machine.home) == [A, A, "nothing"]


def test_links_are_not_followed(machine, tmp_path):
    machine.deploy(A)
    machine.deploy(B)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/compose.yaml").touch()
    (machine.place / "1").symlink_to(tmp_path / "elsewhere")
    assert "is not a folder" in machine.deploy(C, code=1)
    assert (tmp_path / "elsewhere/compose.yaml").exists() and state(machine.home) == [B, B, A]
    (machine.place / "1").unlink()
    (machine.place / "lock").rename(tmp_path / "lock")
    (machine.place / "lock").symlink_to(tmp_path / "lock")
    assert "is not a folder" in machine.run("back", code=1)


def test_one_waits_for_the_other_and_neither_is_removed(machine):
    machine.deploy(A)
    go = machine.slow(f'"directory {B} "*up')
    first = machine.start(machine.arrive(B), "receive", B, "project:latest", image=B.encode())
    wait_for(machine.home / "waiting")
    second = machine.start(machine.arrive(C), "receive", C, "project:latest", image=C.encode())
    assert f"process {first.pid}: waiting" in second.stdout.readline()
    assert state(machine.home) == [A, A, "nothing"] and (machine.place / "starting").read_text().strip() == B
    go.touch()
    machine.finish(first)
    machine.finish(second)
    assert state(machine.home) == [C, C, B] and deployments(machine.home) == {B, C}
    for name in (B, C):
        assert (machine.home / f"images/{PACKAGE}:{name}").read_text() == name


def test_whoever_is_killed_holds_nobody_up(machine):
    machine.deploy(A)
    machine.slow(f'"directory {B} "*up')
    process = machine.start(machine.arrive(B), "receive", B, "project:latest", image=B.encode())
    wait_for(machine.home / "waiting")
    process.send_signal(signal.SIGKILL)  # and nobody asks how it ended: it stays as a zombie
    assert len(list((machine.place / "lock").iterdir())) == 1
    (machine.home / "go").touch()
    wait_for(machine.home / "log", f"{B} has come up")  # docker, which goes on alone
    assert f"{B} was taken back: {A} runs again" in machine.run("back")
    assert state(machine.home) == [A, A, "nothing"] and not list((machine.place / "lock").iterdir())
    assert not (machine.place / "starting").exists()
    process.wait()


def test_what_was_cut_short_is_taken_back_also_where_it_is_what_ran_before(machine):
    machine.deploy(A)
    machine.deploy(B)
    go = machine.slow(f'"directory {A} "*up')
    process = machine.start(machine.arrive(A), "receive", A, "project:latest", image=A.encode())
    wait_for(machine.home / "waiting")
    os.killpg(process.pid, signal.SIGKILL)  # and docker with it, which would go on alone
    process.wait()
    go.touch()
    assert f"{A} was taken back: {B} runs again" in machine.run("back")
    assert state(machine.home) == [B, B, None]


def test_a_note_with_the_number_of_another_process_holds_nobody_up(machine):
    machine.deploy(A)
    (machine.place / "lock/1.5").touch()  # process 1 lives, and was not started then
    machine.deploy(B)
    assert state(machine.home) == [B, B, A] and not list((machine.place / "lock").iterdir())


def test_a_connection_that_is_lost_stops_nothing(machine):
    machine.deploy(A)
    go = machine.slow(f'"directory {B} "*up')
    process = machine.start(machine.arrive(B), "receive", B, "project:latest", image=B.encode())
    wait_for(machine.home / "waiting")
    process.stdout.close()
    process.send_signal(signal.SIGHUP)
    go.touch()
    assert process.wait(LONG) == 0
    assert state(machine.home) == [B, B, A]


def full_disk() -> None:
    """From now on this process, and those that it starts, can make files, but write nothing into them."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


@pytest.fixture
def full(machine):
    """How to start a command on a host whose disk is full, but for docker."""
    docker = Path(machine.variables["PATH"].split(":")[0]) / "docker"
    docker.write_text(docker.read_text().replace("set -eu\n", "set -eu\nulimit -S -f unlimited\n"))
    return {"preexec_fn": full_disk, "restore_signals": False}


def test_on_a_full_disk_nothing_starts_and_the_way_back_is_open(machine, full):
    machine.deploy(A)
    machine.deploy(B)
    assert "Is the disk full?" in machine.deploy(C, code=1, **full)
    assert state(machine.home) == [B, B, A]
    assert f"{B} was taken back: {A} runs again" in machine.run("back", **full)
    assert state(machine.home) == [A, A, None]
    machine.deploy(C)
    assert state(machine.home) == [C, C, A] and deployments(machine.home) == {A, C}


def test_an_image_that_does_not_fit_starts_nothing_and_does_not_stay(machine):
    machine.deploy(A)
    machine.deploy(B)
    docker = Path(machine.variables["PATH"].split(":")[0]) / "docker"
    text = docker.read_text()
    docker.write_text(text.replace("  load) ", "  load) echo no space left on device; exit 1 ;;\n  load) "))
    assert "no space left on device" in machine.deploy(C, code=1)
    assert state(machine.home) == [B, B, A]
    docker.write_text(text)
    machine.deploy(B)
    assert state(machine.home) == [B, B, A] and deployments(machine.home) == {A, B}


def test_where_what_ran_before_fails_too_the_way_leads_further_back(machine):
    for name in (A, B):
        machine.deploy(name)
    docker = Path(machine.variables["PATH"].split(":")[0]) / "docker"
    text = docker.read_text()
    docker.write_text(
        text.replace('  *" up "*)', f'  *"{B} "*" up "*|*"{C} "*" up "*) rm -f up; exit 1 ;;\n  *" up "*)')
    )
    assert f"{B}, which ran before, does not become healthy either" in machine.deploy(C, code=1)
    assert "once more leads to the deployment before that" in machine.run("back", code=1)
    assert f"{B} was taken back: {A} runs again" in machine.run("back")
    assert state(machine.home) == [A, A, None]


def test_deployments_that_fail_do_not_pile_up(machine):
    machine.deploy(A)
    for name in (B, C, f"{C}1"):
        (machine.home / "broken").write_text(f"{PACKAGE}:{name}")
        assert f"{name} was taken back: {A} runs again" in machine.deploy(name, code=1)
        assert state(machine.home) == [A, A, "nothing"] and deployments(machine.home) == {A, name}
    assert {path.name for path in (machine.home / "images").glob(f"{PACKAGE}:*")} == {
        f"{PACKAGE}:{A}",
        f"{PACKAGE}:{C}1",
    }


def test_the_same_again_mends_what_was_damaged_and_leaves_alone_what_was_not(machine):
    machine.deploy(A)
    file = machine.place / A / "model/model"
    number = file.stat().st_ino
    machine.deploy(A)
    assert file.stat().st_ino == number and state(machine.home) == [A, A, "nothing"]
    file.write_text("damaged")
    (file.parent / "added.py").touch()
    machine.deploy(A)
    assert file.read_text() == "model" and not (file.parent / "added.py").exists()


def test_what_was_left_on_its_way_is_removed_after_a_day(machine):
    machine.deploy(A)
    old, new = machine.place / "arriving-old", machine.place / "arriving-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "half").write_text("half")
    day_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (day_ago, day_ago))
    machine.deploy(B)
    assert new.exists() and not old.exists()


def test_what_the_host_sets_for_itself_does_not_count(machine):
    machine.variables |= {"IMAGE": "other:latest", "COMPOSE_PROJECT_NAME": "other", "CDPATH": "/tmp"}
    docker = Path(machine.variables["PATH"].split(":")[0]) / "docker"
    docker.write_text(
        docker.read_text().replace("set -eu\n", 'set -eu\n[ -z "${IMAGE-}${COMPOSE_PROJECT_NAME-}" ]\n', 1)
    )
    machine.deploy(A)
    assert state(machine.home) == [A, A, "nothing"]
