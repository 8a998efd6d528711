"""Where the pipeline runs: on this machine, a process for each step, or on a cluster."""

import logging
import re
import shlex
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ... import __name__ as package
from ...errors import ProjectError
from ..job import FOR_PEOPLE, Job, as_text

if TYPE_CHECKING:
    import kfp

LAST_LINES = 15


class Log:
    """What the steps print, kept in a file; what they say to people goes to the screen too."""

    def __init__(self, file: IO[str], screen: IO[str]) -> None:
        """file: where all of it goes."""
        self._file, self._screen = file, screen

    def write(self, text: str) -> int:
        """Keep the text, and show what is for people."""
        if text.startswith(FOR_PEOPLE):
            self._screen.write(text.removeprefix(FOR_PEOPLE))
            self._screen.flush()
        return self._file.write(text)

    def flush(self) -> None:
        """Have it in the file."""
        self._file.flush()


def run_here(job: Job, log: Path) -> str:
    """Run the pipeline with kfp's own local runner; the id of the run that it is tracked as.

    log: the file for what the steps print. Raises ProjectError that says why a step failed.
    """
    from kfp import local

    from .definition import training_pipeline

    warnings.filterwarnings("ignore", module="kfp")  # that the image is none of Python's: here there is no image
    with tempfile.TemporaryDirectory(prefix="pipeline-") as root, log.open("w", encoding="utf-8") as file:
        told = Path(root) / "job.json"  # and not in a program's words, of which Linux takes only so many
        told.write_text(job.model_dump_json(), encoding="utf-8")
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=root, raise_on_error=True)
        try:
            with redirect_stdout(Log(file, sys.stdout)), quoted_executable():
                return str(training_pipeline()(job=str(told.absolute())).output)
        except RuntimeError:
            file.flush()
            raise ProjectError(why(log.read_text(encoding="utf-8"), log)) from None


@contextmanager
def quoted_executable() -> Iterator[None]:
    """Let kfp, which puts the path of Python into a shell's command as it is, find one with spaces in it."""
    path, sys.executable = sys.executable, shlex.quote(sys.executable)
    try:
        yield
    finally:
        sys.executable = path


def why(log: str, path: Path) -> str:
    """Why the last step failed, from what it printed: its ProjectError, or its last lines."""
    said = re.findall(r"^ *\S*ProjectError: (.*?)\n\s*\n", log, re.DOTALL | re.MULTILINE)
    if said:
        return str(said[-1]).replace("\n    ", "\n")
    lines = [line for line in log.splitlines() if line.strip()][-LAST_LINES:]
    return "A step of the pipeline failed:\n" + "\n".join(lines) + f"\n{path} has all of it."


def compile_to(path: Path, image: str) -> None:
    """Write the pipeline for a cluster, whose steps run in this image."""
    from kfp import compiler

    from .definition import training_pipeline

    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(training_pipeline(image), str(path))


def on_cluster(host: str) -> "kfp.Client":
    """A client of Kubeflow Pipelines at this address. Raises ProjectError where there is none."""
    import kfp

    warnings.filterwarnings("ignore", category=FutureWarning, module="kfp")
    logging.disable(logging.ERROR)  # the client shows each of its attempts with a traceback
    try:
        client = kfp.Client(host=host)
        client.list_experiments(page_size=1)
    except Exception as error:  # no server, no right to use it: each part of the client has errors of its own
        raise ProjectError(f"Kubeflow Pipelines at {host} cannot be used: {error}") from None
    return client


def submit(job: Job, host: str, image: str) -> str:
    """Run the pipeline on the cluster at this address, now; the id of the run there."""
    client = on_cluster(host)
    with compiled(image) as path:
        run = client.create_run_from_pipeline_package(
            str(path), arguments={"job": as_text(job)}, experiment_name=package
        )
    return str(run.run_id)


def schedule(job: Job, host: str, image: str, cron: str) -> str:
    """Run the pipeline on the cluster at these times, never twice at once; the id of the recurring run there."""
    client = on_cluster(host)
    with compiled(image) as path:
        run = client.create_recurring_run(
            client.create_experiment(package).experiment_id,
            f"{package}-new-data",
            cron_expression=cron,
            max_concurrency=1,
            no_catchup=True,
            pipeline_package_path=str(path),
            params={"job": as_text(job)},
        )
    return str(run.recurring_run_id)


@contextmanager
def compiled(image: str) -> Iterator[Path]:
    """The pipeline as a file, for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "training.yaml"
        compile_to(path, image)
        yield path
