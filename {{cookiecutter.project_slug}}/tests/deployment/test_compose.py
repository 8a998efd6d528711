"""A deployment is whole, healthy and answers, or what ran before runs again. ssh and docker are stand-ins here."""

import io
import json
import os
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
import stand_in
import yaml
from conftest import write_params
from stand_in import deployments, state

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}}.deployment import commands, compose, verification
from {{cookiecutter.project_slug}}.deployment.host import Host
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases.pointers import POINTER, read_pointer

PROJECT = Path.cwd()


@pytest.fixture
def host(tmp_path_factory, monkeypatch):
    """A host that deploys for real, up to the containers; its home."""
    home, programs = tmp_path_factory.mktemp("host"), tmp_path_factory.mktemp("programs")
    for name, value in (stand_in.install(programs, home) | {"DEPLOY_HOST": "me@host"}).items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture(autouse=True)
def project(run):
    """What a project deploys, in the current folder."""
    shutil.copytree(PROJECT / "deploy/compose", "deploy/compose")
    write_params(state={"releases": "memory://releases"})
    Path("dist").mkdir()
    write_image(Path("dist/image.tar"), "a")


def write_image(path, digit, name="project:latest"):
    """An archive as `docker save` writes it, as far as `deploy` reads it."""
    manifest = json.dumps([{"Config": f"{digit * 64}.json", "RepoTags": [name]}]).encode()
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        archive.addfile(entry, io.BytesIO(manifest))


@pytest.fixture
def deploy(run, make_model):
    """deploy(rows): a model of so many rows is trained, published and deployed; what the command says."""

    def act(rows: int = 200) -> str:
        make_model(rows=rows)
        run("publish")
        return run("deploy")

    return act


def name_of_deployment(digit="a"):
    files = compose.files_beside_the_model("proxy" if Path("dist/proxy.tar").exists() else "")
    return f"{read_pointer().record.split('/')[-2]}-{digit * 12}-{sha256(repr(files).encode()).hexdigest()[:12]}"


def test_image_and_model_are_put_on_the_host_and_run(host, deploy, run):
    assert "is healthy" in deploy()
    name = name_of_deployment()
    assert state(host) == [name, name, "nothing"]
    folder = host / package / name
    assert (folder / ".env").read_text() == f"COMPOSE_PROFILES=\nIMAGE={package}:{name}\n"
    for file in ("compose.yaml", "nginx.conf"):
        assert (folder / file).read_bytes() == (Path("deploy/compose") / file).read_bytes()
    assert (folder / "model/model.skops").stat().st_mode & 0o777 == 0o644 and (folder / "model").stat().st_mode & 0o055
    assert (host / "loaded").read_bytes() == Path("dist/image.tar").read_bytes()
    assert f"tag -- project:latest {package}:{name}" in (host / "log").read_text()
    assert not list((host / package).glob("arriv*"))


def test_a_proxy_beside_the_image_goes_along_and_makes_another_deployment(host, deploy):
    deploy()
    without = name_of_deployment()
    (host / "log").unlink()
    write_image(Path("dist/proxy.tar"), "c")
    deploy()
    assert state(host) == [name_of_deployment(), name_of_deployment(), without]
    folder = host / package / name_of_deployment()
    assert "COMPOSE_PROFILES=proxy\n" in (folder / ".env").read_text()
    log = (host / "log").read_text().splitlines()
    assert log[0] == "load" and log.count("load") == 2 and "update --restart unless-stopped another" in log


def test_only_what_has_been_healthy_is_started_again_when_it_ends(host, deploy):
    assert "restart" not in yaml.safe_load(Path("deploy/compose/compose.yaml").read_text())["services"]["model"]
    deploy()
    log = (host / "log").read_text().partition(" up ")[2]
    assert all(f"update --restart unless-stopped {name}" in log for name in ("the-container", "another"))


def test_what_is_older_than_the_deployment_before_is_removed(host, deploy):
    deploy()
    oldest = name_of_deployment()
    deploy(rows=150)
    before = name_of_deployment()
    assert deployments(host) == {oldest, before}
    deploy(rows=100)
    assert deployments(host) == {before, name_of_deployment()}
    assert f"image rm {package}:{oldest}" in (host / "log").read_text()


def test_the_same_again_stays_and_a_new_image_is_a_new_deployment(host, deploy, run):
    deploy()
    run("deploy")
    assert state(host) == [name_of_deployment(), name_of_deployment(), "nothing"]
    write_image(Path("dist/image.tar"), "b")
    run("deploy")
    assert state(host) == [name_of_deployment("b"), name_of_deployment("b"), name_of_deployment("a")]


def test_what_does_not_become_healthy_gives_way_to_what_ran_before(host, deploy, run):
    deploy()
    before = name_of_deployment()
    write_image(Path("dist/image.tar"), "b")
    (host / "broken").write_text(f"{package}:{name_of_deployment('b')}")
    said = run("deploy")
    assert "is unhealthy" in said and "the service said: no" in said and f"{before} runs again" in said
    assert state(host) == [before, before, "nothing"]


def test_a_first_deployment_that_does_not_become_healthy_is_stopped(host, run, make_model):
    make_model()
    run("publish")
    (host / "broken").write_text(f"{package}:{name_of_deployment()}")
    (host / "up").touch()
    assert "there is no deployment before it" in run("deploy")
    assert state(host) == [None, None, None]


@pytest.fixture
def answers(monkeypatch):
    """answers(error): what the deployed service makes of the smoke test; the tunnel is not dug."""

    def act(error: str | None) -> None:
        def ask(url, place):
            if error:
                raise ProjectError(error)
            return 5

        @contextmanager
        def tunnel(self, address):
            yield f"http://{address}", lambda: True

        monkeypatch.setattr(verification, "smoke_test", ask)
        monkeypatch.setattr(commands, "ask_for_examples", ask)
        monkeypatch.setattr(verification, "wait_until_ready", lambda url, running: None)
        monkeypatch.setattr(Host, "tunnel", tunnel)

    return act


def test_a_deployment_that_answers_rightly_stays(host, deploy, run, answers):
    deploy()
    answers(None)
    assert "5 rows are answered" in run("smoke-test")
    assert state(host)[0] == name_of_deployment()


def test_a_deployment_that_answers_wrongly_is_taken_back_once(host, deploy, run, answers):
    deploy()
    before = name_of_deployment()
    deploy(rows=150)
    answers("another model answers")
    said = run("smoke-test")
    assert "another model answers" in said and f"{before} runs again" in said
    assert state(host) == [before, before, None]
    assert f"{before} runs, which is not of release" in run("smoke-test")
    assert state(host) == [before, before, None]
    run("rollback")
    assert "There is nothing to go back to" in run("smoke-test")
    assert state(host) == [before, before, None]


def test_a_first_deployment_that_answers_wrongly_is_stopped(host, deploy, run, answers):
    deploy()
    answers("another model answers")
    assert "there is no deployment before it" in run("smoke-test")
    assert state(host) == [None, None, None]


def test_a_server_elsewhere_can_be_asked_too_and_is_left_as_it_is(host, deploy, run, answers):
    deploy()
    answers("another model answers")
    assert run("smoke-test", "--url", "http://127.0.0.1:1") == "Error: another model answers"
    assert state(host)[0] == name_of_deployment()


def test_a_store_that_only_this_machine_reads_is_refused(host, run, make_model):
    make_model()
    write_params(state={"releases": "releases"})
    run("publish")
    assert "a folder that no other machine can read" in run("deploy")
    assert not (host / package).exists()


def test_what_is_sent_says_nothing_of_this_machine_and_the_container_may_read_it(make_model, tmp_path):
    with (tmp_path / "packed").open("wb") as out:
        compose.pack(out, "1", compose.files_beside_the_model(""), make_model().place)
    with tarfile.open(tmp_path / "packed") as packed:
        entries = packed.getmembers()
    assert {"1", "1/model", "1/model/model.skops", "1/.env", "host.sh"} < {entry.name for entry in entries}
    assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries} == {(0, 0, "", "")}
    assert {entry.mode for entry in entries if entry.isdir()} == {0o755}
    assert {entry.mode for entry in entries if entry.isfile()} == {0o644}


@pytest.mark.parametrize("tar", ["tar", "busybox tar"])
def test_what_arrives_belongs_to_whoever_unpacks_it_whatever_the_umask(tmp_path, tar):
    if shutil.which(tar.split()[0]) is None:
        pytest.skip(f"this machine has no {tar}")
    with tarfile.open(tmp_path / "packed", "w") as packed:
        for name, kind, mode in (("1", tarfile.DIRTYPE, 0o755), ("1/model", tarfile.REGTYPE, 0o644)):
            entry = compose.entry(name, kind, mode)
            entry.uid = entry.gid = os.getuid() + 1  # as it was sent until now
            packed.addfile(entry)
    with (tmp_path / "packed").open("rb") as sent:
        unpack = f"umask 077; {compose.UNPACK.replace('tar ', f'{tar} ')}"
        subprocess.run(["sh", "-c", unpack, "sh", str(tmp_path / "there")], stdin=sent, check=True)
    for path, mode in (("there/1", 0o755), ("there/1/model", 0o644)):
        found = (tmp_path / path).stat()
        assert (found.st_uid, found.st_mode & 0o777) == (os.getuid(), mode)


def test_what_does_not_arrive_whole_leaves_nothing(tmp_path):
    (tmp_path / "half").write_bytes(b"half an archive")
    with (tmp_path / "half").open("rb") as sent:
        done = subprocess.run(["sh", "-c", compose.UNPACK, "sh", str(tmp_path / "there")], stdin=sent)
    assert done.returncode == 1 and not (tmp_path / "there").exists()


def test_other_files_beside_the_same_model_and_image_are_another_deployment(host, deploy, run):
    deploy()
    before = name_of_deployment()
    Path("deploy/compose/more.conf").write_text("more")
    run("deploy")
    assert state(host) == [name_of_deployment(), name_of_deployment(), before] and name_of_deployment() != before
    assert (host / package / name_of_deployment() / "more.conf").read_text() == "more"


@pytest.mark.parametrize("said", ["0.0.0.0:8080 -oProxyCommand=true", "", "[::]:x"])
def test_an_address_of_the_service_that_is_none_goes_no_further(monkeypatch, said):
    monkeypatch.setattr(Host, "run", lambda *_: said)
    with pytest.raises(ProjectError, match="does not say where the service is"):
        compose.published_address(Host("me@host"))


def test_what_is_said_before_the_address_is_not_part_of_it(monkeypatch):
    monkeypatch.setattr(Host, "run", lambda *_: "Another command is at work here\n127.0.0.1:8080\n")
    assert compose.published_address(Host("me@host")) == "127.0.0.1:8080"


def test_an_image_whose_name_is_an_option_is_none(host, run, make_model):
    make_model()
    run("publish")
    write_image(Path("dist/image.tar"), "a", name="--help")
    assert "is not the archive of one image" in run("deploy")


@pytest.mark.parametrize("content", [None, b"", b"no tar"])
def test_an_image_that_is_none_is_named_before_the_host_is_touched(host, run, make_model, content):
    make_model()
    run("publish")
    if content is None:
        Path("dist/image.tar").unlink()
    else:
        Path("dist/image.tar").write_bytes(content)
    assert "is not the archive of one image" in run("deploy")
    assert not (host / "log").exists()


def test_the_script_of_the_host_knows_its_words(host):
    shutil.copytree(PROJECT / "deploy/compose", host / package)
    with pytest.raises(ProjectError, match=r"start NAME \| back \[RELEASE\] \| address"):
        Host("me@host").run("sh", f"{package}/host.sh", "stop")


def test_the_pointer_is_where_the_documents_say():
    assert Path("deploy/release.yaml") == POINTER
