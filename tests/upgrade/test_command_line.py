"""Regeneration as people do it: with the `cookiecutter` command, in every form it has, and with cruft."""

import itertools
import os
import shutil
import sys
from pathlib import Path

import pytest
from support import OFFERED, files_below, generate, private_settings, run, tool
from upgrading import everything, times

NEXT = OFFERED[1]


@pytest.fixture
def project(baked, tmp_path):
    """project(level): a project of that level with an edit, an addition and a deletion of its owner."""

    def work(level: str, **answers: str) -> Path:
        made = Path(shutil.copytree(baked(maturity_level=level, **answers), tmp_path / "my_ml_project"))
        edit(made / "README.md")
        (made / "mine.txt").write_text("mine\n")
        (made / "data/README.md").unlink()
        return made

    return work


def edit(readme: Path) -> None:
    title, _, rest = readme.read_text("utf-8").partition("\n")
    readme.write_text(f"{title}, of the sales team\n{rest}", encoding="utf-8")


@pytest.fixture
def expected(baked, tmp_path):
    """expected(level): what that project is after a run, to the byte; its record apart, which says more."""

    def build(level: str, **answers: str) -> dict[str, bytes]:
        fresh = Path(shutil.copytree(baked(maturity_level=level, **answers), tmp_path / "expected"))
        edit(fresh / "README.md")
        files = {path: data for path, data in files_below(fresh).items() if not path.endswith("answers.json")}
        del files["data/README.md"]
        return files | {"mine.txt": b"mine\n"}

    return build


def without_answers(made: Path) -> dict[str, bytes]:
    return {path: data for path, data in everything(made).items() if not path.endswith("answers.json")}


@pytest.mark.parametrize(("before", "now"), list(itertools.product(OFFERED, OFFERED)))
def test_every_pair_of_levels(template, project, expected, before, now):
    made = project(before)
    words = {"maturity_level": now} | ({"_down": "yes"} if now < before else {})
    done = generate(template, made.parent, "-f", "--no-input", **words)
    assert without_answers(made) == expected(now)
    assert (f"level {before} → {now}" in done.stdout) and f"cd {made.name}" in done.stdout
    assert "stays deleted   data/README.md" in done.stdout
    before_again = times(made)
    assert "Nothing to change." in generate(template, made.parent, "-f", "--no-input", **words).stdout
    assert times(made) == before_again


def as_repository(template: Path, folder: Path) -> str:
    """The template in a git repository that cookiecutter clones."""
    copy = shutil.copytree(template, folder / "mlops-template")
    run(tool("git"), "init", "-q", cwd=copy)
    run("git", "add", "-A", cwd=copy)
    run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "template", cwd=copy)
    run("git", "clone", "-q", "--bare", copy, folder / "mlops-template.git", cwd=folder)
    return f"file://{folder}/mlops-template.git"


def as_zip(template: Path, folder: Path) -> str:
    shutil.copytree(template, folder / "zipped" / "mlops-template")
    return shutil.make_archive(str(folder / "mlops-template"), "zip", folder / "zipped", "mlops-template")


@pytest.mark.parametrize("form", ["a folder", "a relative path", "here", "a repository", "a zip", "skip if there"])
def test_every_form_of_the_template(template, project, expected, tmp_path, form):
    made = project("0")
    source, cwd, options = template, None, ["-f", "--no-input"]
    if form == "a relative path":
        source, cwd = f"./{template.name}", template.parent
    elif form == "here":
        source, cwd = ".", template
    elif form == "a repository":
        source = as_repository(template, tmp_path / "clone")
    elif form == "a zip":
        source = as_zip(template, tmp_path)
    elif form == "skip if there":
        options.append("-s")
    generate(source, made.parent, *options, cwd=cwd, maturity_level=NEXT)
    assert without_answers(made) == expected(NEXT)


def test_answering_the_questions_one_by_one(template, project, expected):
    made = project("0", author="Ada", ci="jenkins")
    done = generate(template, made.parent, "-f", typed="\n\n\n\n2\n\n\n")  # the second level of the menu
    assert without_answers(made) == expected(NEXT, author="Ada", ci="jenkins")
    assert "author stays 'Ada'" in done.stdout and "ci stays 'jenkins'" in done.stdout


def test_the_recorded_answers_ask_for_the_level_alone(template, project, expected):
    made = project("0", author="Ada")
    answers = made / ".mlops-template/answers.json"
    generate(template, made.parent, "-f", "--replay-file", answers, typed="2\n")
    assert without_answers(made) == expected(NEXT, author="Ada")


def test_a_newer_template_brings_its_changes(template, project, expected, tmp_path):
    made = project("0")
    newer = Path(shutil.copytree(template, tmp_path / "newer"))
    (tree,) = newer.glob("{{*")
    with (tree / "data/README.md").open("a") as file:
        file.write("\nNewer.\n")
    with (tree / "pyproject.toml").open("a") as file:
        file.write("\n# Newer.\n")
    done = generate(newer, made.parent, "-f", "--no-input", maturity_level="0")
    assert (made / "pyproject.toml").read_text("utf-8").endswith("\n# Newer.\n")
    assert not (made / "data/README.md").exists() and "stays deleted data/README.md" in " ".join(done.stdout.split())


def test_a_dry_run_changes_nothing(template, project):
    made = project("0")
    before = times(made)
    done = generate(template, made.parent, "-f", "--no-input", maturity_level=NEXT, _dry_run="yes")
    assert "merged          README.md" in done.stdout and "Nothing was written" in done.stdout
    assert times(made) == before


@pytest.mark.parametrize("there", [[], ["README.md", ".git/config"]])
def test_a_dry_run_of_a_new_project_touches_no_folder_that_is_there(template, tmp_path, there):
    for path in ["my_ml_project", *there]:
        (tmp_path / "my_ml_project" / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "my_ml_project").mkdir(exist_ok=True)
    for path in there:
        (tmp_path / "my_ml_project" / path).write_text("# Mine\n")
    before = times(tmp_path / "my_ml_project"), (tmp_path / "my_ml_project").stat().st_mtime_ns
    done = generate(template, tmp_path, "-f", "--no-input", maturity_level="1", _dry_run="yes")
    assert "added           Makefile" in done.stdout and "Nothing was written" in done.stdout
    assert (times(tmp_path / "my_ml_project"), (tmp_path / "my_ml_project").stat().st_mtime_ns) == before


def test_a_dry_run_of_a_new_project_leaves_no_folder(template, tmp_path):
    done = generate(template, tmp_path, "--no-input", maturity_level="0", _dry_run="yes")
    assert "added           README.md" in done.stdout and list(tmp_path.iterdir()) == []


def test_a_level_that_is_not_built_leaves_a_project_as_it_is(template, project):
    made = project("0")
    before = times(made)
    done = generate(template, made.parent, "-f", "--no-input", check=False, maturity_level="4")
    assert done.returncode != 0 and "maturity_level 4 is not in this version" in done.stderr
    assert times(made) == before


def test_without_force_a_project_is_not_touched(template, project):
    made = project("0")
    before = times(made)
    done = generate(template, made.parent, "--no-input", check=False, maturity_level=NEXT)
    assert done.returncode != 0 and "already exists" in done.stdout + done.stderr and times(made) == before


def test_what_a_run_that_died_has_left_aside_is_not_taken_for_the_template(template, baked, tmp_path):
    left = tmp_path / "my_ml_project/.mlops-template/render/cookiecutter1/left.py"
    left.parent.mkdir(parents=True)
    left.write_text("left\n")
    os.utime(left.parent, (0, 0))
    generate(template, tmp_path, "-f", "--no-input")
    assert files_below(tmp_path / "my_ml_project") == files_below(baked())


@pytest.mark.parametrize("level", OFFERED)
def test_a_repository_that_a_host_has_just_made_becomes_the_project(template, baked, tmp_path, level):
    made = tmp_path / "my_ml_project"
    made.mkdir()
    mine = {"README.md": "# my-ml-project\nWhat it is for.\n", "LICENSE": "Mine.\n", ".gitignore": "*.log\n"}
    for name, content in mine.items():
        (made / name).write_text(content)
    run(tool("git"), "init", "-q", cwd=made)
    run("git", "add", "-A", cwd=made)
    run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "begin", cwd=made)
    done = generate(template, tmp_path, "-f", "--no-input", maturity_level=level)
    fresh, there = files_below(baked(maturity_level=level)), everything(made)
    assert {path for path in there if not path.startswith(".git/")} == fresh.keys() | mine.keys()
    changed = {*mine, ".mlops-template/answers.json"}  # which lists the conflicts
    assert {path for path, data in fresh.items() if there[path] != data} <= changed
    assert all(line in there[path].decode() for path, content in mine.items() for line in content.splitlines())
    status = run("git", "status", "--porcelain", cwd=made).stdout
    assert "conflict        README.md" in done.stdout and "AA README.md" in status and "AA .gitignore" in status
    assert "Ready" not in done.stdout and "_undo=yes" in done.stdout


@pytest.mark.parametrize("where", ["", "src/deeper"])
def test_inside_of_a_project_no_second_one_appears(template, project, where):
    made = project("1")
    (made / where / "my_ml_project/.git").mkdir(parents=True)  # which cookiecutter has not made, and does not remove
    before = times(made)
    done = run(
        *(sys.executable, "-m", "cookiecutter", template, "-f", "--no-input", "maturity_level=2"),
        cwd=made / where,
        check=False,
        **private_settings(made.parent),
    )
    assert (
        done.returncode != 0 and f"inside of the project {made}" in done.stderr and f"-o {made.parent}" in done.stderr
    )
    assert set(times(made)) == set(before)


def test_beside_a_renamed_project_no_second_one_appears(template, project):
    made = project("0")
    renamed = made.rename(made.with_name("churn"))
    before = times(renamed)
    done = generate(template, made.parent, "-f", "--no-input", check=False, maturity_level="1")
    assert done.returncode != 0 and "churn holds the project of that name" in done.stderr
    assert not made.exists() and times(renamed) == before
    generate(template, made.parent, "--no-input", maturity_level="1")  # as asked for, without -f
    assert (made / "Makefile").is_file() and times(renamed) == before


def test_what_systems_leave_in_an_empty_folder_is_nobodys_work(template, baked, tmp_path):
    (tmp_path / "my_ml_project").mkdir()
    (tmp_path / "my_ml_project/.DS_Store").write_bytes(b"Bud1")
    generate(template, tmp_path, "-f", "--no-input")
    assert files_below(tmp_path / "my_ml_project") == files_below(baked()) | {".DS_Store": b"Bud1"}


def test_a_linked_project_is_called_by_its_own_name(template, project):
    made = project("0")
    elsewhere = made.rename(made.with_name("elsewhere"))
    made.symlink_to(elsewhere)
    done = generate(template, made.parent, "-f", "--no-input", maturity_level=NEXT)
    assert "my_ml_project: level 0" in done.stdout and "cd my_ml_project" in done.stdout
    assert made.is_symlink() and (elsewhere / "Makefile").is_file()


def test_a_project_of_cruft_is_left_to_cruft(template, baked, tmp_path):
    made = Path(shutil.copytree(baked(), tmp_path / "my_ml_project"))
    shutil.rmtree(made / ".mlops-template")
    (made / ".cruft.json").write_text("{}")
    done = generate(template, tmp_path, "-f", "--no-input", check=False)
    assert done.returncode != 0 and "was made by cruft: upgrade it with  cruft update" in done.stderr


def test_open_conflicts_are_named_again_and_the_project_is_not_ready(template, project):
    made = project("0")
    (made / "README.md").write_text("# Another page\n")
    first = generate(template, made.parent, "-f", "--no-input", maturity_level=NEXT)
    again = generate(template, made.parent, "-f", "--no-input", maturity_level=NEXT)
    assert "conflict        README.md" in first.stdout
    assert "README.md is still open, from an earlier run" in again.stdout
    assert "Ready" not in first.stdout + again.stdout


def as_a_host_makes_it(folder: Path) -> Path:
    """A repository with a page and nothing else."""
    (folder / ".git").mkdir(parents=True)
    (folder / "README.md").write_text("# Mine\n")
    return folder


def test_two_new_projects_are_rendered_apart(template, baked, tmp_path):
    made = as_a_host_makes_it(tmp_path / "my_ml_project")
    other = made / ".mlops-template/render/mlops-template/src/my_ml_project/core/evil.py"
    other.parent.mkdir(parents=True)
    other.write_text("evil")
    generate(template, tmp_path, "-f", "--no-input", maturity_level="1")
    assert everything(made).keys() == files_below(baked(maturity_level="1")).keys() and other.is_file()


@pytest.mark.parametrize("words", [{"_undo": "yes"}, {"ci": "banana"}, {"maturity_level": "4"}])
def test_a_refusal_leaves_nothing_in_a_folder_that_was_there(template, tmp_path, words):
    made = as_a_host_makes_it(tmp_path / "my_ml_project")
    before = set(times(made))
    done = generate(template, tmp_path, "-f", "--no-input", check=False, **words)
    assert done.returncode != 0 and set(times(made)) == before
