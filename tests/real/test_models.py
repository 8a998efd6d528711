"""Other models than the shipped one, as somebody writes them into core/model.py."""

import json
import shutil
from pathlib import Path

import pytest
from servers import served
from support import INSIDE, code_blocks, configure, edit, project_command, run

pytestmark = pytest.mark.real
BOOSTERS = ("--with", "lightgbm>=4.7", "--with", "xgboost-cpu")
MODEL = "src/my_ml_project/core/model.py"
XGBOOST = '''
from xgboost import XGBClassifier


def build(params: Settings) -> BaseEstimator:
    """The unfitted estimator."""
    return XGBClassifier(**{"random_state": params.model.seed} | params.model.parameters)
'''
OWN_COLUMN = '''
from sklearn.base import TransformerMixin
from sklearn.pipeline import make_pipeline

from .features import prepare_columns as prepare_known


class Support(TransformerMixin, BaseEstimator):
    """Calls in each month."""

    def fit(self, X: pd.DataFrame, y: pd.Series | None = None) -> "Support":
        """Nothing is to be learned."""
        self.fitted_ = True
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The columns, and the new one."""
        return X.assign(calls_a_month=X["support_calls"] / (X["tenure_months"] + 1))


def prepare_columns(X: pd.DataFrame) -> BaseEstimator:
    """The columns, and one more."""
    return make_pipeline(Support(), prepare_known(Support().transform(X)))
'''
# What the latest model says of its example rows, as a server names and shapes it.
ASK_THE_MODEL = """
import json
from pathlib import Path
from my_ml_project.core.kept_models import latest_model
from my_ml_project.core.predict import predict
model = latest_model(Path("models"))
print(json.dumps({name: column.tolist() for name, column in predict(model.load(), model.example()).items()}))
"""


def write_into_model(project: Path, code: str) -> None:
    """Put functions into core/model.py in the place of those of the same name; imports to the top, as ruff wants it."""
    path = project / MODEL
    source = path.read_text("utf-8")
    if "def build(" in code:
        start, end = source.index("def build("), source.index("def score(")
        source = source[:start] + source[end:]
    if "def prepare_columns(" in code:
        (line,) = [line for line in source.splitlines(True) if "import prepare_columns as" in line]
        source = source.replace(line, "")
    imports, _, functions = code.partition("\n\n\n")
    place = source.index("from ..settings import")
    source = source[:place] + imports.lstrip() + "\n" + source[place:] + "\n\n" + functions
    path.write_text(source, encoding="utf-8")
    run("uv", "run", "ruff", "check", "-q", "--fix", path, cwd=project)
    run("uv", "run", "ruff", "format", "-q", path, cwd=project)


@pytest.mark.parametrize("way", ["the example of docs/models.md", "XGBoost"])
def test_another_model_is_trained_released_and_served_by_changing_the_seam_alone(copied, tmp_path, way):
    if way == "XGBoost":
        run("uv", "add", "xgboost-cpu", cwd=copied)
        code = XGBOOST
    else:
        (code,) = code_blocks((copied / "docs/models.md").read_text("utf-8"), "python")
    write_into_model(copied, code)
    for check in (["ruff", "check", "src"], ["ruff", "format", "--check", "src"], ["mypy"]):
        run("uv", "run", *check, cwd=copied)
    run("uv", "run", "pytest", "-q", "-n", "0", "tests/core/test_model.py", "tests/test_layers.py", cwd=copied)
    configure(copied, model={"seed": 1, "parameters": {"learning_rate": 0.05, "max_depth": 4}})
    project_command(copied, "train")
    project_command(copied, "evaluate")
    project_command(copied, "publish")
    expected = json.loads(run("uv", "run", "python", "-c", ASK_THE_MODEL, cwd=copied).stdout)
    assert {*expected["prediction"]} <= {"yes", "no"}
    with served(copied, tmp_path / "log") as server:
        answers = {tensor["name"]: tensor["data"] for tensor in server.answer}
    assert answers == expected


def test_what_nobody_has_looked_at_ends_the_training_with_the_line_to_add(copied_2):
    write_into_model(copied_2, OWN_COLUMN)
    done = project_command(copied_2, "train", check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.endswith('add to TRUSTED in core/model.py:\n    "my_ml_project.core.model.Support",\n')
    edit(copied_2 / MODEL, "TRUSTED = [\n", 'TRUSTED = [\n    "my_ml_project.core.model.Support",\n')
    project_command(copied_2, "train")
    assert "4000 rows" in project_command(copied_2, "predict", "data/customers.csv").stdout
    configure(copied_2, model={"seed": 0, "parameters": {"max_itre": 5}})
    said = project_command(copied_2, "train", check=False).stderr
    assert "LogisticRegression has no parameter 'max_itre'. Did you mean 'max_iter'?" in said


def test_models_of_every_day_go_all_ways(copied_2):
    """The project's own tests of them, with the boosters that it does not have, and what would take it too long."""
    shutil.copy(INSIDE.parent / "level_2" / "whole_way.py", copied_2 / "tests/pipelines/test_all_families.py")
    tests = [
        "core/test_families.py",
        "core/test_malicious_models.py",
        "serving/test_runtime.py",
        "serving/test_grpc.py",
    ]
    tests = [f"tests/{name}" for name in (*tests, "pipelines/test_all_families.py")]
    done = run("uv", "run", *BOOSTERS, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=copied_2)
    assert " passed" in done.stdout and "skipped" not in done.stdout
