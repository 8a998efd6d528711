"""A run as a whole: the answers that count, what is refused, what is said."""

import json
import shutil

import pytest
import recorded_base
from refusal import RefusedError
from support import DEFAULTS
from upgrading import everything, text, times, write

OLD = {"a": text("1", "2", "3"), "dropped": text("x"), "b": text("b")}
NEW = {"a": text("1", "2", "3", "4"), "b": text("new"), "c": text("c")}


def answers(project) -> dict:
    return json.loads((project / recorded_base.ANSWERS).read_text("utf-8"))


def test_what_is_not_edited_is_as_if_it_were_new(made, run_template, tmp_path):
    project, fresh = made(OLD), tmp_path / "fresh" / "my_ml_project"
    fresh.parent.mkdir()
    for one in (project, fresh):
        run_template(one, NEW, maturity_level="1")
    assert everything(project) == everything(fresh)


def test_answers_left_at_the_default_are_those_of_last_time(made, run_template, capsys):
    project = made(OLD)
    run_template(project, OLD, author="Ada", ci="jenkins")
    run_template(project, OLD, maturity_level="1")
    assert answers(project)["cookiecutter"] == {
        key: value for key, value in DEFAULTS.items() if key != "maturity_level"
    } | {"author": "Ada", "ci": "jenkins"}
    assert answers(project)["level"] == "1"
    said = capsys.readouterr().out
    assert "author: 'Your Name' → 'Ada'" in said and "author stays 'Ada'" in said and "ci stays 'jenkins'" in said
    run_template(project, OLD, author="Bob")
    assert "author: 'Ada' → 'Bob'" in capsys.readouterr().out and answers(project)["cookiecutter"]["author"] == "Bob"


def test_a_dry_run_says_what_would_happen_and_changes_nothing(made, run_template, capsys):
    project = write(made(OLD), {"a": text("mine", "2", "3"), "b": text("mine")})
    before, shape = everything(project), times(project)
    run_template(project, NEW, maturity_level="1", _dry_run="yes")
    said = capsys.readouterr().out.splitlines()
    assert (everything(project), times(project)) == (before, shape)
    for line in ("merged a", "conflict b", "added c", "removed dropped"):
        assert line in [" ".join(one.split()) for one in said]
    assert said[-1] == "Nothing was written: this was a dry run."


def test_the_report_says_what_to_do(made, run_template, capsys):
    project = write(made(OLD), {"a": text("mine", "2", "3"), "b": text("mine"), "dropped": text("mine")})
    run_template(project, NEW, maturity_level="1")
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert said[1] == "my_ml_project: level 0 → 1"
    for line in ("added 1 file", "merged a", "conflict b", "kept dropped"):
        assert line in said
    assert "Settle the conflicts: look for <<<<<<< yours." in said


@pytest.mark.parametrize("there", ["a file", "a hidden file", "a folder", "a link", "a readme and more"])
def test_a_folder_that_this_template_did_not_make_is_not_touched(run_template, tmp_path, there):
    project = tmp_path / "my_ml_project"
    project.mkdir()
    {
        "a file": (project / "model.py").touch,
        "a readme and more": lambda: [(project / name).touch() for name in ("README.md", "LICENSE", "model.py")],
        "a hidden file": (project / ".hidden").touch,
        "a folder": (project / "mine").mkdir,
        "a link": lambda: (project / "link").symlink_to(tmp_path),
    }[there]()
    before = times(project)
    with pytest.raises(RefusedError, match="is not empty, and this template did not make what is in it"):
        run_template(project, NEW)
    assert times(project) == before


def test_an_empty_repository_counts_as_an_empty_folder(run_template, tmp_path):
    (tmp_path / "my_ml_project/.git").mkdir(parents=True)
    run_template(tmp_path / "my_ml_project", NEW)
    assert (tmp_path / "my_ml_project/c").is_file()


@pytest.mark.parametrize("broken", ["base.zip gone", "answers gone", "base.zip cut off", "answers are none", "a list"])
def test_a_record_that_cannot_be_read_is_asked_for(made, run_template, broken):
    project = made(OLD)
    base, kept = project / recorded_base.BASE, project / recorded_base.ANSWERS
    {
        "base.zip gone": base.unlink,
        "answers gone": kept.unlink,
        "base.zip cut off": lambda: base.write_bytes(base.read_bytes()[:40]),
        "answers are none": lambda: kept.write_text("{"),
        "a list": lambda: kept.write_text("[]"),
    }[broken]()
    before = everything(project)
    with pytest.raises(RefusedError, match=r"git checkout -- \.mlops-template"):
        run_template(project, NEW)
    assert everything(project) == before


def test_another_slug_is_refused(made, run_template):
    project = made(OLD)
    renamed = project.rename(project.with_name("renamed"))
    with pytest.raises(RefusedError, match="has the project_slug my_ml_project, not renamed"):
        run_template(renamed, NEW, project_slug="renamed")


def test_open_conflicts_are_named(made, run_template):
    project = write(made(OLD), {"b": text("mine")})
    run_template(project, NEW)
    before = everything(project)
    with pytest.raises(RefusedError, match=r"(?s)conflicts of the last run.*\n  b\n"):
        run_template(project, NEW | {"b": text("newer")})
    assert everything(project) == before
    run_template(project, NEW | {"c": text("newer")})
    (project / "b").write_bytes(text("settled"))
    run_template(project, NEW | {"b": text("new", "newer"), "c": text("newer")})
    assert (project / "b").read_bytes().startswith(b"<<<<<<< yours\nsettled\n")


def test_a_settled_conflict_is_forgotten(made, run_template):
    project = write(made(OLD), {"b": text("mine")})
    run_template(project, NEW)
    assert answers(project)["conflicts"] == ["b"]
    (project / "b").write_bytes(text("settled"))
    run_template(project, NEW)
    assert "conflicts" not in answers(project)


def test_a_folder_deleted_by_the_user_stays_deleted_down_and_up(made, run_template, capsys):
    tree = OLD | {"docs/1": text("1"), "docs/2": text("2")}
    project = made(tree, level="1")
    shutil.rmtree(project / "docs")
    run_template(project, OLD, maturity_level="0", _down="yes")
    run_template(project, tree | {"docs/2": text("newer"), "docs/new": text("3")}, maturity_level="1")
    assert not (project / "docs").exists()
    assert "stays deleted docs/2" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("template", "noted"),
    [
        ("gh:org/mlops-template", True),
        ("https://git.example.org/org/mlops-template.git", True),
        ("git+ssh://git@git.example.org/org/mlops-template", True),
        ("git@git.example.org:org/mlops-template.git", True),
        ("../mlops-template", False),
        ("/home/ada/mlops-template.zip", False),
        ("C:\\mlops-template", False),
        ("file:///home/ada/mlops-template", False),
        ("git+file:///home/ada/mlops-template", False),
        ("hg+file:///home/ada/mlops-template", False),
        ("file:mlops-template", False),
    ],
)
def test_where_the_template_is_is_noted_if_others_can_reach_it(made, run_template, template, noted):
    project = made(OLD)
    run_template(project, OLD, _template=template)
    assert answers(project).get("template") == (template if noted else None)
    run_template(project, OLD, _template="./mlops-template")
    assert answers(project).get("template") == (template if noted else None)


@pytest.mark.parametrize(
    ("template", "noted"),
    [
        ("https://user:s3cret@git.example.org/org/t.git", "https://git.example.org/org/t.git"),
        ("https://s3cret@git.example.org/org/t.git", "https://git.example.org/org/t.git"),
        ("git+https://user:s3cret@git.example.org:8443/org/t", "git+https://git.example.org:8443/org/t"),
        ("https://git.example.org/t.zip?private_token=s3cret", "https://git.example.org/t.zip"),
        ("https://git.example.org/t.zip#s3cret", "https://git.example.org/t.zip"),
        ("ssh://git:s3cret@git.example.org/org/t", "ssh://git@git.example.org/org/t"),
        ("oauth2:s3cret@git.example.org:org/t", None),
        ("https://[s3cret", None),
    ],
)
def test_no_secret_in_the_address_is_noted_or_printed(made, run_template, capsys, template, noted):
    project = write(made(OLD), {"a": text("mine", "2", "3"), "b": text("mine")})
    run_template(project, NEW, _template=template, maturity_level="1")
    assert answers(project).get("template") == noted
    assert "s3cret" not in capsys.readouterr().out
    for path, data in everything(project).items():
        assert b"s3cret" not in data, path


def test_a_secret_that_was_noted_by_an_earlier_version_is_removed(made, run_template):
    project = made(OLD, template="https://user:s3cret@git.example.org/org/t.git")
    run_template(project, OLD)
    assert answers(project)["template"] == "https://git.example.org/org/t.git"


def test_the_version_of_the_template_is_noted_with_its_address(made, run_template):
    project = made(OLD)
    run_template(project, OLD, _template="gh:org/t", _checkout="v1")
    assert (answers(project)["template"], answers(project)["checkout"]) == ("gh:org/t", "v1")
    run_template(project, OLD, _template="../t")
    assert (answers(project)["template"], answers(project)["checkout"]) == ("gh:org/t", "v1")
    run_template(project, OLD, _template="gh:org/t")
    assert "checkout" not in answers(project)
