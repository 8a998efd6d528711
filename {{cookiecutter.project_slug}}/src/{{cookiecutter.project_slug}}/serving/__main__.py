"""What the image runs: python -m {{cookiecutter.project_slug}}.serving FOLDER. Addresses are MLServer's: MLSERVER_HTTP_PORT and so on."""

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
