"""The steps as components. Only the body of each is sent to a cluster: it finds the package in the image.

Each component is a process, here and in a pod of a cluster, and has to import what it needs: steps that need the same
libraries one after the other share one.
"""

from functools import partial

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from . import IMAGE

component = partial(dsl.component, base_image=IMAGE, install_kfp_package=False)  # the image has kfp


@component
def fingerprint(job: str) -> str:
    """The fingerprint of the content that there is now."""
    from {{cookiecutter.project_slug}}.pipelines import job as jobs
    from {{cookiecutter.project_slug}}.pipelines import steps

    return steps.fingerprint(jobs.read_job(job))


@component
def prepare(
    job: str, content_sha256: str, checked: Output[Dataset], train_rows: Output[Dataset], test_rows: Output[Dataset]
) -> None:
    """A table that fits the schema, its rows to train on and its rows held out."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import job as jobs
    from {{cookiecutter.project_slug}}.pipelines import steps

    told, table = jobs.read_job(job), Path(checked.path)
    steps.validate(told, content_sha256, table)
    steps.prepare(told, table, Path(train_rows.path), Path(test_rows.path))


@component
def train(job: str, train_rows: Input[Dataset], fitted: Output[Model]) -> None:
    """A fitted model."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import job as jobs
    from {{cookiecutter.project_slug}}.pipelines import steps

    steps.train(jobs.read_job(job), Path(train_rows.path), Path(fitted.path))


@component
def evaluate(
    job: str,
    checked: Input[Dataset],
    train_rows: Input[Dataset],
    test_rows: Input[Dataset],
    fitted: Input[Model],
    judged: Output[Model],
    compared: Output[Artifact],
    scores: Output[Metrics],
) -> None:
    """The folder of the model as it is served, its scores on the rows held out, and it beside the champion."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import job as jobs
    from {{cookiecutter.project_slug}}.pipelines import steps

    told, table, model = jobs.read_job(job), Path(checked.path), Path(judged.path)
    found = steps.evaluate(told, table, Path(train_rows.path), Path(test_rows.path), Path(fitted.path), model)
    for name, score in found.items():
        scores.log_metric(name, score)
    steps.compare(told, table, model, Path(compared.path))


@component
def register(job: str, checked: Input[Dataset], judged: Input[Model], compared: Input[Artifact]) -> str:
    """The id of the run that the training is tracked as."""
    from pathlib import Path

    from {{cookiecutter.project_slug}}.pipelines import job as jobs
    from {{cookiecutter.project_slug}}.pipelines import steps

    return steps.register(jobs.read_job(job), Path(checked.path), Path(judged.path), Path(compared.path))
