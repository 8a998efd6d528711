"""Where runs are tracked, and that one process of a machine at a time does what must be done once."""

import subprocess
import sys

import pytest
from conftest import make_settings
from in_process import empty_store

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.tracking import store

# Holds a lock until its input ends.
HOLD = f"""
import sys
from {package}.tracking import store
with store.alone(sys.argv[1], "training"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_environment_goes_before_the_settings_and_a_file_is_the_same_from_everywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = make_settings(state={"tracking": "sqlite:///runs/mlflow.db"})
    assert store.address(settings) == f"sqlite:///{tmp_path}/runs/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.com")
    assert store.address(settings) == "https://mlflow.example.com"
    assert store.is_local(store.address(make_settings())) is False


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns", "postgresql://host/db"])
def test_another_kind_of_store_is_refused(uri):
    with pytest.raises(ProjectError, match="no place to track runs"):
        store.address(make_settings(state={"tracking": uri}))


def test_an_account_in_the_address_is_refused_without_repeating_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@mlflow.example.com")
    with pytest.raises(ProjectError, match="in variables") as error:
        store.address(make_settings())
    assert "secret" not in str(error.value)


def test_a_store_that_was_moved_is_not_written_to(tmp_path):
    (tmp_path / "here").mkdir()
    empty_store(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    with pytest.raises(ProjectError, match=r"If the project was moved, move it back"):
        store.connect(f"sqlite:///{tmp_path}/there/mlflow.db")
    assert not (tmp_path / "here").exists()


def test_what_is_no_database_is_said_before_mlflow_tries_it_for_minutes(tmp_path):
    (tmp_path / "text").write_text("no database " * 100)
    for name, why in (("text", "file is not a database"), ("", "unable to open database file")):
        uri = f"sqlite:///{tmp_path / name}"
        with pytest.raises(ProjectError, match=f"^The tracking store {uri} cannot be used: {why}$"):
            store.connect(uri)
    assert (tmp_path / "text").read_text() == "no database " * 100


def test_a_server_that_is_gone_is_said_in_one_sentence(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ProjectError, match=r"^The tracking store http://127.0.0.1:9 cannot be used: .*$"):
        store.connect("http://127.0.0.1:9")


@pytest.mark.parametrize("place", ["sqlite:///{}/mlflow.db", "http://127.0.0.1:9{}"])
def test_one_process_waits_for_the_other_and_a_dead_one_holds_nobody_up(tmp_path, monkeypatch, place):
    monkeypatch.setenv("HOME", str(tmp_path))
    uri, told = place.format(tmp_path), []
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with store.alone(uri, "registering", told.append), store.alone(f"{uri}2", "training", told.append):
            assert told == []
        with store.alone(uri, "training", lambda said: (told.append(said), other.kill())):
            assert len(told) == 1 and told[0].startswith("Waiting: another process is training")
