"""What follows a release or a roll-back: the registry's champion is the model in use."""

from ..settings import PRODUCTION, Settings
from . import registry, store


def after_release(settings: Settings, sha256: str, environment: str) -> None:
    """Put the alias on the version of this model. Raises ProjectError where the registry is out of reach."""
    uri = store.address(settings)
    if environment != PRODUCTION:
        return  # of which there is one champion
    if store.is_local(uri) and not store.file_of(uri).exists():
        return  # nothing was ever tracked
    with store.reaching(uri):
        registry.make_champion(store.connect(uri), sha256)
