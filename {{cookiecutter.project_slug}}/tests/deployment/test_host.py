"""ssh is called so that it asks nothing, trusts nobody by itself, and leaves no secret behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}}.deployment.host import Host, host_at
from {{cookiecutter.project_slug}}.errors import ProjectError

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """Put a stand-in for ssh first on the PATH: a script with this text."""

    def install(script: str) -> None:
        path = tmp_path / "bin" / "ssh"
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")

    return install


def test_without_an_address_it_is_said_what_to_set():
    with pytest.raises(ProjectError, match="Set DEPLOY_HOST"), host_at(None, None, None):
        pass


def test_given_secrets_are_in_private_files_for_as_long_as_they_are_needed():
    with host_at("me@there", KEY, "there ssh-ed25519 AAAA\n\n") as host:
        key, known = [Path(word.rpartition("=")[2].strip('"')) for word in host.options if "/" in word]
        assert key.parent == known.parent and key.parent.stat().st_mode & 0o777 == 0o700
        assert key.read_text() == KEY + "\n" and key.stat().st_mode & 0o777 == 0o600
        assert known.read_text() == "there ssh-ed25519 AAAA\n"
        assert "IdentitiesOnly=yes" in host.options
    assert not key.exists() and not known.exists()


def test_a_key_may_be_a_file_and_nothing_is_needed_beyond_the_address(tmp_path):
    with host_at("me@there", str(tmp_path / "id"), None) as host:
        assert host.options == ("-i", str(tmp_path / "id"), "-o", "IdentitiesOnly=yes")
    with host_at("me@there", None, None) as host:
        assert host.options == ()
        assert {"BatchMode=yes", "StrictHostKeyChecking=yes"} <= set(host.ssh())


GOOD = ["there", "me@there", "me@models.example.com", "a.b+c@corp.example@there", "me@10.0.0.1", "me@fe80::1%eth0"]
GOOD += ["ssh://there", "ssh://me@there:2222", "ssh://me@there/", "ssh://me@[2001:db8::1]:22"]
BAD = ["-oProxyCommand=touch pwned", "-oProxyCommand=x@there", "me@-oProxyCommand=x", "ssh://-oX=y@there", "ssh://-x"]
BAD += [
    "ssh://me@-x:22",
    "ssh://%2DoX=y@there",
    "me@there\n",
    "me@there -v",
    "me@there\tx",
    "me@`id`",
    "me@$(id)",
    "@there",
]
BAD += ["", "me@", "me@there:x", "ssh://me@there:port", "ssh://me@there:22/path", "me@there\0", "me@thére", "--"]


@pytest.mark.parametrize("address", GOOD)
def test_what_ssh_takes_for_an_address_is_one(address):
    *options, terminator, last = Host(address).ssh("-N")
    assert (terminator, last) == ("--", address) and options[-1] == "-N"


@pytest.mark.parametrize("address", BAD)
def test_what_ssh_could_take_for_something_else_is_refused(address):
    with pytest.raises(ProjectError, match="is no address of a host"):
        Host(address)


def test_an_address_that_is_an_option_runs_nothing(tmp_path):
    with (
        pytest.raises(ProjectError, match="is no address"),
        host_at(f"-oProxyCommand=touch {tmp_path}/pwned", KEY, None),
    ):
        pass
    assert not (tmp_path / "pwned").exists()


def test_a_temporary_folder_with_an_odd_name_is_as_good(tmp_path, monkeypatch):
    if shutil.which("ssh") is None:
        pytest.skip("this machine has no ssh")
    (tmp_path / "a b%d").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a b%d"))
    with host_at("me@there", KEY, "there ssh-ed25519 AAAA") as host:
        ssh = host.ssh("-G")
        said = subprocess.run(ssh, capture_output=True, text=True, check=True).stdout
        (known,) = [line for line in said.splitlines() if line.startswith("userknownhostsfile ")]
        assert Path(known.partition(" ")[2]).read_text() == "there ssh-ed25519 AAAA\n"


# What holds a key: `deploy` once it has fetched the model, as far as `ssh` lets it go on.
HOLD = """
import sys
from {package}.cli import app, main
from {package}.deployment.host import host_at

@app.command()
def hold() -> None:
    with host_at("me@there", {key!r}, "there ssh-ed25519 AAAA") as host:
        host.run("true")

sys.argv = ["project", "hold"]
main()
"""


@pytest.mark.parametrize(
    ("number", "ignored", "code"),
    [(signal.SIGTERM, False, 143), (signal.SIGHUP, False, 129), (signal.SIGHUP, True, 0)],
)
def test_a_command_that_is_asked_to_end_leaves_no_key_behind(ssh, tmp_path, number, ignored, code):
    ssh(f'echo $$ >"{tmp_path}/pid.new"; mv "{tmp_path}/pid.new" "{tmp_path}/pid"; exec sleep 2')
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen(
        [*(["nohup"] if ignored else []), sys.executable, "-c", HOLD.format(package=package, key=KEY)],
        env=os.environ | {"TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (tmp_path / "pid").exists():
        assert process.poll() is None
        time.sleep(0.01)
    (key,) = (tmp_path / "temporary").glob("ssh-*/key")
    assert key.read_text() == KEY + "\n"
    process.send_signal(number)
    assert process.wait(60) == code
    assert not list((tmp_path / "temporary").iterdir())
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_a_command_reaches_the_host_word_by_word(ssh, tmp_path):
    ssh('for last; do :; done; exec sh -c "$last"')
    (tmp_path / "sent").write_bytes(b"sent")
    host = Host("me@there")
    assert host.run("printf", "%s|", "a b", "$HOME", "it's") == "a b|$HOME|it's|"
    with (tmp_path / "sent").open("rb") as sent:
        assert host.run("cat", sent=sent) == "sent"


def test_what_fails_on_the_host_is_told_with_its_words(ssh):
    ssh("echo no such machine >&2; exit 255")
    with pytest.raises(ProjectError, match=r"On me@there, `docker load` failed:\nno such machine"):
        Host("me@there").run("docker", "load")


def test_no_ssh_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProjectError, match="ssh cannot be started"):
        Host("me@there").run("true")


def test_a_tunnel_is_open_as_long_as_it_is_used(ssh, tmp_path):
    ssh(f'echo "$@" > {tmp_path}/said; exec sleep 600')
    with Host("me@there").tunnel("127.0.0.1:8080") as (url, running):
        assert url.startswith("http://127.0.0.1:") and running()
    assert not running()
