"""Level 2's `make demo` fails when any part is broken, and runs on MLflow's server. test_chain.py has its verdict."""

from pathlib import Path

import pytest
from servers import serving
from support import check_that_the_demo_failed, demo, edit, run, use_own_data
from verdict_2 import check_verdict

pytestmark = pytest.mark.real
PACKAGE = "src/my_ml_project"
# Both are run in the project's environment. The demo, kept before each of two acts that have most of it before them:
BEGIN = """
import pickle, shutil, sys
from pathlib import Path
from demo.level_2 import Demo

def keep(act):
    shutil.copytree(demo.workspace.folder, Path(sys.argv[1], act))
    Path(sys.argv[1], f"{act}.pickle").write_bytes(pickle.dumps(demo))

demo = Demo(Path("demo/workspace"))
demo.check_table()
demo.train_first()
demo.reproduce()
keep("release")
demo.release("1", "release", "1")
keep("watch")
"""
# `make demo` from such an act to its end.
GO_ON = """
import os, pickle, shutil, sys
from pathlib import Path
from demo import __main__ as program

kept, act = sys.argv[1:]
demo = pickle.loads(Path(kept, f"{act}.pickle").read_bytes())
shutil.copytree(Path(kept, act), demo.workspace.folder)
os.environ["MLFLOW_TRACKING_URI"] = demo.tracking
demo.keep = {"release": lambda: demo.release("1", "release", "1"), "watch": demo.watch}[act]
program.demo_of_highest_level = lambda folder: demo
program.main()
"""


@pytest.fixture(scope="module")
def begun(in_place_2, tmp_path_factory) -> Path:
    """What a demo has kept before two of its acts: where these are broken, the others need not be done anew."""
    kept = tmp_path_factory.mktemp("kept")
    run("uv", "run", "python", "-c", BEGIN, kept, cwd=in_place_2)
    return kept


def go_on(project: Path, kept: Path, act: str):
    """Run the demo from this act on."""
    return run("uv", "run", "python", "-c", GO_ON, kept, act, cwd=project, check=False)


def register_nothing(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/steps.py", "if not record.missed:", "if False:")


def reproduce_from_other_rows(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/reproduction.py", "train(job, train_rows,", "train(job, test_rows,")


def lose_the_pointer(project: Path) -> None:
    edit(project / PACKAGE / "releases/releasing.py", "        pointed.move(before, pointer, by, note)\n", "")


def let_the_champion_be(project: Path) -> None:
    edit(
        project / PACKAGE / "tracking/after_release.py",
        "        registry.make_champion(store.connect(uri), sha256)\n",
        "        pass\n",
    )


def watch_nothing(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/intake.py", "    from watchfiles", "    return\n    from watchfiles")


def train_on_what_is_known(project: Path) -> None:
    edit(project / PACKAGE / "pipelines/commands.py", '"new data" if if_new else "by hand"', '"by hand"')


def check_no_schema(project: Path) -> None:
    edit(
        project / PACKAGE / "core/checking.py",
        "broken = self.found.setdefault((column, problem), Broken())",
        "broken = Broken()",
    )


@pytest.mark.parametrize(
    ("sabotage", "failed_step"),
    [
        (register_nothing, "train on 3600 rows"),
        (reproduce_from_other_rows, "reproduce the first run"),
    ],
)
def test_one_part_broken_fails_the_demo_at_its_step(copied_2, sabotage, failed_step):
    sabotage(copied_2)
    check_that_the_demo_failed(copied_2, demo(copied_2, check=False), failed_step)


@pytest.mark.parametrize(
    ("act", "sabotage", "failed_step"),
    [
        ("release", lose_the_pointer, "release version 1 by hand"),
        ("release", let_the_champion_be, "release version 1 by hand"),
        ("watch", watch_nothing, "watch the file from now on: no run"),
        ("watch", train_on_what_is_known, "watch the file from now on: no run"),
        ("watch", check_no_schema, "a bad batch: quarantine, no run"),
    ],
)
def test_one_part_broken_late_fails_a_demo_that_has_begun_well(begun, copied_2, act, sabotage, failed_step):
    sabotage(copied_2)
    check_that_the_demo_failed(copied_2, go_on(copied_2, begun, act), failed_step)


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
