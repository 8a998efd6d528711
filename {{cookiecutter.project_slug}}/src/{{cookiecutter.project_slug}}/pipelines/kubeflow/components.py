"""The steps as components. Only the body of each is sent to a cluster: it finds the package in the image."""

from functools import partial

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from . import IMAGE

component = partial(dsl.component, base_image=IMAGE, install_kfp_package=False)  # the image has kfp


@component
def fingerprint(job: str) -> str:
    """The fingerprint of the content that there is now."""
    from {{cookiecutter.project_slug}}.pipelines import steps

    return steps.fingerprint(steps.read_job(job))


@component
def validate(job: str, content_sha256: str, checked: Output[Dataset]) -> None:
    """A table that fits the schema."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import steps

    steps.validate(steps.read_job(job), content_sha256, Path(checked.path))


@component
def prepare(job: str, checked: Input[Dataset], train_rows: Output[Dataset], test_rows: Output[Dataset]) -> None:
    """The rows to train on and the rows held out."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import steps

    steps.prepare(steps.read_job(job), Path(checked.path), Path(train_rows.path), Path(test_rows.path))


@component
def train(job: str, train_rows: Input[Dataset], fitted: Output[Model]) -> None:
    """A fitted model."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import steps

    steps.train(steps.read_job(job), Path(train_rows.path), Path(fitted.path))


@component
def evaluate(
    job: str,
    checked: Input[Dataset],
    train_rows: Input[Dataset],
    test_rows: Input[Dataset],
    fitted: Input[Model],
    judged: Output[Model],
    scores: Output[Metrics],
) -> None:
    """The folder of the model as it is served, and its scores on the rows held out."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import steps

    folders = [Path(one.path) for one in (checked, train_rows, test_rows, fitted, judged)]
    for name, score in steps.evaluate(steps.read_job(job), *folders).items():
        scores.log_metric(name, score)


@component
def compare(job: str, test_rows: Input[Dataset], judged: Input[Model], compared: Output[Artifact]) -> None:
    """The comparison with the champion, as JSON and as a picture."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import steps

    steps.compare(steps.read_job(job), Path(test_rows.path), Path(judged.path), Path(compared.path))


@component
def register(job: str, checked: Input[Dataset], judged: Input[Model], compared: Input[Artifact]) -> str:
    """The id of the run that the training is tracked as."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import steps

    return steps.register(steps.read_job(job), Path(checked.path), Path(judged.path), Path(compared.path))
