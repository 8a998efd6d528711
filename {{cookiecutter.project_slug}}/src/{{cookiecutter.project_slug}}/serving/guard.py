"""What is let through to MLServer, which bounds nothing itself: who asks, for what, and how much of it.

MLServer reads one request after the other, all in one thread, and says in the same that it is ready. So whatever is not
known to be cheap is refused before MLServer sees it, and between two requests all others get a turn.
"""

import asyncio
import gzip
import hmac
import io
import zlib
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import shortened
from . import turns
from .loopback import leads_here

MOST_BYTES = 8 * 2**20  # of one request, unpacked: 10,000 rows of forty numbers
MOST_BYTES_AT_ONCE = 8 * MOST_BYTES
MOST_AT_ONCE = 64
MOST_OUTPUTS = 100
JSON_TYPE = "application/json"


@dataclass
class RefusedError(Exception):
    """A request that goes no further: the status of the answer, and what it says."""

    status: HTTPStatus
    message: str


@dataclass
class Guard:
    """An ASGI application before another.

    paths: what may be asked for, each with its one method.
    most_inputs: how many a request may have.
    only_here: whether a request must name this machine as its host, which the page of a stranger in a browser does not
        do: its name may lead to this machine (DNS rebinding), but stays the stranger's.
    token: what a request must bring as `Authorization: Bearer <token>`; empty where anybody may ask.
    """

    app: ASGIApp
    paths: dict[str, str]
    most_inputs: int = 0
    only_here: bool = False
    token: str = field(default="", repr=False)
    turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    waiting: int = field(init=False, default=0)
    bytes_here: int = field(init=False, default=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        headers = Headers(scope=scope)
        try:
            self.check_sender(scope, headers)
            if scope["method"] == "GET":
                await self.app(scope, receive, send)
            else:
                await self.answer(scope, headers, receive, send)
        except RefusedError as error:
            await JSONResponse({"error": error.message}, error.status)(scope, receive, send)

    def check_sender(self, scope: Scope, headers: Headers) -> None:
        """Raise RefusedError where a request is for what is not offered, or was written by the page of a stranger."""
        path, method, host = scope["path"], scope["method"], headers.get("host", "")
        if path not in self.paths:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"There is no {shortened(path)} here, but {list(self.paths)}.")
        if method != self.paths[path]:
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {self.paths[path]}.")
        if self.only_here and not leads_here(f"//{host}"):
            raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, f"This machine is not {shortened(host)}.")
        if headers.get("origin", f"http://{host}").partition("://")[2] != host:
            raise RefusedError(HTTPStatus.FORBIDDEN, "Pages of another origin are not answered.")
        given = headers.get("authorization", "").encode()
        if self.token and not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "Send the token: Authorization: Bearer ...")
        # A browser asks the server first before it lets a page of another origin send JSON.
        if method == "POST" and headers.get("content-type", "").partition(";")[0].strip() != JSON_TYPE:
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send the request as {JSON_TYPE}.")

    async def answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Read a request with a body, and have it answered."""
        chunks: list[bytes] = []
        try:
            if not await self.read(receive, chunks):
                return
            messages = await self.answered(scope, headers, b"".join(chunks), receive)
        finally:
            self.bytes_here -= sum(map(len, chunks))
        for message in messages:  # however slowly the client takes it: it is nobody's turn any more
            await send(message)

    async def answered(self, scope: Scope, headers: Headers, sent: bytes, receive: Receive) -> list[Message]:
        """The answer to a request, whole. It is its turn until it waits for the model, see `turns`."""
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        self.waiting += 1
        try:
            async with self.turn_to_be_read():
                await asyncio.sleep(0)  # to all who have come in the meantime
                body = unpacked(sent, headers.getlist("content-encoding"))
                check_lists(body, self.most_inputs)
                await self.app(with_body(scope, body), replayed(body, receive), collect)
        finally:
            self.waiting -= 1
        return messages

    @asynccontextmanager
    async def turn_to_be_read(self) -> AsyncIterator[None]:
        """A turn that is over with the block, or before that where it is given back."""
        with ExitStack() as turn:
            await self.turn.acquire()
            turn.callback(self.turn.release)
            turns.GIVE_BACK.set(turn.close)
            yield

    async def read(self, receive: Receive, chunks: list[bytes]) -> bool:
        """Fill in the body of a request; whether it came whole. Raises RefusedError where there is no room for it."""
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size <= MOST_BYTES and self.bytes_here + len(chunk) <= MOST_BYTES_AT_ONCE:
                chunks.append(chunk)
                self.bytes_here += len(chunk)
        # Only now: a client that is still sending does not listen.
        if size > MOST_BYTES:
            raise too_large()
        if size > sum(map(len, chunks)) or self.waiting >= MOST_AT_ONCE:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests at once: try again.")
        return True


def too_large() -> RefusedError:
    """The refusal of a body that is larger than any should be."""
    return RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request may have {MOST_BYTES // 2**20} MB: send fewer rows at once."
    )


def unpacked(body: bytes, encodings: list[str]) -> bytes:
    """The body as it was before it was packed. Raises RefusedError where it is packed in an unknown way, or a bomb."""
    if encodings in ([], ["identity"]):
        return body
    if encodings != ["gzip"]:
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the request as it is, or packed by gzip.")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            plain = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"The body cannot be unpacked: {error}.") from None
    if len(plain) > MOST_BYTES:
        raise too_large()
    return plain


def check_lists(body: bytes, most_inputs: int) -> None:
    """Raise RefusedError where a list is too long whose every item MLServer would look at, and complain of."""
    try:
        request = from_json(body)
    except ValueError as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}.") from None
    if not isinstance(request, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "The body must be a JSON object.")
    check_length("inputs", request, most_inputs)
    check_length("outputs", request, MOST_OUTPUTS)
    inputs = request.get("inputs")
    for tensor in inputs if isinstance(inputs, list) else []:
        check_length("shape", tensor, 2)


def check_length(name: str, holder: Any, most: int) -> None:
    """Raise RefusedError where the object holds under this name a list of more than so many items."""
    held = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(held, list) and len(held) > most:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"There are {len(held)} items in {name}, of {most} at most.")


def with_body(scope: Scope, body: bytes) -> Scope:
    """The request, with headers that fit this body."""
    others = [(name, value) for name, value in scope["headers"] if name not in (b"content-encoding", b"content-length")]
    return {**scope, "headers": [*others, (b"content-length", str(len(body)).encode())]}


def replayed(body: bytes, receive: Receive) -> Receive:
    """What the client sends, for the second time: its body at once, and then whatever it does next."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message
