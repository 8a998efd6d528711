"""The emulation of docker builds and runs real images, and fails where docker fails."""

import contextlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from emulation import base_image, docker
from support import run, tool

pytestmark = pytest.mark.real

HEALTH = """\
HEALTHCHECK --interval=1s --timeout=60s --start-period=600s --retries=3 CMD ["python", "-c", \\
    "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['MLSERVER_HTTP_PORT'])"]
"""
DOCKERFILE = f"""\
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv
RUN uv venv /opt/venv && uv pip install --python /opt/venv/bin/python --no-cache six

FROM python:3.11-slim-bookworm
COPY --from=build /opt/venv /opt/venv
COPY . /app/
ENV PATH=/opt/venv/bin:$PATH GREETING=hello
WORKDIR /app
USER 1000
{HEALTH}
ENTRYPOINT ["python"]
CMD ["serve.py"]
"""
# Answers with what it is and what it may do, and says goodbye when it is asked to stop.
SERVER = """\
import http.server, json, os, signal, sys
from pathlib import Path

import six


def may_write(place):
    try:
        (Path(place) / "probe").write_text("")
    except OSError:
        return False
    return True


def stop(*_):
    print("goodbye", flush=True)
    sys.exit()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        facts = {
            "user": os.getuid(),
            "environment": {key: os.environ.get(key) for key in ("GREETING", "NAME", "EMPTY")},
            "files": sorted(os.listdir("/app")),
            "model": Path("/model/model.txt").read_text(),
            "writable": [place for place in ("/app", "/tmp", "/model", "/var/tmp") if may_write(place)],
        }
        self.wfile.write(json.dumps(facts).encode())


signal.signal(signal.SIGTERM, stop)
address = os.environ["MLSERVER_HOST"], int(os.environ["MLSERVER_HTTP_PORT"])
server = http.server.ThreadingHTTPServer(address, Handler)
print("listening", flush=True)
server.serve_forever()
"""
COMPOSE = """\
name: served
services:
  api:
    image: ${IMAGE:?say which}
    pull_policy: never
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    ports: ["127.0.0.1:${PORT:-8080}:8080"]
    volumes: [./model:/model:ro]
    environment: {NAME: "$NAME", EMPTY: "${EMPTY:-}"}
    stop_grace_period: 10m
"""
BROKEN = f"""\
FROM python:3.11-slim-bookworm
{HEALTH}
CMD ["python", "-c", "print('no such model'); raise SystemExit(3)"]
"""
# Neither its health check nor the program itself ends before it is made to.
STUBBORN = """\
FROM python:3.11-slim-bookworm
HEALTHCHECK --interval=1s --timeout=1s --retries=1 CMD sleep 600
CMD ["sh", "-c", "trap '' TERM; while true; do sleep 600; done"]
"""
NO_GRACE = COMPOSE.replace("10m", "1s")


class Machine:
    """A machine with a docker of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.storage = folder, folder / "storage"
        folder.mkdir()
        docker.install(folder, self.storage)

    def docker(self, *words: str, cwd: Path, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        return run(self.folder / "docker", *words, cwd=cwd, check=check, PWD=str(cwd), **variables)

    def up(self, service: Path, image: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Bring the service up with this image."""
        (service / ".env").write_text(f"IMAGE={image}\nNAME=a name\n")
        return self.docker("compose", "up", "--detach", "--wait", *words, cwd=service, check=check)

    def answer(self, service: Path) -> dict:
        """What the service answers."""
        address = self.docker("compose", "port", "api", "8080", cwd=service).stdout.strip()
        with urllib.request.urlopen(f"http://{address}") as response:
            return json.load(response)

    def ids(self, service: Path) -> str:
        return self.docker("compose", "ps", "--quiet", cwd=service).stdout

    def processes(self) -> list[str]:
        """Whatever runs in the files of this machine's images, and what started it."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_text().replace("\0", " ")
                if str(self.storage) in f"{words} {(process / 'root').readlink()}":
                    found.append(words)
        return found


@pytest.fixture(scope="module")
def runner(base_system, tmp_path_factory):
    """A machine that has the base image, and on which three images are built."""
    for name in ("buildah", "unshare"):
        tool(name)
    if os.geteuid():
        report = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        report("only root can run containers: this is NOT checked here")
    machine = Machine(tmp_path_factory.mktemp("runner") / "machine")
    base_image.make(machine.storage, base_system)
    for name, dockerfile in {"good": DOCKERFILE, "broken": BROKEN, "stubborn": STUBBORN}.items():
        sources = machine.folder / name
        sources.mkdir()
        (sources / "Dockerfile").write_text(dockerfile)
        (sources / "serve.py").write_text(SERVER)
        (sources / "secret.txt").write_text("not for the image")
        (sources / ".dockerignore").write_text("*\n!serve.py\n")
        machine.docker("build", "--tag", f"{name}:1", ".", cwd=sources)
    yield machine
    docker.remove(machine.storage)


@pytest.fixture(scope="module")
def host(runner, tmp_path_factory):
    """Another machine, to which the images were carried."""
    machine = Machine(tmp_path_factory.mktemp("host") / "machine")
    for name in ("good", "broken", "stubborn"):
        runner.docker("save", "--output", f"{name}.tar", f"{name}:1", cwd=runner.folder)
        archive = runner.folder / f"{name}.tar"
        if name == "good":
            with archive.open("rb") as piped:
                loaded = subprocess.run([machine.folder / "docker", "load"], stdin=piped, capture_output=True).stdout
        else:
            loaded = machine.docker("load", "--input", str(archive), cwd=machine.folder).stdout.encode()
        archive.unlink()
        assert loaded == f"Loaded image: {name}:1\n".encode()
    yield machine
    docker.remove(machine.storage)
    assert str(machine.storage) not in Path("/proc/mounts").read_text()
    assert not machine.processes()


def declare_service(folder: Path) -> None:
    """Make a folder with a service, whose model says which folder that is."""
    folder.mkdir()
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "model").mkdir()
    (folder / "model").chmod(0o777)
    (folder / "model" / "model.txt").write_text(f"the {folder.name}")


@pytest.fixture
def service(host, tmp_path):
    """A folder with a service, which is down in the end."""
    declare_service(tmp_path / "first")
    yield tmp_path / "first"
    host.docker("compose", "down", cwd=tmp_path / "first", IMAGE="any")
    assert not host.processes()


def test_an_image_is_only_where_it_was_built_or_loaded(runner, host, tmp_path):
    asked = ("image", "inspect", "--format", "{{.Id}}", "good:1")
    ids = {machine.docker(*asked, cwd=tmp_path).stdout for machine in (runner, host)}
    assert len(ids) == 1 and ids.pop().startswith("sha256:")
    assert Machine(tmp_path / "other").docker(*asked, cwd=tmp_path, check=False).returncode == 1


def test_a_name_is_given_and_taken(runner, tmp_path):
    listed = ("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "renamed")
    runner.docker("tag", "--", "good:1", "renamed:2", cwd=tmp_path)
    assert runner.docker(*listed, cwd=tmp_path).stdout == "renamed:2\n"
    quiet = ("image", "ls", "--quiet", "renamed:2")
    assert runner.docker(*quiet, cwd=tmp_path).stdout.startswith("sha256:")
    runner.docker("image", "rm", "renamed:2", cwd=tmp_path)
    assert runner.docker(*listed, cwd=tmp_path).stdout == runner.docker(*quiet, cwd=tmp_path).stdout == ""
    assert runner.docker("image", "rm", "renamed:2", cwd=tmp_path, check=False).returncode == 1
    assert "good:1" in runner.docker(*listed[:-1], cwd=tmp_path).stdout.splitlines()


def test_a_build_that_fails_fails(runner, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python:3.11-slim-bookworm\nRUN pip install ./no-such-package\n")
    done = runner.docker("build", "-t", "never:1", ".", cwd=tmp_path, check=False)
    assert done.returncode == 1 and "no-such-package" in done.stderr


def test_a_container_is_as_image_and_compose_file_say(host, service):
    host.up(service, "good:1")
    assert host.processes()
    assert host.answer(service) == {
        "user": 1000,
        "environment": {"GREETING": "hello", "NAME": "a name", "EMPTY": ""},
        "files": ["serve.py"],
        "model": "the first",
        "writable": ["/tmp"],
    }
    assert host.docker("compose", "logs", "api", cwd=service).stdout == "api-1  | listening\n"
    other = host.docker("compose", "port", "api", "8082", cwd=service, check=False)
    assert other.returncode == 1 and "no port 8082/tcp" in other.stderr


def test_only_a_changed_container_is_replaced(host, service, tmp_path):
    host.up(service, "good:1")
    first = host.ids(service)
    host.up(service, "good:1")
    assert host.ids(service) == first != ""
    declare_service(tmp_path / "second")
    host.up(tmp_path / "second", "good:1")
    assert host.ids(service) != first
    assert host.answer(service)["model"] == "the second"


def test_a_file_tells_a_container_more_from_its_next_start_on(host, service):
    named = "    env_file: [{path: ../model.env, required: false}]\n"
    (service / "compose.yaml").write_text(COMPOSE + named)
    host.up(service, "good:1")
    first = host.ids(service)
    (service.parent / "model.env").write_text("NAME=of the file\nGREETING=of the file\n")
    host.up(service, "good:1")
    assert host.ids(service) != first
    told = host.answer(service)["environment"]
    assert told == {"GREETING": "of the file", "NAME": "a name", "EMPTY": ""}  # compose.yaml itself counts more
    (service / "compose.yaml").write_text(COMPOSE + named.replace("false", "true").replace("model.env", "absent.env"))
    absent = host.up(service, "good:1", check=False)
    (service / "compose.yaml").write_text(COMPOSE)
    (service.parent / "model.env").unlink()
    assert absent.returncode == 1 and "absent.env not found" in absent.stderr


def test_docker_does_not_see_where_a_link_leads(host, tmp_path):
    current = tmp_path / "current"
    ids = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        declare_service(folder)
        current.unlink(missing_ok=True)
        current.symlink_to(folder)
        host.up(current, "good:1")
        ids.append(host.ids(current))
    host.docker("compose", "down", cwd=current)
    assert len(set(ids)) == 1


def test_a_program_that_ends_fails_and_the_good_one_comes_back(host, service):
    host.up(service, "good:1")
    failed = host.up(service, "broken:1", check=False)
    assert failed.returncode == 1 and "served-api-1 exited (3)" in failed.stderr
    assert "no such model" in host.docker("compose", "logs", cwd=service).stdout
    assert host.ids(service) == ""
    assert host.docker("compose", "port", "api", "8080", cwd=service, check=False).returncode == 1
    host.up(service, "good:1")
    assert host.answer(service)["model"] == "the first"


def test_an_image_is_known_by_more_than_its_name(host, service):
    host.docker("tag", "good:1", "moved:1", cwd=service)
    host.up(service, "moved:1")
    host.docker("tag", "broken:1", "moved:1", cwd=service)
    assert host.up(service, "moved:1", check=False).returncode == 1


def test_a_program_that_does_not_become_healthy_fails_and_stays_until_down(host, service):
    (service / "compose.yaml").write_text(NO_GRACE)
    failed = host.up(service, "stubborn:1", check=False)
    assert failed.returncode == 1 and "unhealthy" in failed.stderr
    assert host.ids(service)
    host.docker("compose", "down", cwd=service)
    assert not host.processes()


def test_a_health_check_that_fails_is_believed(runner, service):
    (service / "compose.yaml").write_text(NO_GRACE)
    (service / "Dockerfile").write_text(STUBBORN.replace("CMD sleep 600", "CMD echo not yet && exit 1"))
    runner.docker("build", "--tag", "sick:1", ".", cwd=service)
    failed = runner.up(service, "sick:1", check=False)
    runner.docker("compose", "down", cwd=service)
    assert failed.returncode == 1 and "not yet" in failed.stderr and "unhealthy" in failed.stderr


@pytest.mark.parametrize(("start_period", "code"), [("600s", 0), ("1s", 1)])
def test_a_health_check_may_fail_while_the_program_starts(runner, service, start_period, code):
    (service / "compose.yaml").write_text(NO_GRACE.replace("read_only: true", "read_only: false"))
    third_time = "echo >> /var/tmp/asked && test $(wc -l < /var/tmp/asked) = 3"
    slow = STUBBORN.replace("CMD sleep 600", f"CMD {third_time}")
    (service / "Dockerfile").write_text(slow.replace("--timeout=1s", f"--timeout=60s --start-period={start_period}"))
    runner.docker("build", "--tag", "slow:1", ".", cwd=service)
    done = runner.up(service, "slow:1", check=False)
    runner.docker("compose", "down", cwd=service)
    assert done.returncode == code, done.stderr


def test_what_is_said_of_a_container_is_said_of_one_that_is_there(host, service):
    host.up(service, "good:1")
    update = ("update", "--restart", "unless-stopped")
    host.docker(*update, host.ids(service).strip(), cwd=service)
    assert "No such container" in host.docker(*update, "another", cwd=service, check=False).stderr


def test_down_asks_the_program_to_stop_and_nothing_is_left(host, service):
    host.up(service, "good:1")
    address = host.docker("compose", "port", "api", "8080", cwd=service).stdout.strip()
    with (host.storage / "containers/served/api/log").open() as log:
        host.docker("compose", "down", cwd=service)
        assert log.read() == "listening\ngoodbye\n"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://{address}")
    assert not host.processes()
    assert str(host.storage) not in Path("/proc/mounts").read_text()


def test_an_image_in_use_is_kept(host, service):
    host.up(service, "good:1")
    assert host.docker("image", "rm", "good:1", cwd=service, check=False).returncode == 1
    assert host.answer(service)


def test_what_is_missing_fails(host, service):
    assert host.up(service, "never:1", check=False).returncode == 1
    (service / "model").rename(service / "renamed")
    assert "does not exist" in host.up(service, "good:1", check=False).stderr
    missing = host.docker("compose", "ps", "--quiet", cwd=service, check=False, IMAGE="")
    assert missing.returncode == 1 and "IMAGE is missing a value: say which" in missing.stderr


def test_a_service_that_is_no_longer_declared_is_an_orphan(host, service):
    host.up(service, "good:1")
    (service / "compose.yaml").write_text(COMPOSE.replace("  api:", "  other:"))
    host.up(service, "good:1", "--remove-orphans")
    assert len(host.ids(service).split()) == 1
    assert len(list((host.storage / "containers/served").iterdir())) == 1


def test_a_service_of_a_profile_is_there_only_with_the_profile(host, service):
    other = "  other:\n    profiles: [more]\n    image: good:1\n    something: else\n"
    (service / "compose.yaml").write_text("x-own: {}\n" + COMPOSE + other)
    host.up(service, "good:1")
    assert len(host.ids(service).split()) == 1
    done = host.docker("compose", "ps", "--quiet", cwd=service, check=False, COMPOSE_PROFILES="some,more")
    assert done.returncode == 2 and "does not know something" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "run good:1",
        "build --tag good:1 --no-cache .",
        "build --tag good:1 elsewhere",
        "save good:1",
        "image inspect --format {{.Size}} good:1",
        "image inspect --form {{.Id}} good:1",
        "image rm Good:1",
        "compose up --wait",
        "compose up --detach --wait --build",
        "update --restart always any",
        "compose port api",
        "compose restart",
    ],
)
def test_an_unknown_word_is_not_overlooked(host, service, words):
    done = host.docker(*words.split(), cwd=service, check=False, IMAGE="good:1")
    assert done.returncode == 2 and "the emulation does not know" in done.stderr


@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        ("pull_policy: never", "restart: unless-stopped"),
        ("never", "always"),
        ("name: served", "name: served\nnetworks: {}"),
        (":8080", ":9090"),
        ("./model:", "model:"),
        ("{EMPTY", "{EMPTY:+"),
        ('"$NAME"', "true"),
        ('{NAME: "$NAME", EMPTY: "${EMPTY:-}"}', "[NAME]"),
    ],
)
def test_an_unknown_key_is_not_overlooked(host, service, known, unknown):
    (service / "compose.yaml").write_text(COMPOSE.replace(known, unknown))
    done = host.up(service, "good:1", check=False)
    (service / "compose.yaml").write_text(COMPOSE)
    assert done.returncode == 2 and "the emulation does not know" in done.stderr
