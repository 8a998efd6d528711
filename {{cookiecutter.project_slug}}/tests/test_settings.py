"""params.yaml is checked as a whole, and a misspelt name is answered with the right one."""

import pytest

from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.settings import PARAMS, load_settings

SMALLEST = "data: {uri: t.csv}\ntarget: {column: y, task: regression}\n"


def write(folder, text):
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_projects_own_settings_are_right():
    assert load_settings(PARAMS).target.column


def test_what_is_left_out_has_a_default(tmp_path):
    settings = load_settings(write(tmp_path, SMALLEST))
    assert settings.evaluation.held_out == 0.25 and settings.state.models == "models"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALLEST + "modle: {seed: 1}\n", "modle: no such setting. Did you mean model?"),
        (SMALLEST + "model: {sede: 1}\n", r"model\.sede: no such setting\. Did you mean seed\?"),
        (SMALLEST.replace("regression", "clustering"), r"target\.task: .*'binary', 'multiclass' or 'regression'"),
        (SMALLEST + "evaluation: {held_out: 2}\n", r"evaluation\.held_out: .*less than 1 \(it is 2\)"),
        ("data: {uri: t.csv}\n", "target: field required"),
        ("", "the file: "),
        ("data: [", "is not YAML"),
    ],
)
def test_mistakes_are_named_by_their_place(tmp_path, text, message):
    with pytest.raises(ProjectError, match=message):
        load_settings(write(tmp_path, text))


def test_every_mistake_is_named_at_once(tmp_path):
    with pytest.raises(ProjectError, match=r"2 mistakes:(?s:.*)modle(?s:.*)target\.task|2 mistakes"):
        load_settings(write(tmp_path, SMALLEST.replace("regression", "x") + "modle: {}\n"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProjectError, match="Run this in the project's folder"):
        load_settings(tmp_path / "params.yaml")
