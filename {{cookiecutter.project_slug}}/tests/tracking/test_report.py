"""The report lists every finished run, best first, and draws them over time."""

from pathlib import Path

import pandas as pd
from conftest import write_params
from in_process import empty_store

from {{cookiecutter.project_slug}}.tracking import registry, runs, store


def finished_run(client, score: float, **tags: str) -> str:
    """A finished run with this score."""
    run = client.create_run(store.experiment_of(client), tags={runs.MAIN_SCORE: "r2", runs.TRIGGER: "new data"} | tags)
    client.log_metric(run.info.run_id, "r2", score)
    client.log_metric(run.info.run_id, "train_rows", 150)
    client.set_terminated(run.info.run_id)
    return run.info.run_id


def test_runs_are_listed_best_first_with_version_and_alias(run, tmp_path):
    write_params()
    client, _ = empty_store(tmp_path)
    assert "No run is tracked" in run("report")
    good, bad = finished_run(client, 0.75), finished_run(client, 0.25)
    finished_run(client, 0.9, **{runs.MAIN_SCORE: "roc_auc"})  # answers another question
    registry.register(client, "file:///model", good, {runs.MADE: "a"})
    for around, value in (("low", 0.7), ("high", 0.8), ("baseline", -0.1)):
        client.log_metric(good, f"{around}/r2", value)
    newest = finished_run(client, 0.5)
    client.set_terminated(client.create_run(store.experiment_of(client)).info.run_id, "FAILED")
    assert "performance.png" in run("report")
    table = pd.read_csv("reports/leaderboard.csv", keep_default_na=False)
    assert list(table["run"]) == [good, newest, bad] and list(table["r2"]) == [0.75, 0.5, 0.25]
    assert table[["low", "high", "baseline"]].values.tolist() == [["0.7", "0.8", "-0.1"], *[[""] * 3] * 2]
    assert list(table["version"].astype(str)) == ["1", "", ""] and list(table["alias"]) == ["challenger", "", ""]
    assert Path("reports/performance.png").read_bytes().startswith(b"\x89PNG")


def test_a_server_has_its_own_user_interface(run, monkeypatch):
    write_params()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert "open http://127.0.0.1:9 in a browser" in run("ui")


def test_without_the_user_interface_it_is_said_how_to_get_it(run, monkeypatch):
    from {{cookiecutter.project_slug}}.tracking import commands

    write_params()
    monkeypatch.setattr(commands, "find_spec", lambda name: None)
    assert "make ui" in run("ui")
