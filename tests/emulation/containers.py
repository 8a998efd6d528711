"""Containers: real processes in the files of an image, under the image's user.

Two things differ from docker's:

- A container has no network of its own, so no port can be mapped, and nothing may listen for other machines. MLServer
  takes its address from the environment: it is told to listen on 127.0.0.1, on free ports, and these are recorded.
- As long as it starts, the health check is tried every second, and it may go on failing as long as docker would let it.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from emulation.compose import SERVED, Service
from emulation.images import FailedError, Images, UnknownError, full_name

# buildah itself writes into /run.
READ_ONLY = 'mount -o remount,bind,ro "$0" && mount -t tmpfs -o mode=755 tmpfs "$0/run" && exec "$@"'
SECOND = 1_000_000_000  # docker counts in nanoseconds
HEALTH = {"Interval": 30 * SECOND, "Timeout": 30 * SECOND, "StartPeriod": 0, "Retries": 3}


class Container:
    """The container of a service: its folder holds its log and its state, with the leader of its process group."""

    def __init__(self, images: Images, project: str, service: str) -> None:
        self.images, self.name = images, f"{project}-{service}-1"
        self.folder = images.storage / "containers" / project / service
        self.process: subprocess.Popen[bytes] | None = None
        recorded = self.folder / "state.json"
        self.state = json.loads(recorded.read_text(encoding="utf-8")) if recorded.exists() else {}

    def record(self, **state: object) -> None:
        self.state |= state
        (self.folder / "state.json").write_text(json.dumps(self.state), encoding="utf-8")

    def up(self, service: Service) -> None:
        """Start the container, or start it anew, unless it runs as it would be started."""
        image = self.images.inspect(service.image)
        config = image["Docker"]["config"]
        if "Healthcheck" not in config:
            raise UnknownError(f"when {service.image} is healthy: it has no HEALTHCHECK")
        if missing := [source for source in service.sources if not source.exists()]:
            raise FailedError(f"bind source path does not exist: {missing[0]}")
        identity = hashlib.sha256(repr((image["FromImageID"], service)).encode()).hexdigest()
        if self.state.get("identity") != identity or not self.processes():
            self.remove()
            self.create(service, identity, HEALTH | config["Healthcheck"])
            self.start([*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])], service.read_only)

    def create(self, service: Service, identity: str, health: dict) -> None:
        found = dict(zip(SERVED, free_ports(len(SERVED)), strict=True))
        address = {"MLSERVER_HOST": "127.0.0.1"} | {SERVED[port]: number for port, number in found.items()}
        self.images.buildah("from", "--pull-never", "--name", self.name, full_name(service.image))
        self.folder.mkdir(parents=True)
        self.record(
            flags=[*service.flags, *(f"--env={name}={value}" for name, value in address.items())],
            ports={port: found[port] for port in service.ports},
            identity=identity,
            health=health,
            grace=service.grace,
            id=self.images.buildah("inspect", "--format", "{{.ContainerID}}", self.name),
        )

    def start(self, program: list[str], read_only: bool) -> None:
        command = [*self.images.command, *self.inside(*program)]
        if read_only:
            self.images.buildah(*self.inside("true"))  # makes the folders to mount on, while they can be made
            command = ["unshare", "--mount", "sh", "-c", READ_ONLY, self.images.buildah("mount", self.name), *command]
        with (self.folder / "log").open("wb") as log:
            output = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self.process = subprocess.Popen(command, env=self.images.environment, start_new_session=True, **output)
        self.record(leader=self.process.pid, born=stat(self.process.pid)[19])

    def inside(self, *command: str) -> list[str]:
        """What tells buildah to run this command inside the container."""
        return ["run", "--isolation=chroot", *self.state["flags"], self.name, "--", *command]

    def processes(self) -> dict[int, int]:
        """The living processes of the container, and the parent of each."""
        leader, found = self.state.get("leader"), {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state, parent, group, *_ = fields = stat(path.name)
                if int(path.name) == leader and fields[19] != self.state["born"]:
                    return {}  # the number now belongs to another process
                if int(group) == leader and state != "Z":
                    found[int(path.name)] = int(parent)
        return found

    def wait_until_healthy(self) -> None:
        """Return once the container is healthy. As docker does, count what fails only after the start period."""
        health = self.state["health"]
        kind, *test = health["Test"]
        probe = [*self.images.command, *self.inside(*(test if kind == "CMD" else ["/bin/sh", "-c", *test]))]
        started, failures = time.monotonic() + health["StartPeriod"] / SECOND, 0
        while self.processes():
            starting = time.monotonic() < started
            if self.passes(probe, health["Timeout"] / SECOND) and self.processes():
                return
            failures += not starting
            if failures >= health["Retries"]:
                said = (self.folder / "probe").read_text(encoding="utf-8", errors="replace")
                raise FailedError(f"{said}\ncontainer {self.name} is unhealthy")
            time.sleep(1 if starting else health["Interval"] / SECOND)
        raise FailedError(f"container {self.name} exited ({self.process.wait() if self.process else 'earlier'})")

    def passes(self, probe: list[str], limit: float) -> bool:
        """Whether the probe succeeds in time."""
        with (self.folder / "probe").open("wb") as said:
            output = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
            process = subprocess.Popen(probe, env=self.images.environment, start_new_session=True, **output)
            try:
                return process.wait(limit) == 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return process.wait() == 0

    def address(self, port: str) -> str:
        """Where a published port of the running container can be reached."""
        if port not in self.state.get("ports", {}) or not self.processes():
            raise FailedError(f"no port {port}/tcp for container {self.name}")
        return f"127.0.0.1:{self.state['ports'][port]}"

    def log(self) -> list[str]:
        written = self.folder / "log"
        return written.read_text(encoding="utf-8", errors="replace").splitlines() if written.exists() else []

    def remove(self) -> None:
        """End the program as docker does, with a request and then by force, and take the container away."""
        if not self.folder.exists():
            return
        for pid, parent in self.processes().items():
            with contextlib.suppress(OSError):
                # Of the group only the program is asked: were buildah to end first, it would take the program with it.
                if Path(f"/proc/{parent}/cmdline").read_bytes().startswith(b"buildah-chroot-exec"):
                    os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + self.state["grace"]
        while self.processes() and time.monotonic() < end:
            time.sleep(0.1)
        while self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.state["leader"], signal.SIGKILL)
            time.sleep(0.1)
        self.images.buildah("rm", self.name)
        shutil.rmtree(self.folder)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def stat(pid: int | str) -> list[str]:
    """What Linux says of a process: its state, its parent, its group ..., without its number and name."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
