"""What serves leads back to all that made it, and where it is not what is released, that is said."""

import json
from pathlib import Path

import pytest
from conftest import write_params
from in_process import add_version, empty_store

from {{cookiecutter.project_slug}}.core.model_folder import open_folder
from {{cookiecutter.project_slug}}.releases.pointers import pointer_of
from {{cookiecutter.project_slug}}.releases.releasing import release_model
from {{cookiecutter.project_slug}}.rollout import environments, lineage, serves
from {{cookiecutter.project_slug}}.settings import load_settings


class Target:
    """What serves, as far as is known here."""

    serving: str | None = None

    def serves(self) -> str | None:
        return self.serving


@pytest.fixture
def target(run, monkeypatch) -> Target:
    write_params(data={"uri": "orders.csv", "drop": ["order", "day"]})
    Path("rollout.yaml").write_text("{}")
    found = Target()
    for module in (lineage, serves, environments):
        monkeypatch.setattr(module, "target_of", lambda environment: found)
    return found


@pytest.fixture
def releases(target, make_model, orders, tmp_path) -> list[str]:
    """Two versions that were released, one after the other: the digests of their models."""
    client, made = empty_store(tmp_path)[0], []
    for rows, note in ((150, "the first"), (200, "the second")):
        folder = make_model(rows=rows)
        made.append(add_version(client, folder, orders))
        settings = load_settings()
        release_model(open_folder(folder.place), settings, note, pointer_of(settings).read(), [].append)
    return made


def test_what_serves_is_asked_and_led_back_to_version_run_data_and_who_decided(target, run, releases):
    first, second = releases
    target.serving = second
    found = json.loads(run("lineage", "--json"))
    assert found["serves"] == found["model"] == second and found["agree"] and found["version"] == "2"
    assert found["pointed_at"] == found["release"] and found["replaced"].endswith("release.json")
    assert set(found["data"]) >= {"uri", "sha256"} and found["rows"] == {"train": 200, "test": 5}
    assert found["schema_sha256"] and found["decided"]["by"] and found["decided"]["policy"] is None and found["run"]
    assert "the same" in run("released")

    target.serving = first  # which was in use before
    found = json.loads(run("lineage", "--json"))
    assert not found["agree"] and found["version"] == "1" and found["decided"]["note"] == "the first"
    assert found["release"] != found["pointed_at"]
    assert run("lineage").startswith(f"It does not serve what is pointed at, {found['pointed_at']}")
    assert f"ANOTHER model, {first}" in run("released")


def test_what_nobody_knows_is_said_as_far_as_it_goes(target, run, make_model):
    found = json.loads(run("lineage", "--json"))
    assert found == {"environment": "production", "serves": None, "pointed_at": None, "agree": True}
    make_model()
    run("publish")
    target.serving = "f" * 64  # of another project, for all that is known
    found = json.loads(run("lineage", "--json"))
    assert found["serves"] == "f" * 64 and not found["agree"] and "release" not in found and "version" not in found
    target.serving = None
    assert json.loads(run("lineage", "--json"))["release"]  # of what is pointed at
