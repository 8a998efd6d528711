"""What the image runs, with the folder of a model. MLServer's variables say where it listens, as MLSERVER_HTTP_PORT."""

import sys
from pathlib import Path

from mlserver import Settings

from ..errors import ProjectError
from .app import start


def main() -> None:
    """Serve the model in a folder until stopped; one sentence and the exit code 1 where it cannot be."""
    try:
        start(Path(sys.argv[1]), Settings(debug=False))
    except ProjectError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
