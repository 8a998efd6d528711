"""Where runs and models are tracked: a file of this machine, or a server that MLFLOW_TRACKING_URI names."""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __name__ as package
from ..addresses import without_secrets
from ..core import locking
from ..core.storage import sha256
from ..errors import MOST_SECONDS, ProjectError
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
        return f"{SQLITE}{file_of(uri).absolute()}"
    if uri.startswith(("http://", "https://")):
        if without_secrets(uri) != uri:
            raise ProjectError(
                "The address of the tracking server has an account or a query in it, which everybody would see. Take "
                "it out, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
            )
        return uri
    raise ProjectError(
        f"{uri} is no place to track runs: give sqlite:///FILE or the http:// address of an MLflow server, in "
        f"{ENVIRONMENT_VARIABLE} or in state.tracking of params.yaml."
    )


def is_local(uri: str) -> bool:
    """Whether the store is a file of this machine, which no other machine can read."""
    return uri.startswith(SQLITE)


def file_of(uri: str) -> Path:
    """The file of a store of this machine."""
    return Path(uri.removeprefix(SQLITE))


def refuse_local_tracking(settings: Settings) -> None:
    """Raise ProjectError where runs would be tracked on this machine alone."""
    uri = address(settings)
    if is_local(uri):
        raise ProjectError(
            f"Runs would be tracked in {uri}, on this machine alone. Give the address of an MLflow server, in "
            f"{ENVIRONMENT_VARIABLE} or in state.tracking of params.yaml."
        )


@contextmanager
def reaching(uri: str) -> Iterator[None]:
    """Say as a ProjectError what keeps the store from being used."""
    quieten()
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError, sqlite3.Error) as error:
        raise ProjectError(f"The tracking store {uri} cannot be used: {str(error).splitlines()[0]}") from None


def connect(uri: str) -> "MlflowClient":
    """A client of the store at this URI, in which the project has its experiment.

    Raises ProjectError where the store cannot be reached.
    """
    quieten()
    import mlflow

    given = os.environ.get(ENVIRONMENT_VARIABLE)
    mlflow.set_tracking_uri(uri)
    if given is None:  # MLflow has said it to the environment, where it would go before params.yaml from now on
        os.environ.pop(ENVIRONMENT_VARIABLE, None)
    with reaching(uri):
        if is_local(uri):
            try_to_read(file_of(uri))
        client = mlflow.MlflowClient()
        experiment_of(client)
    return client


def try_to_read(file: Path) -> None:
    """Raise sqlite3.Error where there is a file that is none of SQLite's: MLflow would try it again for minutes."""
    if file.exists():
        with closing(sqlite3.connect(file, timeout=MOST_SECONDS)) as database:  # another process may be writing
            database.execute("PRAGMA schema_version")


def quieten() -> None:
    """Tell MLflow, before it is imported, to send nothing to its makers, to leave errors to us, and to give up soon."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")
    logging.getLogger("alembic").setLevel(logging.ERROR)


def experiment_of(client: "MlflowClient") -> str:
    """The id of the project's experiment, which is made where there is none. A file has its artifacts beside it.

    Raises ProjectError where the file was moved: MLflow would go on writing to where it was.
    """
    uri = client.tracking_uri
    beside = file_of(uri).with_name(ARTIFACTS).as_uri() if is_local(uri) else None
    found = client.get_experiment_by_name(package)
    if found is None:
        return str(client.create_experiment(package, artifact_location=beside))
    if beside and found.artifact_location != beside:
        raise ProjectError(
            f"The files of the runs in {uri} are in {found.artifact_location}. If the project was moved, move it back, "
            f"or begin anew: put {file_of(uri)} and {ARTIFACTS} aside."
        )
    return str(found.experiment_id)


@contextmanager
def alone(uri: str, doing: str, tell: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Let one process of this machine at a time do this with the store; another waits for its end.

    tell: called where there is something to wait for.
    """
    # For a server, in a folder of whoever runs this: in one that all accounts may write to, any could hold it for good.
    own = Path.home() / ".local" / "state" / package / sha256(uri.encode())[:12]
    lock = Path(f"{file_of(uri) if is_local(uri) else own}.{doing}.lock")
    with locking.alone(lock, wait=lambda: tell(f"Waiting: another process is {doing} ({lock}).")):
        yield
