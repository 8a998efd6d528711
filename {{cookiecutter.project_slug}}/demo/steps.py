"""The steps of a demo: timed, and told on the screen."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WIDTH, SECONDS_PER_DOT = 50, 2


class Steps:
    """What was done so far."""

    def __init__(self) -> None:
        """Nothing is done yet."""
        self.steps: list[dict[str, Any]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step, and say on the screen how it goes and how it went."""
        print(f"  {name} ", end="", flush=True)
        begin, done, over = time.monotonic(), False, threading.Event()
        dots = threading.Thread(target=show_dots, args=(WIDTH - len(name), over), daemon=True)
        dots.start()
        try:
            yield
            done = True
        finally:
            seconds = round(time.monotonic() - begin, 1)
            self.steps.append({"step": name, "done": done, "seconds": seconds})
            over.set()
            dots.join()
            print(f" {seconds:5.1f} s" if done else " FAILED", flush=True)


def show_dots(count: int, over: threading.Event) -> None:
    """Show that something goes on: one dot after another, and what is missing of them at its end."""
    for shown in range(count):
        if over.wait(SECONDS_PER_DOT):
            print("." * (count - shown), end="", flush=True)
            return
        print(".", end="", flush=True)
