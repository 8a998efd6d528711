"""A deployment is whole, healthy and answers, or what ran before runs again. ssh and docker are stand-ins here."""

import io
import json
import os
import shutil
import tarfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from conftest import write_params

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}}.deployment import commands, verification
from {{cookiecutter.project_slug}}.deployment.host import Host
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.releases.record import POINTER, read_pointer

PROJECT = Path.cwd()
SSH = '#!/bin/sh\nfor last; do :; done\ncd "$STAND_IN_HOST" && exec sh -c "$last"\n'
# What runs is the folder named in the file `up`; an image that the file `broken` names never becomes healthy.
DOCKER = """#!/bin/sh
echo "$@" >>"$STAND_IN_HOST/log"
case "$*" in
  load) cat >"$STAND_IN_HOST/loaded" ;;
  "tag "*|"image rm "*|"update "*) ;;
  *" up "*)
    . "./$3/.env"
    if [ "$IMAGE" = "$(cat "$STAND_IN_HOST/broken" 2>/dev/null)" ]; then echo "$3 is unhealthy"; exit 1; fi
    echo "$3" >"$STAND_IN_HOST/up" ;;
  *" down") rm "$STAND_IN_HOST/up" ;;
  *" ps --quiet") echo the-container; echo another-container ;;
  *" logs") echo "the service said: no" ;;
  *" port model 8080") echo 127.0.0.1:8080 ;;
  *) exit 2 ;;
esac
"""


@pytest.fixture
def host(tmp_path_factory, monkeypatch):
    """A host that deploys for real, up to the containers; its home."""
    home, programs = tmp_path_factory.mktemp("host"), tmp_path_factory.mktemp("programs")
    for name, script in (("ssh", SSH), ("docker", DOCKER)):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("STAND_IN_HOST", str(home))
    monkeypatch.setenv("DEPLOY_HOST", "me@host")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return home


@pytest.fixture(autouse=True)
def project(run):
    """What a project deploys, in the current folder."""
    shutil.copytree(PROJECT / "deploy/compose", "deploy/compose")
    write_params(state={"releases": "memory://releases"})
    Path("dist").mkdir()
    write_image(Path("dist/image.tar"), "a")


def write_image(path, digit):
    """An archive as `docker save` writes it, as far as `deploy` reads it."""
    manifest = json.dumps([{"Config": f"{digit * 64}.json", "RepoTags": ["project:latest"]}]).encode()
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        archive.addfile(entry, io.BytesIO(manifest))


def state(home):
    """What runs, and what the host has written down of it and of the deployment before."""
    names = [home / "up", home / package / "current", home / package / "previous"]
    return [path.read_text().strip() if path.exists() else None for path in names]


def deployments(home):
    return {path.name for path in (home / package).iterdir() if path.is_dir()}


@pytest.fixture
def deploy(run, make_model):
    """deploy(rows): a model of so many rows is trained, published and deployed; what the command says."""

    def act(rows: int = 200) -> str:
        make_model(rows=rows)
        run("publish")
        return run("deploy")

    return act


def name_of_deployment(digit="a"):
    return f"{read_pointer().record.split('/')[-2]}-{digit * 12}"


def test_image_and_model_are_put_on_the_host_and_run(host, deploy, run):
    assert "is healthy" in deploy()
    name = name_of_deployment()
    assert state(host) == [name, name, ""]
    folder = host / package / name
    assert (folder / ".env").read_text() == f"IMAGE={package}:{name}\nCOMPOSE_PROFILES=\n"
    for file in ("compose.yaml", "nginx.conf"):
        assert (folder / file).read_bytes() == (Path("deploy/compose") / file).read_bytes()
    assert (folder / "model/model.skops").stat().st_mode & 0o777 == 0o644 and (folder / "model").stat().st_mode & 0o055
    assert (host / "loaded").read_bytes() == Path("dist/image.tar").read_bytes()
    assert f"tag project:latest {package}:{name}" in (host / "log").read_text()


def test_a_proxy_beside_the_image_goes_along_and_is_started(host, deploy):
    write_image(Path("dist/proxy.tar"), "c")
    deploy()
    folder = host / package / name_of_deployment()
    assert "COMPOSE_PROFILES=proxy\n" in (folder / ".env").read_text()
    assert (host / "log").read_text().splitlines()[:2] == ["load", "load"]
    assert (host / "loaded").read_bytes() == Path("dist/proxy.tar").read_bytes()
    assert "update --restart unless-stopped another-container" in (host / "log").read_text()


def test_only_what_has_been_healthy_is_started_again_when_it_ends(host, deploy):
    assert "restart" not in yaml.safe_load(Path("deploy/compose/compose.yaml").read_text())["services"]["model"]
    deploy()
    assert "update --restart unless-stopped the-container" in (host / "log").read_text().partition(" up ")[2]


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
    assert state(host) == [name_of_deployment(), name_of_deployment(), ""]
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
    assert state(host) == [before, before, ""]


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
    with pytest.raises(ProjectError, match=r"start NAME \| back \| address"):
        Host("me@host").run("sh", f"{package}/host.sh", "stop")


def test_the_pointer_is_where_the_documents_say():
    assert Path("deploy/release.yaml") == POINTER
