"""Labels over HTTP, one or many at once, from whoever has the token."""

import asyncio
import logging
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..core.schema import Schema
from ..errors import ProjectError
from ..serving.app import Server, listening, until_stopped
from ..serving.guard import Guard
from ..settings import Settings
from .labels import Delivery, examine, keep
from .parts import Parts
from .policy import Policy

logger = logging.getLogger(__name__)
PATH = "/labels"
LEAST = 16  # characters of a token


def application(settings: Settings, schema: Schema, policy: Policy, token: str | None) -> Guard:
    """What answers POST /labels with a body such as {"labels": [{"prediction_id": "a1", "churned": "yes"}]}.

    settings, schema: of the table that the model has learned from. Raises ProjectError where the token is none.
    """
    if token is None or len(token) < LEAST:
        raise ProjectError(f"LABELS_TOKEN must be a secret of at least {LEAST} characters, which senders have, too.")
    labels = Parts(settings.state.labels)

    async def post(request: Request) -> Response:
        rows = (await request.json()).get("labels")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not rows:
            return JSONResponse({"error": "Send an object with a list `labels` of objects, one for each row."}, 400)
        try:
            taken, clear = examine(Delivery.from_rows(rows), settings, schema, policy)
        except ProjectError as error:
            return JSONResponse({"error": str(error)}, 400)
        try:
            await asyncio.to_thread(keep, clear, uuid4().hex, labels)
        except Exception as error:  # each kind of store has errors of its own
            logger.error(f"{taken.taken} labels could not be kept: {error}")
            return JSONResponse({"error": "The labels cannot be kept at the moment: send them again."}, 503)
        return JSONResponse({"taken": taken.taken, "said": str(taken)})

    return Guard(Starlette(routes=[Route(PATH, post, methods=["POST"])]), {PATH: "POST"}, token=token)


def run(app: Guard, host: str, port: int) -> None:
    """Answer until stopped by a signal."""
    asyncio.run(until_stopped(Server(listening(app, host, port))))
