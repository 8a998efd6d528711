"""The pipeline: which component gets what from which."""

from collections.abc import Callable

from kfp import dsl

from ... import __name__ as package
from . import IMAGE, components


def training_pipeline(image: str = IMAGE) -> Callable:
    """The pipeline, whose components run in this image.

    What is done once is not done again for the same job and content: a cluster remembers it, but looks at the content
    each time.
    """

    @dsl.pipeline(name=f"{package.replace('_', '-')}-training")
    def training(job: str) -> str:
        content = components.fingerprint(job=job).set_caching_options(enable_caching=False)
        prepared = components.prepare(job=job, content_sha256=content.output)
        checked, train_rows, test_rows = (prepared.outputs[name] for name in ("checked", "train_rows", "test_rows"))
        trained = components.train(job=job, train_rows=train_rows)
        evaluated = components.evaluate(
            job=job, checked=checked, train_rows=train_rows, test_rows=test_rows, fitted=trained.outputs["fitted"]
        )
        registered = components.register(
            job=job,
            checked=checked,
            judged=evaluated.outputs["judged"],
            compared=evaluated.outputs["compared"],
        )
        for task in (content, prepared, trained, evaluated, registered):
            task.set_container_image(image)
        return registered.output

    return training
