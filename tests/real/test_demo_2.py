"""Level 2's `make demo` fails when any part is broken, and runs on MLflow's server. test_chain.py has its verdict."""

from pathlib import Path

import pytest
from servers import serving
from support import check_that_the_demo_fails, demo, edit, use_own_data
from verdict_2 import check_verdict

pytestmark = pytest.mark.real
PACKAGE = "src/my_ml_project"


def register_nothing(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/steps.py", "if not found.missed:", "if False:")


def reproduce_from_other_rows(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/reproduction.py", "train(job, train_rows,", "train(job, test_rows,")


def lose_the_pointer(project: Path) -> None:
    edit(project / PACKAGE / "releases/commands.py", "    write_pointer(pointer)\n", "")


def let_the_champion_be(project: Path) -> None:
    edit(project / PACKAGE / "candidates/commands.py", "        follow(client)\n\n\ndef propose", "\n\ndef propose")


def watch_nothing(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/intake.py", "    from watchfiles", "    return\n    from watchfiles")


def train_on_what_is_known(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/commands.py", '"new data" if if_new else "by hand"', '"by hand"')


def check_no_schema(project: Path) -> None:
    edit(project / PACKAGE / "core/data.py", "    check_table(table, schema)\n", "")


@pytest.mark.parametrize(
    ("sabotage", "failed_step"),
    [
        (register_nothing, "train on 3600 rows"),
        (reproduce_from_other_rows, "reproduce the first run"),
        (lose_the_pointer, "release version 1 by hand"),
        (let_the_champion_be, "release version 1 by hand"),
        (watch_nothing, "watch the file from now on: no run"),
        (train_on_what_is_known, "watch the file from now on: no run"),
        (check_no_schema, "a bad batch: quarantine, no run"),
    ],
)
def test_one_part_broken_fails_the_demo_at_its_step(copied_2, sabotage, failed_step):
    check_that_the_demo_fails(copied_2, sabotage, failed_step)


def test_own_data_on_a_real_server_of_mlflow_is_the_same_demo(copied_2, tmp_path):
    use_own_data(copied_2, "houses")  # a number, with times, texts and gaps
    command = ("uv", "run", "--isolated", "--group", "ui", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1")
    stores = (f"--backend-store-uri=sqlite:///{tmp_path}/server.db", f"--artifacts-destination={tmp_path}/files")
    with serving(*command, *stores, cwd=copied_2, log=tmp_path / "log") as url:
        edit(
            copied_2 / "demo/level_2/promise.py",
            "self.tracking = f\"{store.SQLITE}{folder.absolute() / 'mlflow.db'}\"",
            f'self.tracking = "{url}"',
        )
        demo(copied_2)
        check_verdict(copied_2, url)
    assert not (copied_2 / "demo/workspace/mlflow.db").exists()
