"""What a served model answers is in the log, over HTTP and by `predict`, and is labelled, exported and forgotten."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import schema_of, write_params
from logs import rows_in

from {{cookiecutter.project_slug}} import __name__ as package
from {{cookiecutter.project_slug}} import discovery
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.core.schema_file import write_schema
from {{cookiecutter.project_slug}}.core.tables import SCHEMA
from {{cookiecutter.project_slug}}.monitoring.parts import Parts
from {{cookiecutter.project_slug}}.serving import observers
from {{cookiecutter.project_slug}}.serving.client import call, wait_until_ready
from {{cookiecutter.project_slug}}.serving.protocol import to_request
from {{cookiecutter.project_slug}}.serving.server import free_port

INFER = f"/v2/models/{package}/infer"
RUN = "from pathlib import Path; from {0}.serving.server import run; run(Path({1!r}), {2})"


@pytest.fixture
def released(run, make_model, orders):
    """The model that is released, in a project whose rows are about an order."""
    write_params(data={"uri": "orders.csv", "key": "order", "drop": ["day"]})
    Path("monitoring.yaml").write_text("{}")
    SCHEMA.parent.mkdir()
    write_schema(schema_of(orders, open_ended=["order"]), SCHEMA)
    folder = make_model(key="order")
    run("publish")
    return folder


def test_all_that_a_server_has_answered_is_logged_when_it_ends(released):
    rows, port = released.example(), free_port()
    body = to_request(rows.assign(order="A900"), released.record.features | released.record.key)
    server = subprocess.Popen([sys.executable, "-c", RUN.format(package, str(released.place), port)])
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", running=lambda: server.poll() is None)
        for number in range(20):
            call(f"http://127.0.0.1:{port}{INFER}", body | {"id": f"request-{number}"})
    finally:
        server.terminate()
        assert server.wait() == 0
    logged = pd.DataFrame(rows_in(Parts("predictions")))
    assert len(logged) == 100 and set(logged["model"]) == {released.sha256} and set(logged["key"]) == {"A900"}
    assert logged.groupby("id")["row"].apply(sorted).tolist() == [[0, 1, 2, 3, 4]] * 20
    first = logged[logged["id"] == "request-7"].sort_values("row").reset_index(drop=True)
    for kind, table in (("feature", rows), ("answer", predict(released.load(), rows))):
        for name in table:
            expected = table[name].reset_index(drop=True)
            pd.testing.assert_series_equal(first[f"{kind}.{name}"], expected, check_names=False, check_dtype=False)


def test_predicted_labelled_written_out_and_forgotten_by_commands(run, released, monkeypatch):
    monkeypatch.setattr(observers, "modules", discovery.modules)
    rows = released.example().assign(order=["A1", "A2", "A3", "A4", "A5"])
    rows.to_csv("rows.csv", index=False)
    assert "5 rows" in run("predict", "rows.csv", "--released", "--out", "answers.csv")
    ids = pd.read_csv("answers.csv")["prediction_id"]
    Path("came true").mkdir()
    Path("came true/1.csv").write_text(f"prediction_id,returned\n{ids[0]},yes\n{ids[1]},no\nnobody,no\n")
    Path("came true/2.csv").write_text("order,returned\nA3,yes\nA2,yes\n")
    assert run("labels", "came true").splitlines() == [
        "came true/1.csv: 3 labels taken",
        "came true/2.csv: 2 labels taken",
    ]
    Path("came true/3.csv").write_text("order,returned\nA3,perhaps\n")
    assert "1 of 3 tables of labels could not be taken" in run("labels", "came true")
    found = dict(line.split() for line in run("labels").splitlines()[-5:])
    assert found == {"counts": "3", "repeated": "0", "corrected": "1", "late": "0", "unknown": "1"}
    assert "5 predictions, 3 with a label, are in out.csv" in run("predictions", "export", "--out", "out.csv")
    table = pd.read_csv("out.csv").sort_values("row")
    assert table["label"].fillna("").tolist() == ["yes", "yes", "yes", "", ""]
    assert table["key"].tolist() == ["A1", "A2", "A3", "A4", "A5"] and table["release"].nunique() == 1
    assert "1 predictions and 2 labels are forgotten" in run("predictions", "forget", "A2")
    assert "There is nothing about 'A2'" in run("predictions", "forget", "A2")
    assert "4 predictions, 2 with a label" in run("predictions", "export", "--out", "out.csv")
    assert "files are put together" in run("predictions", "tidy")
    assert "4 predictions, 2 with a label" in run("predictions", "export", "--out", "out.csv")


def test_labels_need_the_schema_of_the_table(run, released):
    SCHEMA.unlink()
    Path("labels.csv").write_text("order,returned\nA1,yes\n")
    assert "fetch the data first" in run("labels", "labels.csv")
    assert "fetch the data first" in run("serve-labels")
