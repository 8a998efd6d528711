"""The versions of the model: each leads to its run, and by it to commit and data.

The alias `champion` is on the version that is released, `challenger` on the newest that may follow it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import __name__ as package
from ..errors import ProjectError
from .runs import MADE, MADE_FORMAT

if TYPE_CHECKING:
    from mlflow import MlflowClient  # takes seconds to import

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Version:
    """A version of the model: its number, the run that made it, and the digest of the model (the core's `Record`).

    old: whether that is one of format 1.
    """

    number: str
    run_id: str
    sha256: str
    old: bool


def register(client: "MlflowClient", uri: str, run_id: str, tags: dict[str, str]) -> None:
    """Make the model at this URI of the store the next version, and the challenger."""
    if not client.search_registered_models(f"name = '{package}'"):
        client.create_registered_model(package)
    model_id = uri.rpartition("/")[2]  # which a server wants to be told besides
    number = client.create_model_version(package, uri, run_id, tags, model_id=model_id).version
    client.set_registered_model_alias(package, CHALLENGER, number)


def versions(client: "MlflowClient") -> list[Version]:
    """All versions that the pipeline has made, newest first."""
    found = client.search_model_versions(f"name = '{package}'")
    known = [
        Version(str(one.version), str(one.run_id), one.tags[MADE], old=MADE_FORMAT not in one.tags)
        for one in found
        if MADE in one.tags
    ]
    return sorted(known, key=lambda one: int(one.number), reverse=True)


def by_alias(client: "MlflowClient", alias: str) -> Version | None:
    """The version with this alias; None where no version has it."""
    for model in client.search_registered_models(f"name = '{package}'"):
        number = model.aliases.get(alias)
        return next((one for one in versions(client) if one.number == str(number)), None)
    return None


def by_number(client: "MlflowClient", number: str) -> Version:
    """The version of this number. Raises ProjectError where there is none."""
    for one in versions(client):
        if one.number == number:
            return one
    raise ProjectError(f"There is no version {number} of {package}: `report` lists them.")


def by_run(client: "MlflowClient", run_id: str) -> Version | None:
    """The version that this run has made; None where it made none."""
    return next((one for one in versions(client) if one.run_id == run_id), None)


def challenger(client: "MlflowClient") -> Version:
    """The version that may follow the released one. Raises ProjectError where there is none."""
    found = by_alias(client, CHALLENGER)
    if found is None:
        raise ProjectError("There is no challenger: since the last release, no training has made a version.")
    return found


def make_champion(client: "MlflowClient", released: str) -> None:
    """Put the alias `champion` on the version with the digest that was released, and take it from any other.

    A champion is no challenger any more. Where what is released has no version, nothing is champion.
    """
    champion = next((one for one in versions(client) if one.sha256 == released), None)
    if champion:
        client.set_registered_model_alias(package, CHAMPION, champion.number)
        if champion == by_alias(client, CHALLENGER):
            client.delete_registered_model_alias(package, CHALLENGER)
    elif by_alias(client, CHAMPION):
        client.delete_registered_model_alias(package, CHAMPION)
