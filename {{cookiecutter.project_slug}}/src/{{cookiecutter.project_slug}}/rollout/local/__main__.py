"""A server in a folder, on free ports, for as long as whoever started it needs it."""

import sys
from pathlib import Path

from ...serving.server import free_port
from .folder import ServingFolder
from .server import run

if __name__ == "__main__":
    run(ServingFolder(Path(sys.argv[1])), free_port(), print)
