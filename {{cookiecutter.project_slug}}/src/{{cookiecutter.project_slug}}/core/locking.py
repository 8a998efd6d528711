"""One process at a time, of all that reach the same file. One that dies, however it does, holds nobody up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def alone(file: Path, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold this lock file; another process waits for the end, and who holds it goes on. wait: called before waiting."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        wait()
        lock.acquire()
    except NotImplementedError:
        pass  # a file system without locks, which few share: better than no work at all
    try:
        yield
    finally:
        lock.release()
