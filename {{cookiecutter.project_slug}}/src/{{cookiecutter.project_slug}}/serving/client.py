"""A client of the Open Inference Protocol: asks a server about a table, and checks the answers against a model."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .. import __name__ as package
from ..core.model_folder import ModelFolder
from ..core.predict import predict
from ..core.schema import Schema
from ..errors import MOST_SECONDS, ProjectError
from .loopback import opened
from .protocol import from_response, to_request

SMOKE_TEST = "smoke-test"  # the id by which such rows are known in a log of predictions


def call(address: str, body: dict[str, Any] | None = None, token: str | None = None) -> bytes:
    """What the server answers to a GET, or to a POST where there is a body. Raises ProjectError where it does not.

    token: what it wants to see, if anything.
    """
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address, data, headers)
    try:
        with opened(request, MOST_SECONDS) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        raise ProjectError(f"{address} answers with {error.code}: {error.read().decode(errors='replace')}") from None
    except (OSError, ValueError) as error:
        raise ProjectError(f"{address} cannot be reached: {error}") from None


def ask(
    url: str,
    table: pd.DataFrame,
    features: Schema,
    model: str = package,
    token: str | None = None,
    id: str | None = None,
) -> tuple[pd.DataFrame, str]:
    """What the server at this address says of the rows, and the fingerprint of the model that says it.

    model: what it calls the model. token: what it wants to see, if anything. id: of the request; else the server's.
    """
    answer = call(f"{url}/v2/models/{model}/infer", to_request(table, features) | ({"id": id} if id else {}), token)
    try:
        return from_response(json.loads(answer))
    except (ValueError, LookupError, TypeError) as error:
        raise ProjectError(f"{url} does not answer as a model of this project: {error!r}") from None


def wait_until_ready(url: str, running: Callable[[], bool]) -> None:
    """Return as soon as the model answers that it is ready, however slowly it starts.

    running: whether there is still something to wait for. Raises ProjectError where not, or after far too long.
    """
    end = time.monotonic() + MOST_SECONDS
    while True:
        try:
            call(f"{url}/v2/models/{package}/ready")
            return
        except ProjectError:
            if time.monotonic() > end or not running():
                raise
            time.sleep(0.1)


def digest_served(url: str) -> str:
    """The fingerprint of the model that a server answers with, without asking the model anything."""
    described = json.loads(call(f"{url}/v2/models/{package}"))
    return str(described["parameters"]["sha256"])


def smoke_test(url: str, folder: ModelFolder, model: str = package, token: str | None = None) -> int:
    """Ask a server about the example rows of a model; the number of rows.

    model, token: see `ask`. Raises ProjectError where another model answers, or where the answers are not those of the
    model itself.
    """
    rows = folder.example()
    answers, sha256 = ask(url, rows, folder.record.features, model, token, id=SMOKE_TEST)
    if sha256 != folder.sha256:
        raise ProjectError(f"{url} answers with the model {sha256}, not with {folder.sha256}.")
    expected = predict(folder.load(), rows).reset_index(drop=True)
    if list(answers) != list(expected) or not all(alike(answers[name], expected[name]) for name in expected):
        raise ProjectError(f"{url} does not answer as the model does:\n{answers}\ninstead of\n{expected}")
    return len(rows)


def alike(one: pd.Series, other: pd.Series) -> bool:
    """Whether two columns of answers are the same, numbers but for the last digits in which processors differ."""
    if pd.api.types.is_float_dtype(other):
        return np.allclose(one, other, rtol=1e-6, atol=1e-9)
    return one.tolist() == other.tolist()
