"""One definition of the pipeline: what a cluster gets of it, and that it runs here, a process for each step."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import make_settings, schema_of, write_params
from in_process import empty_store, make_job

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}}.core.schema import Category, Number, Text
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.pipelines.job import as_text, read_job
from {{cookiecutter.project_slug}}.pipelines.kubeflow import runners
from {{cookiecutter.project_slug}}.tracking import registry, runs

STEPS = ["fingerprint", "prepare", "train", "evaluate", "register"]
BY_TIME = {"drop": ["order"], "time": "day"}


@pytest.fixture
def compiled(tmp_path) -> dict:
    """The pipeline as a cluster gets it, for this image."""
    runners.compile_to(tmp_path / "training.yaml", "registry.example.com/team/training:1")
    return yaml.safe_load((tmp_path / "training.yaml").read_text("utf-8"))


def test_a_cluster_gets_each_step_in_the_image_and_nothing_to_install(compiled):
    containers = {name: one["container"] for name, one in compiled["deploymentSpec"]["executors"].items()}
    assert set(containers) == {f"exec-{name}" for name in STEPS}
    for container in containers.values():
        assert container["image"] == "registry.example.com/team/training:1"
        assert "pip install" not in " ".join(container["command"])
        assert f"from {package}.pipelines import steps" in " ".join(container["command"])


def test_all_but_the_look_at_the_content_is_remembered_by_what_it_is_given(compiled):
    tasks = compiled["root"]["dag"]["tasks"]
    assert {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")} == set(STEPS[1:])
    assert list(compiled["root"]["inputDefinitions"]["parameters"]) == ["job"]
    given = tasks["prepare"]["inputs"]["parameters"]["content_sha256"]
    assert given["taskOutputParameter"]["producerTask"] == "fingerprint"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_what_is_compiled_is_the_same_in_every_process_and_whatever_the_settings(compiled, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    write_params(model={"seed": int(seed)})
    command = (Path(sys.executable).with_name(package), "pipeline", "compile", "--out", "again.yaml")
    named = {"TRAINING_IMAGE": "registry.example.com/team/training:1", "PYTHONHASHSEED": seed}
    subprocess.run(command, env=os.environ | named, check=True)
    assert (tmp_path / "again.yaml").read_bytes() == (tmp_path / "training.yaml").read_bytes()


def test_it_runs_here(orders, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    client, uri = empty_store(tmp_path)
    # A job longer than a word that Linux passes to a program, with what kfp would take for its own.
    schema = schema_of(orders) | {"day": Text(missing=False)}  # as before there were dates in a schema
    many = [f"a shop of many, {number}" for number in range(9_000)]
    schema["shop"] = Category(missing=True, values=[*schema["shop"].values, *many])
    note = "{" + "{$.inputs}} and {" + "{workflow.name}}"
    job = make_job(orders, make_settings(data=BY_TIME), uri, tmp_path, columns=schema, note=note)
    assert len(job.model_dump_json()) > 2**17
    run_id = runners.run_here(job, tmp_path / "pipeline.log")
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED" and registry.by_run(client, run_id)
    assert run.data.tags["mlflow.note.content"] == note
    pictures = [path.read_bytes() for path in runs.download(run_id, "report", tmp_path / "kept").glob("*.png")]
    assert len(pictures) == 5 and all(content.startswith(b"\x89PNG") for content in pictures)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Checked 200 rows, 8 columns" and len(said) == 4  # the rest is in the log alone
    assert "Executing task" in (tmp_path / "pipeline.log").read_text("utf-8")


def test_a_job_that_a_cluster_would_not_pass_on_is_refused(orders, tmp_path):
    job = make_job(orders, make_settings(), "", tmp_path, columns=schema_of(orders))
    assert read_job(as_text(job)) == job and re.fullmatch(r"[\w=-]+", as_text(job))
    random = np.random.default_rng(0)
    many = {f"{random.bytes(20).hex()}": Number(missing=True, min=random.normal()) for _ in range(4_000)}
    with pytest.raises(ProjectError, match="the table has too many columns"):
        as_text(job.model_copy(update={"columns": many}))


def test_a_step_that_fails_ends_it_with_its_reason_and_registers_nothing(orders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    client, uri = empty_store(tmp_path)
    broken = orders.assign(days=orders["days"] * 1000, shop="moon")
    job = make_job(broken, make_settings(), uri, tmp_path, columns=schema_of(orders, ["order", "day"]))
    reason = r"(?s)^The table does not fit the schema:\n  column days: .*\n  column shop: "
    with pytest.raises(ProjectError, match=reason):
        runners.run_here(job, tmp_path / "pipeline.log")
    assert registry.versions(client) == [] and runs.search(client, "") == []


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("x\n    Traceback\n    p.errors.ProjectError: first\n      second\n    \n\n12:00 INFO", "first\n  second"),
        ("x\n    Traceback\n    ValueError: bug\n", "ValueError: bug"),
    ],
)
def test_the_reason_is_found_in_what_the_step_printed(log, said, tmp_path):
    assert said in runners.why(log, tmp_path)


def test_a_cluster_that_is_not_there_is_one_sentence(orders, tmp_path):
    job = make_job(orders, make_settings(), "http://127.0.0.1:9", tmp_path)
    with pytest.raises(ProjectError, match=r"^Kubeflow Pipelines at http://127.0.0.1:9 cannot be used: "):
        runners.submit(job, "http://127.0.0.1:9", "training:1")
