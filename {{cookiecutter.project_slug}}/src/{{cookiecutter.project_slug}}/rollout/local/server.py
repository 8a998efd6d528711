"""MLServer on this machine with a repository of ours: its model is replaced while it answers.

Three ports: what everybody may ask, as in `serving.app`; metrics; and one where models are loaded, for who has the
token. Nothing that is sent there names a path or an address: what to load is in the folder, which its owner writes.
"""

import asyncio
import gc
import os
import secrets
from collections.abc import Callable

from mlserver import ModelSettings, Settings
from mlserver.errors import MLServerError, ModelNotFound
from mlserver.handlers import DataPlane, ModelRepositoryHandlers
from mlserver.logging import configure_logger
from mlserver.registry import MultiModelRegistry
from mlserver.repository import ModelRepository

from ... import __name__ as package
from ...core.locking import alone
from ...errors import ProjectError
from ...serving import app, turns
from ...serving.guard import Guard
from ...serving.server import HERE, free_port
from .folder import Name, Running, ServingFolder

BESIDE = f"{package}-beside"
NAMES: dict[str, Name] = {package: "served", BESIDE: "beside"}
CONTROL = dict.fromkeys(
    (
        f"/v2/repository/models/{package}/load",
        f"/v2/repository/models/{BESIDE}/load",
        f"/v2/repository/models/{BESIDE}/unload",
        f"/v2/models/{BESIDE}/infer",
    ),
    "POST",
)
AllSettings = list[ModelSettings]
RUNTIME = f"{package}.rollout.local.runtime.CandidateRuntime"


class Repository(ModelRepository):
    """The two models that a folder names, for MLServer to find."""

    def __init__(self, folder: ServingFolder) -> None:
        """folder: where they are."""
        self._folder = folder

    async def list(self) -> AllSettings:
        """Nothing is loaded without being asked for."""
        return []

    async def find(self, name: str) -> AllSettings:
        """How to load the model of this name. Raises ProjectError where the folder does not have it, whole."""
        folder = await asyncio.to_thread(self._folder.chosen, NAMES[name])
        settings = app.settings_in_place(folder)
        assert settings.parameters
        # Without a version, a model takes the place of the one before it once it is ready. With one, MLServer would
        # choose between the two by what their digests are called.
        parameters = settings.parameters.model_copy(update={"version": None})
        changed = {"name": name, "parameters": parameters}
        if name == BESIDE:
            changed["implementation_"] = RUNTIME
        return [settings.model_copy(update=changed)]


class Loading(ModelRepositoryHandlers):
    """Loads models of one name one after the other, and notes which one serves.

    A candidate that is slow to load, or hangs, keeps nobody from going back.
    """

    def __init__(self, folder: ServingFolder, registry: MultiModelRegistry) -> None:
        """folder: says what to load. registry: what is loaded."""
        super().__init__(Repository(folder), registry)
        self._folder, self._turns = folder, {name: asyncio.Lock() for name in NAMES}
        self.guards: dict[str, Guard] = {}  # by the name of the model that they let requests through to

    async def load(self, name: str) -> bool:
        """Load what is chosen under this name. Raises MLServerError where it cannot be: then nothing has changed."""
        turns.give_back()
        async with self._turns[name]:
            try:
                await super().load(name)
            except Exception as error:  # whatever is wrong with it, what served before goes on
                raise MLServerError(f"{type(error).__name__}: {error}") from error
            loaded = await self._model_registry.get_model(name)
            digest = str((await loaded.metadata()).parameters.sha256)
            folder = await asyncio.to_thread(self._folder.model, digest)
            self.guards[name].most_inputs = app.most_inputs(folder)
            if name == package:
                await asyncio.to_thread(self._folder.note_current, folder.sha256)
            gc.unfreeze()
            gc.collect()  # what the model before has left
            gc.freeze()
            return True

    async def unload(self, name: str) -> bool:
        """Let the model of this name go."""
        turns.give_back()
        async with self._turns[name]:
            return await super().unload(name)


class Served(DataPlane):
    """Ready when the one model is that all others ask, whatever is being loaded beside it."""

    async def ready(self) -> bool:
        """Whether it is there and can be asked. MLServer would be ready without any model."""
        try:
            return await self.model_ready(package)
        except ModelNotFound:
            return False


def run(folder: ServingFolder, port: int, tell: Callable[[str], None]) -> None:
    """Serve what the folder says until stopped, and replace it whenever the folder and who has the token say so.

    tell: called with what people want to know. Raises ProjectError where a server runs in this folder already.
    """
    settings = Settings(debug=False, host=HERE, http_port=port, metrics_port=free_port())
    configure_logger(settings)
    with alone(folder.lock, wait=folder.refuse):
        folder.note_ended()  # of one that was killed
        try:
            asyncio.run(serve(folder, settings, tell))
        finally:
            folder.note_ended()


async def serve(folder: ServingFolder, settings: Settings, tell: Callable[[str], None]) -> None:
    """The same, in the event loop."""
    registry = MultiModelRegistry()
    loading = Loading(folder, registry)
    mlserver = app.application(settings, Served(settings, registry), loading)
    token = secrets.token_urlsafe()
    public = Guard(mlserver, app.PATHS, only_here=True)
    control = Guard(mlserver, CONTROL, only_here=True, token=token)
    loading.guards = {package: public, BESIDE: control}
    await load_first(folder, loading, tell)
    ports = {"url": settings.http_port, "metrics": settings.metrics_port, "control": free_port()}
    asgi = {"url": public, "metrics": app.guarded_metrics(only_here=True), "control": control}
    servers = [app.Server(app.listening(asgi[name], HERE, port)) for name, port in ports.items()]
    urls = {name: f"http://{HERE}:{port}" for name, port in ports.items()}
    announcing = asyncio.create_task(announce(folder, servers, Running(os.getpid(), **urls, token=token)))
    await app.until_stopped(*servers)
    announcing.cancel()


async def load_first(folder: ServingFolder, loading: Loading, tell: Callable[[str], None]) -> None:
    """Load what is chosen or, where that cannot be, what was served last. tell: called where there is neither."""
    try:
        await loading.load(package)
        return
    except MLServerError as error:
        why = str(error)
    try:
        folder.choose("served", folder.model(folder.current))
        await loading.load(package)
        tell(f"What is chosen cannot be served ({why}), so what was served last is.")
    except (ProjectError, MLServerError):
        tell(f"There is nothing to serve yet: {why}")


async def announce(folder: ServingFolder, servers: list[app.Server], running: Running) -> None:
    """Say how the server is reached, once it is."""
    while not all(server.started for server in servers):
        await asyncio.sleep(0.05)
    folder.note_running(running)
