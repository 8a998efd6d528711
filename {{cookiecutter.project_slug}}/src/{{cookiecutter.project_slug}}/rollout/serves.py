"""Whether what is released is what serves."""

from ..errors import ProjectError
from ..settings import PRODUCTION
from .environments import target_of
from .policy import load_policy


def serves(sha256: str) -> str:
    """What serves in production, beside the digest of what is released there, as a sentence."""
    try:
        found = load_policy()[0].environments.get(PRODUCTION)
        if found is None or found.target == "ci":
            return "not known here, but where CI deploys to"
        digest = target_of(found).serves()
    except ProjectError as error:
        return f"nothing that is known: {error}"
    if digest == sha256:
        return "the same"
    return f"ANOTHER model, {digest}: `rollout run` lets it follow what is released"
