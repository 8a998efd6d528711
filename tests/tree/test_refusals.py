"""What the template refuses, it refuses whole: in one message, with nothing written and nothing lost."""

import ast
import sys
from importlib.metadata import version

import pytest
from cookiecutter.exceptions import FailedHookException
from support import CHOICES, HOOKS, OFFERED, QUESTIONS, files_below, generate, load_hook, render
from upgrading import times

MISSING = sorted(set(CHOICES["maturity_level"]) - set(OFFERED))


@pytest.mark.parametrize("level", MISSING)
def test_a_level_that_is_not_built_is_refused_in_one_sentence(template, tmp_path, level):
    done = generate(template, tmp_path, "--no-input", check=False, maturity_level=level)
    assert done.returncode != 0
    sentence = f"maturity_level {level} is not in this version of the template, which offers: 0 (No automation)"
    assert sentence in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("level", MISSING)
def test_a_level_that_is_not_built_leaves_an_empty_folder_empty(template, tmp_path, level):
    (tmp_path / "my_ml_project").mkdir()
    done = generate(template, tmp_path, "-f", "--no-input", check=False, maturity_level=level)
    assert done.returncode != 0
    assert list((tmp_path / "my_ml_project").iterdir()) == []


@pytest.mark.parametrize("options", [["-f"], ["-f", "-s"], []])
@pytest.mark.parametrize("there", ["a hidden file", "a folder"])
def test_a_folder_that_this_template_did_not_make_is_never_touched(template, tmp_path, options, there):
    target = tmp_path / "my_ml_project"
    target.mkdir()
    (target / ".hidden").touch() if there == "a hidden file" else (target / "mine").mkdir()
    before = times(target)
    done = generate(template, tmp_path, "--no-input", *options, check=False)
    assert done.returncode != 0
    message = "this template did not make what is in it" if options else "already exists"
    assert message in done.stderr + done.stdout
    assert before == times(target)


def test_an_empty_folder_may_be_filled(baked, template, tmp_path):
    (tmp_path / "my_ml_project").mkdir()
    generate(template, tmp_path, "-f", "--no-input")
    assert files_below(tmp_path / "my_ml_project") == files_below(baked())


def test_a_cookiecutter_without_pre_prompt_hooks_is_told_to_be_upgraded(template, tmp_path, capfd):
    assert "pre_prompt" not in QUESTIONS
    with pytest.raises(FailedHookException):
        render(tmp_path, hooks=True, template=template, _repo_dir=str(template))
    assert "needs the hooks of cookiecutter 2.7 or newer" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("cookiecutter", "python"), [("1.7.3", (3, 12)), ("2.6.0", (3, 11)), ("2.7.1", (3, 10))])
def test_tools_that_are_too_old_are_refused_with_what_to_do(cookiecutter, python):
    said = load_hook("pre_gen_project").version_problem(cookiecutter, python)
    assert said.startswith("This template needs cookiecutter 2.7 or newer with Python 3.11 or newer, and this is")
    assert f"this is cookiecutter {cookiecutter} with Python 3.{python[1]}." in said
    assert "pip install --upgrade cookiecutter" in said and 'uvx --python 3.12 "cookiecutter>=2.7,<3"' in said


def test_tools_that_are_new_enough_are_not_refused():
    problem = load_hook("pre_gen_project").version_problem
    for one, python in [("2.7.0", (3, 11)), ("2.10.0.dev1", (3, 14)), (version("cookiecutter"), sys.version_info[:2])]:
        assert problem(one, python) is None


def test_a_python_that_is_too_old_can_read_the_hook_that_refuses_it():
    hook = ast.parse((HOOKS / "pre_gen_project.py").read_text(encoding="utf-8"), feature_version=(3, 8))
    assert ast.unparse(hook.body[1]) == "from __future__ import annotations"  # dict[str, str] means nothing to 3.8
