"""What the server of this machine begins with: what is pointed at or, if out of reach, what it has served last."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from ...core.kept_models import latest_model
from ...core.model_folder import ModelFolder
from ...core.record import as_json
from ...core.storage import write_file
from ...errors import ProjectError
from ...releases.pointers import pointer_of
from ...releases.store import fetched_model, read_release
from ...serving.protocol import to_request
from ...serving.server import check_free
from ...settings import Settings
from ..policy import POLICY, RolloutPolicy, load_policy
from .folder import ServingFolder

Tell = Callable[[str], None]


def serve_released(settings: Settings, named: str | None, port: int, tell: Tell) -> None:
    """Serve what is released in an environment, or in the first, and what is released there later, until stopped.

    Raises ProjectError where CI deploys to it, where the port is taken, or where what is released cannot be had and
    nothing was served before.
    """
    policy = load_policy()[0] if POLICY.exists() else RolloutPolicy()
    name, environment = policy.environment(named)
    if environment.target != "local":
        raise ProjectError(f"{name} is where CI deploys to, by rollout.yaml. Here, `serve --latest` serves a model.")
    folder = ServingFolder(Path(environment.folder))
    if folder.running():
        folder.refuse()
    try:
        pointer = pointer_of(settings, name).read()
        if pointer:
            with fetched_model(read_release(pointer, settings.state.releases)) as model:
                begin_with(folder, model, settings, tell)
    except ProjectError as error:
        if folder.current is None:
            raise
        tell(f"What is released cannot be had, so what was served last is: {error}")
    run(folder, port, tell)


def serve_latest(settings: Settings, port: int, tell: Tell) -> None:
    """Serve the model trained last, until stopped."""
    with tempfile.TemporaryDirectory(prefix="serving-") as place:
        folder = ServingFolder(Path(place))
        begin_with(folder, latest_model(Path(settings.state.models)), settings, tell)
        run(folder, port, tell)


def begin_with(folder: ServingFolder, model: ModelFolder, settings: Settings, tell: Tell) -> None:
    """Choose a model, and write down a request that it answers."""
    folder.choose("served", model)
    request = Path(settings.state.reports) / "request.json"
    write_file(request, as_json(to_request(model.example(), model.record.features)))
    tell(f"{request} holds a request that it answers.")


def run(folder: ServingFolder, port: int, tell: Tell) -> None:
    """Run the server."""
    from .server import run

    check_free(port)
    run(folder, port, tell)
