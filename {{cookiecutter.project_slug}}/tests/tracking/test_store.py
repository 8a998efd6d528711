"""Where runs are tracked, and that one process of a machine at a time does what must be done once."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import make_settings

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.tracking import store

URI = "sqlite:///x.db"
# Holds a lock until its input ends.
HOLD = f"""
import sys
from {package}.tracking import store
with store.alone("{URI}", "training"):
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


def test_a_server_that_is_gone_is_said_in_one_sentence(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ProjectError, match=r"^The tracking store http://127.0.0.1:9 cannot be used: .*$"):
        store.connect("http://127.0.0.1:9")


def test_one_process_waits_for_the_other_and_a_dead_one_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(store.tempfile, "tempdir", None)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ProjectError, match="Another process"), store.alone(URI, "training", wait=False):
            pass
        with store.alone(URI, "registering", wait=False), store.alone("sqlite:///y.db", "training", wait=False):
            pass
        other.kill()
    with store.alone(URI, "training"):
        assert list(Path(tmp_path).glob(f"{package}-*-training-*.lock"))
