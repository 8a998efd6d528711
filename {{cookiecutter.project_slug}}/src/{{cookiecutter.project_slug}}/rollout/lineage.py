"""From what serves back to all that made it."""

from typing import Any

from ..releases.pointers import pointer_of
from ..releases.record import Release
from ..releases.releasing import release_of
from ..releases.store import fetched_model, read_release
from ..settings import Settings
from ..tracking import registry, store
from .environments import target_of
from .policy import load_policy


def lineage(settings: Settings, environment: str | None) -> dict[str, Any]:
    """What serves in an environment and, by its digest, where it comes from, who or what decided, what it replaced.

    Where CI deploys, what serves is not known here, and it is told of what is pointed at. Raises ProjectError where a
    server of this machine should serve, and none does.
    """
    name, found = load_policy()[0].environment(environment)
    pointer = pointer_of(settings, name).read()
    pointed = read_release(pointer, settings.state.releases) if pointer else None
    serves = target_of(found).serves()
    digest = serves or (pointed.model.sha256 if pointed else None)
    release = release_of(settings, digest, name) if digest else None
    return {
        "environment": name,
        "serves": serves,
        "pointed_at": pointed.release if pointed else None,
        "agree": serves is None or (pointed is not None and serves == pointed.model.sha256),
        **(described(release) | learned_from(release) if release else {}),
        **(version_of(settings, digest) if digest else {}),
    }


def described(release: Release) -> dict[str, Any]:
    """What a release record says that leads back to how the model was made."""
    return {
        "release": release.release,
        "model": release.model.sha256,
        "decided": {
            "at": release.published,
            "by": release.by,
            "policy": release.policy.model_dump() if release.policy else None,
            "checks": {check.name: check.outcome for check in release.checks},
            "note": release.note,
        },
        "replaced": release.previous.record if release.previous else None,
        "scores": release.scores,
        "data": release.data,
        "code": release.code,
        "packages": {"lock_sha256": release.lock, **release.versions},
    }


def learned_from(release: Release) -> dict[str, Any]:
    """What the model's own record says besides. Raises ProjectError where the store does not hold what was released."""
    with fetched_model(release) as folder:
        return {"rows": folder.record.rows, "schema_sha256": folder.record.schema_sha256}


def version_of(settings: Settings, digest: str) -> dict[str, Any]:
    """The version and the run of the model; nothing where it was never tracked. Raises ProjectError out of reach."""
    uri = store.address(settings)
    if store.is_local(uri) and not store.file_of(uri).exists():
        return {}
    with store.reaching(uri):
        found = [one for one in registry.versions(store.connect(uri)) if one.sha256 == digest]
    return {"version": found[0].number, "run": found[0].run_id} if found else {}


def lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    found = found | {f"decided {name}": value for name, value in found.get("decided", {}).items()}
    apart = f"It does not serve what is pointed at, {found['pointed_at']}: `rollout run` lets it follow."
    told = {name: value for name, value in found.items() if name not in ("agree", "packages", "decided")}
    facts = [f"  {name:15} {in_words(value)}" for name, value in told.items()]
    return facts if found["agree"] else [apart, *facts]


def in_words(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {in_words(one)}" for name, one in value.items())
    return f"{value:.4f}" if isinstance(value, float) else str(value if value is not None else "none")
