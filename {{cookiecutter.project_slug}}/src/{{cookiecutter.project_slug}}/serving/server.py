"""MLServer on this machine alone, for a look at a model before it goes anywhere."""

import socket
from pathlib import Path

from ..errors import ProjectError

HERE = "127.0.0.1"


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
        return port


def check_free(port: int) -> None:
    """Raise ProjectError where something else listens on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HERE, port))
        except OSError as error:
            raise ProjectError(f"Port {port} cannot be used: {error.strerror}. Choose another with --port.") from None


def run(place: Path, port: int) -> None:
    """Serve the model in this folder over HTTP until stopped; metrics get a port that is free.

    Where it listens is said to this process only. A model folder or an image with it would serve nobody elsewhere.
    Raises ProjectError where the port is taken.
    """
    from mlserver import Settings  # takes seconds to import, and only serving needs it

    from .app import start

    check_free(port)
    start(place, Settings(debug=False, host=HERE, http_port=port, metrics_port=free_port()), only_here=True)
