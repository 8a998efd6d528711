"""The command line: the commands of every part of the package that is present."""

import signal
import sys
import traceback
from importlib import import_module

import typer

from .addresses import without_secrets
from .discovery import modules
from .errors import ProjectError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Everything that this project does. Settings are in params.yaml; run this in the project's folder.",
)
# In alphabetical order, and the later counts: with a pipeline, its `train` takes the place of the core's.
for commands in modules("commands"):
    app.add_typer(import_module(commands).app)


# How a command is asked to end: by CI, by a supervisor, by a terminal that is closed. Windows does not know the second.
REQUESTS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def leave(number: int, _: object) -> None:
    """End as after an error, with the exit code that a shell gives this signal, so that no key stays on the disk."""
    for request in REQUESTS:
        signal.signal(request, lambda *_: None)  # a second one would interrupt the tidying up
    sys.exit(128 + number)


def main() -> None:
    """Run a command; what a person can mend becomes one sentence and the exit code 1."""
    for request in REQUESTS:
        if signal.getsignal(request) == signal.SIG_DFL:  # not where `nohup` has it ignored
            signal.signal(request, leave)
    try:
        app()
    except ProjectError as error:
        sys.exit(f"Error: {error}")
    except OSError as error:  # a full disk, a folder that may not be written to
        sys.exit(
            f"Error: {error.filename or 'The machine'}: {error.strerror or error}. What was there before is unchanged."
        )
    except Exception:  # a mistake in the code, which may quote an address as Python shows it
        sys.exit(without_secrets(traceback.format_exc()))
