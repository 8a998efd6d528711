"""Is the model ready? Asked inside the container by its health check, which ends what hangs: exits with 0 or 1."""

import os
import sys
import urllib.request

from .. import __name__ as package
from ..errors import MOST_SECONDS
from .loopback import opened


def main() -> None:
    """Ask for the model and not only for the server, which may be up without it."""
    port = os.environ.get("MLSERVER_HTTP_PORT", "8080")
    try:
        opened(urllib.request.Request(f"http://127.0.0.1:{port}/v2/models/{package}/ready"), MOST_SECONDS).close()
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
