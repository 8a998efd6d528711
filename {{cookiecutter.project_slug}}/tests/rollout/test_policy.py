"""The rules of rollouts are read and checked as params.yaml is."""

from pathlib import Path

import pytest

from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.rollout import policy
from {{cookiecutter.project_slug}}.rollout.policy import RolloutPolicy, load_policy

OWN = Path(policy.__file__).parents[3] / "rollout.yaml"


def test_every_mistake_in_the_file_is_said_with_what_would_be_right(tmp_path):
    (path := tmp_path / "rollout.yaml").write_text(
        "mode: releases\nshadow: {row_at_least: 3, changed_at_most: 20}\nenvironments: {production: {target: seldom}}\n"
    )
    with pytest.raises(ProjectError) as error:
        load_policy(path)
    lines = str(error.value).splitlines()
    assert "has 4 mistakes" in lines[0] and len(lines) == 5
    assert any("shadow.row_at_least: no such setting. Did you mean rows_at_least?" in line for line in lines)
    for name in ("mode", "shadow.changed_at_most", "environments.production.target"):
        assert any(line.strip().startswith(f"{name}: ") for line in lines), name


def test_a_mistake_in_an_environment_is_said_as_any_other(tmp_path):
    (path := tmp_path / "rollout.yaml").write_text("environments: {production: {requre_approval: true}}\n")
    with pytest.raises(ProjectError, match=r"requre_approval: no such setting. Did you mean require_approval"):
        load_policy(path)
    path.write_text("environments: {../x: {}}\n")
    with pytest.raises(ProjectError, match=r"\['../x'\] are no names"):
        load_policy(path)
    path.write_text("shadow: {days: .inf}\nwatch: {seconds: .inf}\n")
    with pytest.raises(ProjectError, match="2 mistakes"):
        load_policy(path)


@pytest.mark.parametrize("environments", ["{}", "{a: {folder: x}, b: {folder: x}}"])
def test_environments_are_some_and_do_not_meet_in_a_folder(tmp_path, environments):
    (path := tmp_path / "rollout.yaml").write_text(f"environments: {environments}\n")
    with pytest.raises(ProjectError, match="there must be one, and each that is local has a folder of its own"):
        load_policy(path)


def test_the_first_environment_is_meant_where_none_is_named(tmp_path):
    (path := tmp_path / "rollout.yaml").write_text("environments: {staging: {folder: a}, production: {folder: b}}\n")
    found, decided_by = load_policy(path)
    assert found.environment(None)[0] == "staging" and found.environment("production")[1].folder == "b"
    with pytest.raises(ProjectError, match="knows no environment 'else', but staging, production"):
        found.environment("else")
    before = decided_by.sha256
    path.write_text(path.read_text() + "mode: judge\n")
    assert load_policy(path)[1].sha256 != before


@pytest.mark.skipif(not OWN.exists(), reason="the package is installed without the project around it")
def test_the_project_s_own_file_can_be_read():
    assert load_policy(OWN)[0].environments
    assert RolloutPolicy().environment(None)[0] == "production"
