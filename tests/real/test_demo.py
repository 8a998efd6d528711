"""Level 1's `make demo` fails when any part of it is broken, and takes own data. test_chain.py has its verdict."""

from pathlib import Path

import pytest
from support import check_that_the_demo_failed, demo, edit, use_own_data
from verdict_1 import check_verdict

pytestmark = pytest.mark.real


def stop_the_server(project: Path) -> None:
    edit(project / "src/my_ml_project/serving/server.py", "    start(place, ", "    return\n    start(place, ")


def answer_with_another_digest(project: Path) -> None:
    edit(
        project / "src/my_ml_project/serving/runtime.py",
        "            parameters=Parameters(sha256=self._sha256),",
        '            parameters=Parameters(sha256="0" * 64),',
    )


def answer_wrongly(project: Path) -> None:
    edit(
        project / "src/my_ml_project/serving/runtime.py",
        "predict(self._model, table, ",
        "predict(self._model, table[::-1], ",
    )


def change_the_schema(project: Path) -> None:
    edit(project / "data/schema.yaml", "east, ", "")


def lose_the_rollback(project: Path) -> None:
    move = '        pointed.move(pointer, release.previous, by, note or f"back from {release.release}")\n'
    edit(project / "src/my_ml_project/releases/releasing.py", move, "")


@pytest.mark.parametrize(
    ("sabotage", "failed_step"),
    [
        (stop_the_server, "serve the first release"),
        (answer_with_another_digest, "predict over HTTP, smoke test"),
        (answer_wrongly, "predict over HTTP, smoke test"),
        (change_the_schema, "fetch and check the table"),
        (lose_the_rollback, "predict over HTTP, smoke test"),
    ],
)
def test_one_part_broken_fails_the_demo_at_its_step(copied, sabotage, failed_step):
    sabotage(copied)
    check_that_the_demo_failed(copied, demo(copied, check=False), failed_step)


@pytest.mark.parametrize("name", ["wine", "houses"])  # several classes; a number, with times, texts and gaps
def test_own_data_goes_through_the_demo_with_the_settings_changed_alone(copied, name):
    use_own_data(copied, name)
    demo(copied)
    check_verdict(copied)
