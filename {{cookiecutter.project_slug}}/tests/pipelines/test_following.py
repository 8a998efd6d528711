"""What follows a new version is found in other parts, and a training that is done stays done whatever follows."""

import pytest

import {{cookiecutter.project_slug}} as package
from {{cookiecutter.project_slug}} import discovery
from {{cookiecutter.project_slug}}.pipelines.following import follow

CODE = """
from PACKAGE.errors import ProjectError
def after_version(settings, run_id, tell):
    tell("NAME follows " + run_id)
    if "NAME" == "broken":
        raise ProjectError("out of reach")
"""


@pytest.fixture
def part(tmp_path, monkeypatch):
    """part(name): a part of the package that follows; it and its like are the only ones."""
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setattr(discovery, "folders", [str(tmp_path)])

    def write(name: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        code = CODE.replace("PACKAGE", package.__name__).replace("NAME", name)
        (tmp_path / name / "after_version.py").write_text(code)

    return write


def test_all_that_follow_are_told_in_order_and_one_that_cannot_keeps_no_other_from_it(part):
    for name in ("later", "broken"):
        part(name)
    said: list[str] = []
    follow(None, "r1", said.append)
    assert said == [
        "broken follows r1",
        "The training is done, but not what follows it: out of reach",
        "later follows r1",
    ]


def test_where_nothing_follows_it_is_said_how_to_go_on(part):
    said: list[str] = []
    follow(None, "r1", said.append)
    assert said == ["Nothing is released by that: `release` shows it beside the one in use, and asks."]
