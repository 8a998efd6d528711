"""What was deployed is asked, and taken back if it answers wrongly."""

from ..core.model_folder import ModelFolder
from ..errors import ProjectError
from ..releases.record import Release
from ..serving.client import smoke_test, wait_until_ready
from . import compose
from .host import Host


def verify_deployed(host: Host, release: Release, model: ModelFolder) -> int:
    """Smoke-test what runs on the host, and take it back if it answers wrongly; the number of rows."""
    try:
        with host.tunnel(compose.published_address(host)) as (url, running):
            wait_until_ready(url, running)
            return smoke_test(url, model)
    except ProjectError as error:
        try:
            outcome = compose.go_back(host, release)
        except ProjectError as second:
            outcome = f"And it could not be taken back: {second}"
        raise ProjectError(f"{error}\n{outcome}") from None
