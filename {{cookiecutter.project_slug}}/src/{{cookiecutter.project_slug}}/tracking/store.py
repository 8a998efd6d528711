"""Where runs and models are tracked: a file of this machine, or a server that MLFLOW_TRACKING_URI names."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from .. import __name__ as package
from ..core.storage import sha256
from ..errors import ProjectError
from ..settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import

ENVIRONMENT_VARIABLE = "MLFLOW_TRACKING_URI"
SQLITE = "sqlite:///"
ARTIFACTS = "mlartifacts"


def address(settings: Settings) -> str:
    """The tracking URI: that of the environment, else of params.yaml; the same whatever folder it is used in.

    Raises ProjectError for any other kind of store than SQLite and a server.
    """
    uri = os.environ.get(ENVIRONMENT_VARIABLE) or settings.state.tracking
    if uri.startswith(SQLITE):
        return SQLITE + str(Path(uri.removeprefix(SQLITE)).absolute())
    if uri.startswith(("http://", "https://")):
        return uri
    raise ProjectError(
        f"{uri} is no place to track runs: give sqlite:///FILE or the http:// address of an MLflow server, in "
        f"{ENVIRONMENT_VARIABLE} or in state.tracking of params.yaml."
    )


def is_local(uri: str) -> bool:
    """Whether the store is a file of this machine, which no other machine can read."""
    return uri.startswith(SQLITE)


@contextmanager
def reaching(uri: str) -> Iterator[None]:
    """Say as a ProjectError what keeps the store from being used."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError) as error:
        raise ProjectError(f"The tracking store {uri} cannot be used: {str(error).splitlines()[0]}") from None


def connect(uri: str) -> "MlflowClient":
    """A client of the store at this URI, in which the project has its experiment.

    Raises ProjectError where the store cannot be reached.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # seconds, not minutes, until a dead server shows
    import mlflow

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    given = os.environ.get(ENVIRONMENT_VARIABLE)
    mlflow.set_tracking_uri(uri)
    if given is None:  # MLflow has said it to the environment, where it would go before params.yaml from now on
        os.environ.pop(ENVIRONMENT_VARIABLE, None)
    client = mlflow.MlflowClient()
    with reaching(uri):
        experiment_of(client)
    return client


def experiment_of(client: "MlflowClient") -> str:
    """The id of the project's experiment, which is made where there is none. A file has its artifacts beside it."""
    found = client.get_experiment_by_name(package)
    if found:
        return str(found.experiment_id)
    uri = client.tracking_uri
    beside = Path(uri.removeprefix(SQLITE)).with_name(ARTIFACTS).as_uri() if is_local(uri) else None
    return str(client.create_experiment(package, artifact_location=beside))


@contextmanager
def alone(uri: str, doing: str, wait: bool = True) -> Iterator[None]:
    """Let one process of this machine at a time do this with the store. Raises ProjectError where another does now.

    wait: until the other is done, instead. A process that dies, however it does, holds nobody up.
    """
    name = f"{package}-{os.getuid()}-{doing}-{sha256(uri.encode())[:12]}.lock"
    try:
        with FileLock(Path(tempfile.gettempdir()) / name, timeout=-1 if wait else 0):
            yield
    except Timeout:
        raise ProjectError(f"Another process of this machine is {doing} with {uri}: wait for its end.") from None
