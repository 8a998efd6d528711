"""ssh is called so that it asks nothing, trusts nobody by itself, and leaves no secret behind."""

from pathlib import Path

import pytest

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
        files = [Path(word.rpartition("=")[2]) for word in host.options if "/" in word]
        key, known = files
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
