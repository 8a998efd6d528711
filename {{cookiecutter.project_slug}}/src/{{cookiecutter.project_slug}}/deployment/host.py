"""A machine that is reached by SSH."""

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import MOST_SECONDS, ProjectError
from ..serving.server import HERE, free_port

# What ssh takes, so far as it cannot be taken for something else: an option (-oProxyCommand=...), or two words.
USER = r"(?:[A-Za-z0-9_][A-Za-z0-9_.+@-]*@)?"
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
ADDRESS = re.compile(
    rf"{USER}(?:{NAME}|[0-9A-Fa-f:]+(?:%\w+)?)|ssh://{USER}(?:{NAME}|\[[0-9A-Fa-f:]+\])(?::\d+)?/?", re.A
)


@dataclass(frozen=True)
class Host:
    """Where to connect, as ssh takes it (user@host, or ssh://user@host:port), and the options to do so.

    Raises ProjectError where the address is none.
    """

    address: str
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what ssh could take for something else than an address."""
        if not ADDRESS.fullmatch(self.address):
            raise ProjectError(
                f"{self.address!r} is no address of a host. Set DEPLOY_HOST to user@host, or to ssh://user@host:port."
            )

    def ssh(self, *options: str) -> list[str]:
        """The command line of ssh, up to the address: it never asks a question, and never trusts an unknown machine."""
        strict = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"ConnectTimeout={MOST_SECONDS}")
        always = [word for option in strict for word in ("-o", option)]
        return ["ssh", *always, *self.options, *options, "--", self.address]

    def run(self, *command: str, sent: IO[bytes] | None = None) -> str:
        """What the command prints on the host, fed with this file. Raises ProjectError where it fails."""
        try:
            done = subprocess.run(
                [*self.ssh(), shlex.join(command)],
                stdin=sent or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise ProjectError(f"ssh cannot be started: {error.strerror}.") from None
        if done.returncode:
            raise ProjectError(f"On {self.address}, `{shlex.join(command)}` failed:\n{done.stdout.strip()}")
        return done.stdout

    @contextmanager
    def tunnel(self, address: str) -> Iterator[tuple[str, Callable[[], bool]]]:
        """The URL on this machine that leads to this address (host:port) as the host sees it, once ssh has connected.

        With it comes what tells whether ssh is still at it.
        """
        port = free_port()
        forward = ("-N", "-o", "ExitOnForwardFailure=yes", "-L", f"{HERE}:{port}:{address}")
        with subprocess.Popen(self.ssh(*forward), stdin=subprocess.DEVNULL) as tunnel:
            try:
                yield f"http://{HERE}:{port}", lambda: tunnel.poll() is None
            finally:
                tunnel.terminate()


@contextmanager
def host_at(address: str | None, key: str | None, known_hosts: str | None) -> Iterator[Host]:
    """The host, with the secrets that ssh needs in files of their own for as long as it is used.

    key: a private key, or the path of the file that holds one; without it, ssh's own keys and agent are used.
    known_hosts: the lines that tell the host's own key, as `ssh-keyscan` prints them; without them, ssh's own file.
    Raises ProjectError where no address is given.
    """
    if not address:
        raise ProjectError("Where to deploy? Set DEPLOY_HOST, such as deploy@models.example.com.")
    with tempfile.TemporaryDirectory(prefix="ssh-") as folder:
        options: list[str] = []
        if key:
            options += ["-i", for_ssh(key_file(key, Path(folder))), "-o", "IdentitiesOnly=yes"]
        if known_hosts:
            path = Path(folder) / "known_hosts"
            path.write_text(known_hosts.strip() + "\n", encoding="utf-8")
            options += ["-o", f'UserKnownHostsFile="{for_ssh(path)}"']
        yield Host(address, tuple(options))


def for_ssh(path: Path) -> str:
    """The path as ssh reads it, to which %d and the like mean something else."""
    return str(path).replace("%", "%%")


def key_file(key: str, folder: Path) -> Path:
    """The file of a private key, written here where the key itself is given."""
    if not key.lstrip().startswith("-----BEGIN"):
        return Path(key)
    path = folder / "key"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as out:
        out.write(key.strip() + "\n")
    return path
