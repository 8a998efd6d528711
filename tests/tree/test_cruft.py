"""cruft, which many teams use with templates, makes the same project and refuses the same answers."""

import json
import shutil
import sys

import pytest
import yaml
from support import files_below, private_settings, run


@pytest.fixture(scope="module")
def repository(template, tmp_path_factory):
    """The template as a git repository, the only form that cruft takes."""
    copy = shutil.copytree(template, tmp_path_factory.mktemp("cruft") / "mlops-template")
    run("git", "init", "-q", cwd=copy)
    run("git", "add", "-A", cwd=copy)
    run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "template", cwd=copy)
    return copy


def create(repository, out, check=True, **answers):
    return run(
        *(sys.executable, "-m", "cruft", "create", str(repository), "--no-input", "--output-dir", out),
        *("--extra-context", json.dumps(answers)),
        cwd=out,
        check=check,
        **private_settings(repository.parent),
    )


def test_cruft_makes_the_same_project_and_keeps_its_own_record(baked, repository, tmp_path):
    create(repository, tmp_path, ci="jenkins")
    made = files_below(tmp_path / "my_ml_project")
    assert made.pop(".cruft.json")
    plain = files_below(baked(ci="jenkins"))
    assert made == {path: data for path, data in plain.items() if not path.startswith(".mlops-template/")}
    assert yaml.safe_load(made["maturity.yaml"])["project"]["ci"] == "jenkins"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"project_slug": "class"}, "is a word of Python"),
        ({"author": " "}, "author ' ' is empty"),
        ({"maturity_level": "4"}, "maturity_level 4 is not in this version of the template"),
        ({"ci": "banana"}, "banana"),
    ],
)
def test_cruft_is_refused_the_same_answers(repository, tmp_path, answers, message):
    done = create(repository, tmp_path, check=False, **answers)
    assert done.returncode != 0 and message in done.stderr + done.stdout
    assert files_below(tmp_path) == {}


def commit(project, message):
    run("git", "add", "-A", cwd=project)
    run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", message, cwd=project)


def update(repository, project, level):
    words = ("update", "-y", "--variables-to-update", json.dumps({"maturity_level": level}))
    run(sys.executable, "-m", "cruft", *words, cwd=project, **private_settings(repository.parent))


def test_cruft_moves_an_edited_project_up_and_down(baked, repository, tmp_path):
    create(repository, tmp_path)
    project = tmp_path / "my_ml_project"
    run("git", "init", "-q", cwd=project)
    commit(project, "made")
    page, mine = project / "data/README.md", "\nWe buy it from a broker.\n"
    page.write_text(page.read_text("utf-8") + mine, encoding="utf-8")
    commit(project, "edited")
    for level in ("1", "0"):
        update(repository, project, level)
        fresh = {p: data for p, data in files_below(baked(maturity_level=level)).items() if "mlops-template" not in p}
        fresh["data/README.md"] += mine.encode()
        there = files_below(project)
        assert {path: data for path, data in there.items() if path in fresh} == fresh
        assert not {p for p in there if not p.startswith((".git/", ".cruft.json"))} - set(fresh)
        commit(project, f"level {level}")
