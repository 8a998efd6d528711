"""host.sh of the generated project, killed at each of its steps, on a full disk, and several of it at once.

docker is a stand-in that answers at once. Whatever happened, the next command works, and one state is true.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
from support import volume

pytestmark = pytest.mark.real
A, B, C, D = (f"2026010{number}T000000000000Z-0123456789ab-0123456789ab-0123456789ab" for number in (1, 2, 3, 4))
# The programs that the script starts and that change something. Each is counted, and at one of them it happens.
PROGRAMS = "docker ln mkdir mv rm touch".split()
COUNTED = """\
#!/bin/sh
echo . >>"$COUNT"
if [ "$(wc -l <"$COUNT")" = "$AT" ]; then
  read -r _ _ _ _ script _ </proc/self/stat
  case $FAULT in
    "killed before it") kill -9 0 ;;
    "killed after it") PATH=$USUAL NAME "$@"; kill -9 0 ;;
    "killed, and it goes on alone") kill -9 "$script" ;;
    "no room for it") echo "NAME: No space left on device" >&2; exit 1 ;;
  esac
fi
PATH=$USUAL exec NAME "$@"
"""
# In docker: whoever asks for what a file says is killed.
KILLER = """[ ! -e killer ] || case "$*" in *"$(cat killer)"*) kill -9 0 ;; esac\n"""
FAULTS = re.findall(r'^ +"(.+?)"\)', COUNTED, re.M)


@pytest.fixture(scope="module")
def stand_in(baked, tmp_path_factory):
    """The stand-ins of the generated project's own tests, in a copy: Python keeps what it compiles beside them."""
    folder = str(tmp_path_factory.mktemp("stand-in"))
    shutil.copy(baked(maturity_level="1") / "tests/deployment/stand_in.py", folder)
    sys.path.insert(0, folder)
    yield import_module("stand_in")
    sys.path.remove(folder)


@pytest.fixture(scope="module")
def programs(stand_in, tmp_path_factory) -> dict[str, Path]:
    """Folders of programs: the usual, with a quick `sleep`, and counted ones."""
    usual, counted = tmp_path_factory.mktemp("usual"), tmp_path_factory.mktemp("counted")
    (tmp_path_factory.getbasetemp() / "nowhere").mkdir(exist_ok=True)
    stand_in.install(usual, tmp_path_factory.mktemp("unused"))
    docker = (usual / "docker").read_text()
    for folder, name, text in [
        (usual, "docker", docker.replace('echo "$@" >>log\n', f'echo "$@" >>log\n{KILLER}')),
        (usual, "sleep", f"#!/bin/sh\nexec {shutil.which('sleep')} 0.02\n"),
        *((counted, name, COUNTED.replace("NAME", name)) for name in PROGRAMS),
    ]:
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {"usual": usual, "counted": counted}


@pytest.fixture
def make(stand_in, programs, baked, tmp_path):
    """make(home): a host, in a home that may be there already."""
    script = baked(maturity_level="1") / "deploy/compose/host.sh"

    def machine(home: Path):
        (home / "images").mkdir(parents=True, exist_ok=True)
        path = f"{programs['usual']}:{os.environ['PATH']}"
        return stand_in.Machine(home, script, os.environ | {"PATH": path, "STAND_IN_HOST": str(home)})

    return machine


def deploy(name: str):
    """A command that brings a deployment in."""
    return lambda machine, **options: machine.start(
        machine.arrive(name), "receive", name, "project:latest", image=name.encode(), **options
    )


def words(*given: str):
    """A command of the script in its place."""
    return lambda machine, **options: machine.start("my_ml_project/host.sh", *given, **options)


def broken(command):
    """The same, of a deployment that does not become healthy."""

    def begin(machine, **options):
        (machine.home / "broken").write_text(f"my_ml_project:{C}")
        return command(machine, **options)

    return begin


# What is on the host, the command that goes wrong, and what may run in the end, whatever the next command is.
CUT_SHORT = {"hardly begun": " up ", "cut short": " ps "}
SITUATIONS = {
    "the first": ([], deploy(A), {None, A}),
    "the second": ([A], deploy(B), {A, B}),
    "one more": ([A, B], deploy(C), {B, C}),
    "one that is broken": ([A, B], broken(deploy(C)), {B}),
    "the first, broken": ([], broken(deploy(C)), {None}),
    "the same again": ([A, B], deploy(B), {B}),
    "the same again, as it was damaged": ([A, B, "damaged"], deploy(B), {B}),
    "the one before again": ([A, B], deploy(A), {A, B}),
    "back": ([A, B], words("back"), {A, B}),
    "back from the first": ([A], words("back"), {None, A}),
    "back from what was cut short": ([A, B, "cut short"], words("back"), {B}),
    "one more after what was cut short": ([A, B, "cut short"], deploy(D), {B, D}),
    "one more after what was hardly begun": ([A, B, "hardly begun"], deploy(D), {B, D}),
    "asked after what was cut short": ([A, B, "cut short"], words("address"), {B}),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """prepared(make, history): a home to copy."""
    made: dict[str, Path] = {}

    def prepare(make, history: list[str]) -> Path:
        if (key := repr(history)) not in made:
            made[key] = tmp_path_factory.mktemp("prepared") / "home"
            machine = make(made[key])
            for name in history:
                if name in CUT_SHORT:
                    (machine.home / "killer").write_text(CUT_SHORT[name])
                    deploy(C)(machine).wait()
                    (machine.home / "killer").unlink()
                elif name == "damaged":
                    (machine.place / B / "model" / "added.py").touch()
                else:
                    machine.deploy(name)
        return made[key]

    return prepare


def check_what_is_written(machine) -> None:
    """What the files say at any moment is whole, and names what is there, or about to take its place."""
    for name in ("current", "previous", "starting"):
        with contextlib.suppress(FileNotFoundError):
            said = (machine.place / name).read_text()
            folders = [machine.place / said.strip(), machine.place / "arrived" / said.strip()]
            assert said == "nothing\n" or any((folder / "compose.yaml").is_file() for folder in folders), (name, said)


def check(machine, stand_in, may_run: set[str | None]) -> None:
    """One state is true."""
    up, current, previous = stand_in.state(machine.home)
    assert up == current and current in may_run
    assert previous != current or current is None
    assert previous in (None, "nothing", *stand_in.deployments(machine.home)) and (current or not previous)
    for name in {current, previous} - {None, "nothing"}:
        folder = machine.place / name
        assert {path.name for path in folder.rglob("*")} >= {".env", "compose.yaml", "model"}
        assert (machine.home / f"images/my_ml_project:{name}").read_text() == name
    left = {path.name for path in machine.place.iterdir()} - stand_in.deployments(machine.home)
    left = {name for name in left if not name.startswith("arriving-")}
    assert left <= {"host.sh", "lock", "current", "previous"}, left
    assert not list((machine.place / "lock").iterdir())


def finish_with_another_command(machine, stand_in, may_run: set[str | None], chance: random.Random) -> None:
    """Whatever comes next does what it is for."""
    check_what_is_written(machine)
    (machine.home / "broken").unlink(missing_ok=True)
    if not (machine.place / "host.sh").exists():
        assert not (machine.home / "up").exists()  # nothing but files has come to this host yet
        machine.deploy(D)
        return check(machine, stand_in, {D})
    match chance.choice(["address", "back", "deploy", "again"]):
        case "address":
            process = words("address")(machine)
            said = process.communicate()[0]
            current = stand_in.state(machine.home)[1]
            assert (process.returncode == 0) == bool(current), said
            assert ("127.0.0.1:8080" if current else "Nothing is deployed here") in said
        case "back":
            process = words("back")(machine)
            said = process.communicate()[0]
            fine = ("runs again", "was stopped", "nothing to go back to", "Nothing is deployed")
            assert any(words in said for words in fine), said
            may_run = may_run | {A, None if A in may_run else A}
        case "deploy":
            machine.deploy(D)
            may_run = {D}
            kept = {name for name in stand_in.state(machine.home)[1:] if name not in (None, "nothing")}
            assert stand_in.deployments(machine.home) == kept
            images = {path.name.partition(":")[2] for path in (machine.home / "images").glob("my_ml_project:*")}
            assert images == kept
        case "again":
            machine.deploy(B)
            may_run = {B}
    check(machine, stand_in, may_run)


@pytest.fixture
def disturbed(make, programs, prepared, tmp_path):
    """disturbed(situation, fault, at): the host after this happened at that program of the command, and the story."""

    def disturb(situation: str, fault: str = "", at: int = 0):
        history, command, _ = SITUATIONS[situation]
        home = tmp_path / f"{len(list(tmp_path.iterdir()))} home"
        machine = make(Path(shutil.copytree(prepared(make, history), home)))
        usual, count = machine.variables, home / "count"
        count.touch()
        machine.variables = usual | {"PATH": f"{programs['counted']}:{usual['PATH']}", "USUAL": usual["PATH"]}
        machine.variables |= {"COUNT": str(count), "AT": str(at), "FAULT": fault}
        process = command(machine)
        said = process.communicate()[0]
        machine.variables = usual
        return machine, f"{situation}, {fault} at program {at}, code {process.returncode}:\n{said}"

    return disturb


def test_at_each_of_its_steps(disturbed, stand_in):
    chance = random.Random(0)
    cases = []
    for situation in SITUATIONS:
        machine, _ = disturbed(situation)
        steps = len((machine.home / "count").read_text().split())
        cases += [(situation, fault, at) for fault in FAULTS for at in range(1, steps + 1)]
    chance.shuffle(cases)
    for situation, fault, at in (cases * volume(1))[: volume(100)]:
        machine, story = disturbed(situation, fault, at)
        try:
            finish_with_another_command(machine, stand_in, SITUATIONS[situation][2], chance)
        except BaseException:
            print(story)
            raise


def test_killed_at_any_moment(make, stand_in, prepared, tmp_path):
    chance, killed = random.Random(0), 0
    for number in range(volume(40)):
        situation = chance.choice(list(SITUATIONS))
        history, command, may_run = SITUATIONS[situation]
        machine = make(Path(shutil.copytree(prepared(make, history), tmp_path / str(number) / "home")))
        process = command(machine)
        time.sleep(chance.uniform(0, 0.1))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        killed += process.wait() != 0
        try:
            finish_with_another_command(machine, stand_in, may_run, chance)
        except BaseException:
            print(f"number {number}: {situation}, code {process.returncode}:\n{process.stdout.read()}")
            raise
    assert killed


# Notes which run of the script asks docker for something.
WITNESS = 'read -r _ _ _ _ script _ </proc/self/stat\necho "$script" >>witnessed\n'


def test_several_at_once(make, stand_in, programs, prepared, tmp_path):
    chance = random.Random(0)
    docker = (programs["usual"] / "docker").read_text()
    (tmp_path / "docker").write_text(docker.replace('echo "$@" >>log\n', WITNESS))
    (tmp_path / "docker").chmod(0o755)
    for number in range(volume(6)):
        machine = make(Path(shutil.copytree(prepared(make, [A, B]), tmp_path / str(number) / "home")))
        machine.variables |= {"PATH": f"{tmp_path}:{machine.variables['PATH']}"}
        commands = [deploy(C), deploy(D), words("back"), words("address")]
        chance.shuffle(commands)
        processes = []
        for command in commands:
            processes.append(command(machine))
            time.sleep(chance.choice([0, 0, 0.02]))
        said = [process.communicate()[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * len(processes) or (
            "There is nothing to go back to" in "".join(said)
        ), said
        order = (machine.home / "witnessed").read_text().split()
        turns = [one for one, before in zip(order, [None, *order], strict=False) if one != before]
        assert len(turns) == len(set(turns)), "two were at work at the same time"
        check(machine, stand_in, {A, B, C, D})
        if stand_in.state(machine.home)[1] in (C, D):
            machine.run("address")


def test_a_disk_that_is_full(make, stand_in, prepared, tmp_path):
    """A real one: so many files and blocks fit that each of the script's writes is once the first that does not."""
    chance, place = random.Random(0), tmp_path / "home" / "my_ml_project"
    place.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=100", "none", place]).returncode:
        pytest.skip("this machine mounts nothing: test_at_each_of_its_steps emulates it")
    try:
        for number in range(volume(20)):
            situation = list(SITUATIONS)[number % len(SITUATIONS)]
            history, command, may_run = SITUATIONS[situation]
            empty(tmp_path / "home", place)
            shutil.copytree(prepared(make, history), tmp_path / "home", dirs_exist_ok=True)
            machine = make(tmp_path / "home")
            files, blocks = chance.randint(0, 4), chance.randint(0, 3)
            process = command(machine, preexec_fn=lambda: fill(place, files, blocks))  # noqa: B023
            said = process.communicate()[0]
            shutil.rmtree(place / "other")
            try:
                finish_with_another_command(machine, stand_in, may_run, chance)
            except BaseException:
                print(f"number {number}: {situation}, {files} files and {blocks} blocks fit:\n{said}")
                raise
    finally:
        subprocess.run(["umount", place], check=True)


def empty(home: Path, place: Path) -> None:
    """Remove all but the folder where the file system is mounted."""
    for path in [*home.iterdir(), *place.iterdir()]:
        if path != place:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def fill(place: Path, files: int, blocks: int) -> None:
    """Let others fill the disk, up to so many files and so many blocks of 4 kB."""
    other = place / "other"
    other.mkdir()
    reserved = [other / f"reserved {number}" for number in range(files)]
    for path in reserved:
        path.touch()
    (other / "reserve").write_bytes(b"x" * 4096 * blocks)
    with contextlib.suppress(OSError), (other / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)
    with contextlib.suppress(OSError):
        for number in range(1000):
            (other / str(number)).touch()
    for path in [*reserved, other / "reserve"]:
        path.unlink()
