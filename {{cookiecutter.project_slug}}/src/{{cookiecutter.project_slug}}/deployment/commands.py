"""The commands `serve`, `deploy` and `smoke-test`: the released model runs, here or on the host."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from ..core.kept_models import latest_model
from ..core.record import as_json
from ..core.storage import write_file
from ..errors import ProjectError
from ..releases import store
from ..releases.releasing import current_pointer, current_release
from ..serving import server
from ..serving.client import smoke_test as ask_for_examples
from ..serving.protocol import to_request
from ..settings import load_settings
from . import compose
from .host import host_at
from .verification import verify_deployed

app = typer.Typer()
HostAddress = Annotated[str | None, typer.Option("--host", envvar="DEPLOY_HOST", help="The host, as ssh takes it.")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="DEPLOY_SSH_KEY", help="A private key or its file; without it, ssh's own."),
]
KnownHosts = Annotated[
    str | None,
    typer.Option(
        "--known-hosts", envvar="DEPLOY_KNOWN_HOSTS", help="What ssh-keyscan says of the host; else ssh's own file."
    ),
]


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="The port for HTTP.")] = 8080,
    latest: Annotated[bool, typer.Option("--latest", help="The model trained last, released or not.")] = False,
) -> None:
    """Serve the released model to this machine alone, until stopped with Ctrl-C."""
    settings = load_settings()
    trained = nullcontext(latest_model(Path(settings.state.models))) if latest else None
    with trained or store.fetched_model(current_release(settings)) as folder:
        request = Path(settings.state.reports) / "request.json"
        write_file(request, as_json(to_request(folder.example(), folder.record.features)))
        typer.echo(f"{request} holds a request that it answers.")
        server.run(folder.place, port)


@app.command()
def deploy(
    image: Annotated[Path, typer.Option(help="The image, as `make image` leaves it.")] = Path("dist/image.tar"),
    address: HostAddress = None,
    key: Key = None,
    known_hosts: KnownHosts = None,
) -> None:
    """Put the image and the released model on the host; if they do not become healthy, back to what ran before."""
    settings = load_settings()
    pointer = current_pointer(settings)
    if store.is_local(pointer.record):
        raise ProjectError(
            f"The release is in {pointer.record}, a folder that no other machine can read. Set state.releases in "
            "params.yaml to an address such as s3://bucket/releases, and publish again."
        )
    release = store.read_release(pointer, settings.state.releases)
    with store.fetched_model(release) as folder, host_at(address, key, known_hosts) as host:
        typer.echo(f"Deploying {release.release} to {host.address}")
        name = compose.deploy(host, release, folder.place, image)
    typer.echo(f"{name} is healthy.")


@app.command()
def smoke_test(
    url: Annotated[str | None, typer.Option(help="A server to ask; without it, what was deployed on the host.")] = None,
    address: HostAddress = None,
    key: Key = None,
    known_hosts: KnownHosts = None,
) -> None:
    """Ask for predictions, and compare them with the released model's own; a deployment that fails is taken back."""
    release = current_release(load_settings())
    with store.fetched_model(release) as model:
        if url:
            rows = ask_for_examples(url, model)
        else:
            with host_at(address, key, known_hosts) as host:
                rows = verify_deployed(host, release, model)
    typer.echo(f"{rows} rows are answered as the model {release.model.sha256} answers them.")
