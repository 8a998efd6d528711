"""A machine to deploy to: a real SSH server on this machine, with a home and a `docker` of its own."""

import getpass
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emulation import docker
from emulation.containers import free_ports
from support import run, tool

CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
ForceCommand {folder}/login
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
PidFile none
"""
# What a login shell does: begin at home, with the programs of this machine.
LOGIN = '#!/bin/sh\ncd {home} && export HOME={home} PATH={programs}:"$PATH" && exec sh -c "$SSH_ORIGINAL_COMMAND"\n'


@dataclass(frozen=True)
class Host:
    """How to reach the machine, and where its things are."""

    address: str
    key: str
    key_file: Path
    known_hosts: str
    home: Path
    storage: Path


@contextmanager
def running(folder: Path) -> Iterator[Host]:
    """The machine, as long as it is needed; its containers end with it."""
    server = Path(tool("sshd"))  # insists on being called by its full path
    home, programs, storage = (folder / name for name in ("home", "programs", "storage"))
    for path in (home, programs):
        path.mkdir(parents=True)
    docker.install(programs, storage)
    for name in ("key", "host_key"):
        run(tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name, cwd=folder)
    (port,) = free_ports(1)
    (folder / "login").write_text(LOGIN.format(home=shlex.quote(str(home)), programs=shlex.quote(str(programs))))
    (folder / "login").chmod(0o755)
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder), encoding="utf-8")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it drops its rights there
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([server, "-D", "-e", "-f", folder / "config"], stderr=log)
    try:
        host = Host(
            address=f"ssh://{getpass.getuser()}@127.0.0.1:{port}",
            key=(folder / "key").read_text("utf-8"),
            key_file=folder / "key",
            known_hosts=f"[127.0.0.1]:{port} {(folder / 'host_key.pub').read_text('utf-8')}",
            home=home,
            storage=storage,
        )
        wait_for(process, folder / "log")
        yield host
    finally:
        process.terminate()
        process.wait()
        docker.remove(storage)


def wait_for(process: subprocess.Popen, log: Path) -> None:
    """Return as soon as the server listens."""
    while "Server listening" not in (said := log.read_text("utf-8")):
        assert process.poll() is None, said
        time.sleep(0.05)
