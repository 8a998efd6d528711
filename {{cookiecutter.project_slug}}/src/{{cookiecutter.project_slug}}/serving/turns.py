"""Requests are read one after the other, and between two all others get a turn; to wait for the model is no reading.

A variable of the context, since between the guard before MLServer and the runtime in it there is all of MLServer.
"""

from collections.abc import Callable
from contextvars import ContextVar

GIVE_BACK: ContextVar[Callable[[], None] | None] = ContextVar("give_back", default=None)


def give_back() -> None:
    """Let the next request be read. Nothing where nobody gave this one a turn, as in MLServer by itself."""
    if give := GIVE_BACK.get():
        give()
