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
    table = pd.read_csv(Path("notebooks", parameters["DATA"]), **{"na_values": [""]} | parameters["READ"])
    for name in table.select_dtypes("datetime").columns.difference([parameters["TIME"]]):
        table[name] = (table[name] - pd.Timestamp("1970-01-01")).dt.total_seconds() / 86_400
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


def scores_of(model, rows, truth, task, positive, threshold) -> dict[str, float]:
    """What the notebook should have scored, the main score first."""
    predicted = model.predict(rows)
    if task == "regression":
        off = np.asarray(truth - predicted)
        return {
            "r2": 1 - (off**2).sum() / ((truth - truth.mean()) ** 2).sum(),
            "mean_absolute_error": np.abs(off).mean(),
            "root_mean_squared_error": np.sqrt((off**2).mean()),
        }
    probabilities = model.predict_proba(rows)
    if task == "multiclass":
        taken = [list(model.classes_).index(value) for value in truth]
        return {
            "balanced_accuracy": np.mean([(predicted[truth == one] == one).mean() for one in set(truth)]),
            "macro_f1": metrics.f1_score(truth, predicted, average="macro"),
            "log_loss": -np.log(probabilities[np.arange(len(truth)), taken]).mean(),
        }
    hit, probability = (truth == positive).to_numpy(), probabilities[:, list(model.classes_).index(positive)]
    said = probability >= threshold
    return {
        "roc_auc": (probability[hit][:, None] > probability[~hit]).mean(),
        "average_precision": metrics.average_precision_score(hit, probability),
        "brier_score": ((probability - hit) ** 2).mean(),
        "precision": hit[said].mean(),
        "recall": said[hit].mean(),
    }


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
    how = [parameters[name] for name in ("TASK", "POSITIVE", "THRESHOLD")]
    found = scores_of(model, held_out, held_out[parameters["TARGET"]], *how)
    assert {name: float(row[name]) for name in found} == pytest.approx(found, abs=1e-6)
    main = next(iter(found))
    assert found[main] > {"roc_auc": 0.8, "balanced_accuracy": 0.9, "r2": 0.3}[main]


def test_the_history_names_the_estimator_and_the_threshold(parameters, history):
    wanted = {"regression": ("Ridge", ""), "multiclass": ("LogisticRegression", "")}
    wanted["binary"] = ("LogisticRegression", str(parameters["THRESHOLD"]))
    assert (history[-1]["model"], history[-1]["threshold"]) == wanted[parameters["TASK"]]


def test_the_receiver_sees_the_answers_of_the_saved_model_to_rows_held_out(model, table, parameters):
    (cell,) = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["id"] == "hand-over"]
    printed = "".join("".join(output["text"]) for output in cell["outputs"]).splitlines()[1:]
    example = pd.read_csv("models/example.csv", dtype=model.types_, keep_default_na=False, na_values=[""])
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
