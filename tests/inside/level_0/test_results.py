"""What a run of the notebook has left behind, looked at without any of the notebook's own code."""

import json
from pathlib import Path

import matplotlib.colors
import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from conftest import NOTEBOOK, cells
from sklearn import metrics
from skops.io import get_untrusted_types, load

PICTURES = ["target_balance", "feature_relations", "evaluation", "importance", "score_history"]


@pytest.fixture(scope="module")
def parameters() -> dict:
    """The parameter cell as values."""
    values: dict = {}
    exec(cells()["parameters"], values)
    return values


@pytest.fixture(scope="module")
def model():
    return load("models/model.skops", trusted=["numpy.dtype"])


@pytest.fixture(scope="module")
def table(parameters) -> pd.DataFrame:
    table = pd.read_csv(Path("notebooks", parameters["DATA"]), **parameters["READ"])
    return table.dropna(subset=[parameters["TARGET"]])


def test_every_cell_ran_in_order_and_without_a_warning():
    code = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output.get("name") == "stderr" or output["output_type"] == "error"]
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(shown) == len(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_hold_more_than_their_frame(name):
    pixels = matplotlib.image.imread(f"reports/{name}.png")[..., :3]
    first_colour = np.array(matplotlib.colors.to_rgb("C0"))  # what the data is drawn in; frames and words are black
    assert (np.abs(pixels - first_colour).max(axis=2) < 0.05).sum() > 30


def test_the_model_file_needs_no_trust_beyond_one_harmless_type():
    assert set(get_untrusted_types(file="models/model.skops")) <= {"numpy.dtype"}


def test_the_scores_in_the_history_are_those_of_the_saved_model(parameters, model, table, history):
    row = history[-1]
    assert int(row["train_rows"]) + int(row["test_rows"]) == len(table)
    if parameters["TIME"]:
        newest = pd.to_datetime(table[parameters["TIME"]]).sort_values(kind="stable").index[-int(row["test_rows"]) :]
        held_out = table.loc[newest]
    else:
        from sklearn.model_selection import train_test_split

        classes = None if parameters["TASK"] == "regression" else table[parameters["TARGET"]]
        held_out = train_test_split(table, test_size=0.25, random_state=parameters["SEED"], stratify=classes)[1]
    truth, predicted = held_out[parameters["TARGET"]], model.predict(held_out)
    if parameters["TASK"] == "binary":
        probability = model.predict_proba(held_out)[:, list(model.classes_).index(parameters["POSITIVE"])]
        found = {"roc_auc": metrics.roc_auc_score(truth == parameters["POSITIVE"], probability)}
    elif parameters["TASK"] == "multiclass":
        found = {"balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted)}
    else:
        found = {"r2": metrics.r2_score(truth, predicted)}
    for name, value in found.items():
        assert float(row[name]) == pytest.approx(value, abs=1e-6)
        assert value > {"roc_auc": 0.8, "balanced_accuracy": 0.9, "r2": 0.3}[name]


def test_the_receiver_sees_the_answers_of_the_saved_model_to_rows_held_out(model, table, parameters):
    (cell,) = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["id"] == "hand-over"]
    printed = "".join("".join(output["text"]) for output in cell["outputs"]).splitlines()[1:]
    example = pd.read_csv("models/example.csv")
    assert len(example) == len(printed) == 5
    assert not set(example) & {parameters["TARGET"], parameters["TIME"], *parameters["DROP"]}
    columns = model.predict_proba(example).T if hasattr(model, "predict_proba") else []
    for line, answer, *probabilities in zip(printed, model.predict(example), *columns, strict=True):
        words = line.split()[1:]
        if parameters["TASK"] == "regression":
            assert float(words[0]) == pytest.approx(answer, rel=1e-4)
        else:
            assert words[0] == str(answer)
            assert [float(word) for word in words[1:]] == pytest.approx(probabilities, abs=1e-5)
