"""Where nothing stays that is kept on one machine, `predict` says what to set, and does nothing else."""

from pathlib import Path

import fsspec
import pytest
from conftest import make_orders, write_params

SHARED, THERE = {"state": {"releases": "memory://shared/releases"}}, "memory://shared/answers.csv"


@pytest.fixture(autouse=True)
def project(run, make_model, monkeypatch):
    """A project whose releases are elsewhere, with a released model and a table, where SHARED_STORES is set."""
    write_params(**SHARED)
    make_model()
    run("publish")
    orders = make_orders()
    orders.assign(gift=orders["days"] > 7).to_csv("orders.csv", index=False)
    monkeypatch.setenv("SHARED_STORES", "1")
    yield
    fsspec.filesystem("memory").rm("/shared", recursive=True)


def files() -> list[Path]:
    return sorted(Path().rglob("*"))


def test_what_others_reach_is_read_and_written(run):
    assert f"are in {THERE}" in run("predict", "orders.csv", "--out", THERE, "--released")
    assert fsspec.filesystem("memory").cat(THERE).count(b"\n") == 201


@pytest.mark.parametrize("out", ["answers.csv", "{}/answers.csv", "file://{}/answers.csv"])
def test_an_output_of_this_machine_alone_is_refused(run, tmp_path, out):
    before, out = files(), out.format(tmp_path)
    said = run("predict", "orders.csv", "--out", out)
    assert f"would be in {out}, on this machine alone. Set PREDICT_OUT" in said and files() == before


def test_without_an_output_or_a_table_it_is_said_what_to_set(run):
    assert "would be in predictions.csv" in run("predict", "orders.csv", "--released")
    assert "Set PREDICT_TABLE to its address" in run("predict", "--out", THERE, "--released")


def test_releases_of_this_machine_alone_are_refused_where_one_is_asked(run):
    write_params(state={"releases": "releases"})
    words = ("predict", "orders.csv", "--out", THERE)
    assert "Set state.releases in params.yaml" in run(*words, "--released")
    assert not fsspec.filesystem("memory").exists(THERE) and "200 rows" in run(*words)


def test_a_secret_in_an_address_is_not_shown(run):
    said = run("predict", "orders.csv", "--out", "s9://key:secret@bucket/answers.csv")
    assert "s9://bucket/answers.csv cannot be used" in said and "secret" not in said


def test_by_hand_a_file_of_this_machine_will_do(run, monkeypatch):
    monkeypatch.delenv("SHARED_STORES")
    assert "200 rows" in run("predict", "orders.csv", "--released")
    assert "on this machine alone" in run("predict", "orders.csv", "--released", "--shared")
