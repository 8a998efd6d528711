"""MLServer's own application around one model, behind a guard: how a model is served here and in the image.

Under Seldon MLServer starts by itself, in an image of its own, and takes nothing of this package but the runtime.
"""

import asyncio
import gc
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h11
import prometheus_client
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from mlserver import ModelSettings, Settings
from mlserver.handlers import DataPlane, ModelRepositoryHandlers
from mlserver.logging import configure_logger
from mlserver.registry import MultiModelRegistry
from mlserver.repository import SchemalessModelRepository
from mlserver.rest.app import create_app
from starlette.responses import JSONResponse
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from .. import __name__ as package
from ..core.model_folder import MODEL, ModelFolder, open_folder
from ..errors import shortened
from .guard import Guard
from .model_settings import MODEL_SETTINGS, model_settings

ADDRESS = f"/v2/models/{package}"
# The whole of MLServer has more: loading and unloading models, streams, pages in HTML.
PATHS = dict.fromkeys(("/v2", "/v2/health/live", "/v2/health/ready", ADDRESS, f"{ADDRESS}/ready"), "GET")
PATHS[f"{ADDRESS}/infer"] = "POST"
MOST_PROBLEMS = 20
SECONDS_TO_SEND, SECONDS_TO_END = 30, 5


def start(place: Path, settings: Settings, only_here: bool = False) -> None:
    """Serve the model in this folder until a signal ends it. only_here: refuse whom a browser may have led here."""
    configure_logger(settings)
    # In Python's own event loop, which takes all who have come at once; uvloop takes one, and the others wait long.
    asyncio.run(serve(place, settings, only_here))


async def serve(place: Path, settings: Settings, only_here: bool) -> None:
    """The same, in the event loop. Raises whatever the runtime raises where the model cannot be loaded."""
    folder = open_folder(place, beside=[MODEL_SETTINGS])
    registry = MultiModelRegistry()
    await registry.load(settings_in_place(folder))
    gc.freeze()  # the collector need not look through all this while a large request is read: it takes half as long
    repository = ModelRepositoryHandlers(SchemalessModelRepository(str(place)), registry)
    app = application(settings, DataPlane(settings, registry), repository)
    guard = Guard(app, PATHS, most_inputs=most_inputs(folder), only_here=only_here)
    servers = {settings.http_port: guard, settings.metrics_port: guarded_metrics(only_here)}
    await until_stopped(*(Server(listening(app, settings.host, port)) for port, app in servers.items()))


def application(settings: Settings, models: DataPlane, repository: ModelRepositoryHandlers) -> FastAPI:
    """MLServer's own, which says what is wrong with a request."""
    app = create_app(settings, models, repository)
    app.add_exception_handler(RequestValidationError, explain)
    return app


def most_inputs(folder: ModelFolder) -> int:
    """How many inputs a request to a model may have."""
    return len(folder.record.features | folder.record.key)


def guarded_metrics(only_here: bool) -> Guard:
    """What shows the metrics of this process."""
    return Guard(prometheus_client.make_asgi_app(), {"/metrics": "GET"}, only_here=only_here)


async def until_stopped(*servers: "Server") -> None:
    """Run these until a signal ends them, after the answers that are under way."""

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await asyncio.gather(*(server.serve() for server in servers))


def settings_in_place(folder: ModelFolder) -> ModelSettings:
    """MLServer's settings for this model, made from its record: no file beside it says what runs."""
    made = json.loads(model_settings(folder))
    made["parameters"] |= {"uri": str(folder.place.resolve() / MODEL)}
    return ModelSettings.model_validate(made)


def listening(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """How to serve an application over HTTP/1.1, and nothing else."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )


async def explain(request: Request, error: Any) -> Response:
    """What pydantic finds wrong with a request, in the protocol's form, and without the request in it."""
    said = [
        f"{'.'.join(map(str, problem['loc'][1:]))}: {problem['msg']} {problem.get('ctx', {}).get('error', '')}".strip()
        for problem in error.errors()[:MOST_PROBLEMS]
    ]
    return JSONResponse({"error": "; ".join(shortened(line, 300) for line in said)}, 422)


class Server(uvicorn.Server):
    """A server that leaves the signals to whoever runs several of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured."""
        yield


class ImpatientProtocol(H11Protocol):
    """Hangs up where a request does not come whole in time. uvicorn itself waits for ever."""

    deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self.watch()

    def data_received(self, data: bytes) -> None:
        """Wait on, or begin to wait for the next request, or be content."""
        super().data_received(data)
        self.watch()

    def watch(self) -> None:
        """Wait as long as there is something missing."""
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            if self.deadline:
                self.deadline.cancel()
            self.deadline = None
        elif not self.deadline:
            self.deadline = self.loop.call_later(SECONDS_TO_SEND, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self.deadline:
            self.deadline.cancel()
        super().connection_lost(exc)
