"""What the template refuses, it refuses whole: in one message, with nothing written and nothing lost."""

import pytest
from cookiecutter.exceptions import FailedHookException
from support import CHOICES, OFFERED, QUESTIONS, files_below, generate, render
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
    assert "needs cookiecutter 2.7 or newer" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
