"""Versions lead to their runs; the aliases say which is released, and which may be next."""

import pytest
from in_process import empty_store

from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.tracking import registry, runs, store


@pytest.fixture
def client(tmp_path):
    return empty_store(tmp_path)[0]


def register(client, sha256: str) -> str:
    """A version of a model with this fingerprint; the id of its run."""
    run = client.create_run(store.experiment_of(client)).info.run_id
    registry.register(client, f"file:///models/{sha256}", run, {runs.MADE: sha256})
    return run


def aliases(client) -> dict[str, str | None]:
    """The fingerprint of the version with each alias."""
    found = {alias: registry.by_alias(client, alias) for alias in (registry.CHAMPION, registry.CHALLENGER)}
    return {alias: version.sha256 for alias, version in found.items() if version}


def test_the_newest_version_is_the_challenger_and_leads_to_its_run(client):
    with pytest.raises(ProjectError, match="no challenger"):
        registry.challenger(client)
    register(client, "a")
    run = register(client, "b")
    assert [(one.number, one.sha256) for one in registry.versions(client)] == [("2", "b"), ("1", "a")]
    assert registry.challenger(client) == registry.by_run(client, run) == registry.by_number(client, "2")
    assert registry.by_run(client, "no such run") is None
    with pytest.raises(ProjectError, match="no version 3"):
        registry.by_number(client, "3")


def test_the_champion_is_what_is_released_and_no_challenger_any_more(client):
    register(client, "a")
    registry.make_champion(client, "a")
    assert aliases(client) == {"champion": "a"}
    register(client, "b")
    registry.make_champion(client, "a")
    assert aliases(client) == {"champion": "a", "challenger": "b"}
    registry.make_champion(client, "b")
    assert aliases(client) == {"champion": "b"}
    registry.make_champion(client, "a")  # a roll-back
    assert aliases(client) == {"champion": "a"}
    registry.make_champion(client, "from before there were versions")
    assert aliases(client) == {}
