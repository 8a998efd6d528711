"""What the tests of all tiers share: where things are, how to render, and how to run a command."""

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import disk
import pytest
import recorded_base
import yaml
from cookiecutter.generate import generate_files
from cookiecutter.utils import create_env_with_context

ROOT = Path(__file__).parents[1]
TREE = ROOT / "{{cookiecutter.project_slug}}"
HOOKS = ROOT / "hooks"
INSIDE = ROOT / "tests" / "inside" / "level_0"  # tests that run in the generated project's environment
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
CHOICES = {key: value for key, value in QUESTIONS.items() if isinstance(value, list) and not key.startswith("_")}
# Answers as a person gives them who presses Enter all the way.
DEFAULTS = {
    "project_name": "My ML Project",
    "project_slug": "my_ml_project",
    "description": "Predicts which customers will leave.",
    "author": "Your Name",
    "maturity_level": "0",
    "ci": "github and jenkins",
    "retraining_engine": "all",
}
# What is set for the tests themselves, or for Python where they run, and would follow into what they start: without
# compiled files, each start of a project's command takes three times as long.
OWN_VARIABLES = ("VIRTUAL_ENV", "PYTHONPATH", "PYTEST_CURRENT_TEST", "PYTHONDONTWRITEBYTECODE")
SECONDS_AT_MOST = 2000  # for one command
FREE_TEXT = ["project_name", "description", "author"]
DECLARATION = yaml.safe_load((TREE / "maturity.yaml").read_text(encoding="utf-8"))  # its answers are placeholders
BUILT = [str(number) for number, level in DECLARATION["levels"].items() if "paths" in level]
OFFERED = [str(number) for number, level in DECLARATION["levels"].items() if "start" in level]


def volume(small: int) -> int:
    """How many random cases a test tries: this few at each change, TEST_VOLUME times as many where that is set."""
    return small * int(os.environ.get("TEST_VOLUME", "1"))


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file by its path with /, and its bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def render(out: Path, hooks: bool = False, template: Path = ROOT, **answers: str) -> Path:
    """The project that these answers give, taken as they are: not as Jinja, unlike those on a command line."""
    private = {key: value for key, value in QUESTIONS.items() if key in ("_copy_without_render", "_new_lines")}
    context = {"cookiecutter": DEFAULTS | private | answers}
    return Path(generate_files(template, context, out, accept_hooks=hooks))


def render_level(out: Path, template: Path = ROOT, **answers: str) -> Path:
    """The project at a level that is built but not offered yet: as the hooks will make it, without the refusal."""
    project, post = render(out, template=template, **answers), load_hook("post_gen_project")
    declaration = yaml.safe_load((project / "maturity.yaml").read_text(encoding="utf-8"))
    post.strip(project, declaration)
    (project / "MATURITY.md").write_text(post.maturity_page(declaration), encoding="utf-8", newline="\n")
    record = recorded_base.Record(disk.read_tree(project), DEFAULTS | answers)
    (project / recorded_base.FOLDER).mkdir()
    for path, file in recorded_base.files(record).items():
        (project / path).write_bytes(file)
    return project


def load_hook(name: str, **answers: str) -> types.ModuleType:
    """A hook rendered as cookiecutter renders it, and imported."""
    context = {"cookiecutter": DEFAULTS | answers}
    source = (HOOKS / f"{name}.py").read_text(encoding="utf-8")
    module = types.ModuleType(name)
    exec(create_env_with_context(context).from_string(source).render(**context), module.__dict__)
    return module


def own_environment() -> dict[str, str]:
    """The environment without what is set for the tests themselves."""
    return {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}


def run(
    *command: str | Path, cwd: Path, check: bool = True, typed: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as if this was typed, away from the environment that the tests themselves run in.

    What takes far too long is ended with what it has started in its process group, and what it has said is told.
    """
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=own_environment() | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        process_group=0,
    ) as process:
        try:
            out, err = process.communicate(typed, timeout=SECONDS_AT_MOST)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise AssertionError(f"{command} takes over {SECONDS_AT_MOST} s:\n{out}\n{err}") from None
            raise
    done = subprocess.CompletedProcess(command, process.returncode, out, err)
    if check:
        assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done


def generate(
    template: Path | str,
    out: Path,
    *options: str | Path,
    cwd: Path | None = None,
    check: bool = True,
    typed: str = "",
    **answers: str,
) -> subprocess.CompletedProcess[str]:
    """Run `cookiecutter` on the template as a user does, keeping the user's own settings and replays out of it."""
    out.mkdir(parents=True, exist_ok=True)
    given = [f"{key}={value}" for key, value in answers.items()]
    return run(
        *(sys.executable, "-m", "cookiecutter", template, *options, "-o", out, *given),
        cwd=cwd or out,
        check=check,
        typed=typed,
        **private_settings(Path(tempfile.mkdtemp())),
    )


def private_settings(folder: Path) -> dict[str, str]:
    """Variables that make cookiecutter keep its settings and replays below this folder."""
    config = folder / "cookiecutter-config.yaml"
    (folder / "cookiecutters_dir").mkdir(parents=True, exist_ok=True)
    lines = [f"{key}: {json.dumps(str(folder / key))}" for key in ("replay_dir", "cookiecutters_dir")]
    config.write_text("\n".join(lines), encoding="utf-8")
    return {"COOKIECUTTER_CONFIG": str(config)}


def tool(name: str) -> str:
    """The path of a program that the machine must have; without it the test is skipped, in CI it fails."""
    found = shutil.which(name)
    if not found and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed, and CI may not skip this")
    if not found:
        pytest.skip(f"{name} is not installed: this is NOT checked here")
    return found


def code_blocks(markdown: str, language: str) -> list[str]:
    """The contents of the fenced blocks of a language, in order."""
    from markdown_it import MarkdownIt

    return [token.content for token in MarkdownIt().parse(markdown) if token.type == "fence" and token.info == language]


def commands(document: Path) -> list[str]:
    """The lines of the shell blocks of a document."""
    return [line for block in code_blocks(document.read_text("utf-8"), "bash") for line in block.splitlines() if line]


def as_the_readme_says(what: str, beside: Path, typed: str = "", level: str = "1") -> str:
    """Run one of the README's commands beside the clone, with the Python that is there; what it prints.

    what: `asking` or `given` for a new project, `raising` for one that is to move to the level.
    """
    lines = [line for line in commands(ROOT / "README.md") if "./mlops-template" in line]
    path = f"{beside / 'fresh' / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    command = dict(zip(("asking", "given", "raising"), lines, strict=True))[what]
    if what == "raising":
        command = command.replace("maturity_level=1", f"maturity_level={level}")
    return run("bash", "-c", command, cwd=beside, typed=typed, PATH=path, **private_settings(beside)).stdout


def execute(project: Path, **variables: str) -> None:
    """Run the notebook with the command that the project's README gives for a terminal."""
    (headless,) = [line for line in commands(project / "README.md") if "jupyter execute" in line]
    run(*shlex.split(headless), cwd=project, **variables)


def edit_parameters(project: Path, values: dict) -> None:
    """Edit the parameter cell, as a user would, and nothing else."""
    path = project / "notebooks" / "model.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if cell["id"] == "parameters"]
    source = "".join(cell["source"])
    for name, value in values.items():
        source, found = re.subn(rf"^{name} = .*$", lambda _, n=name, v=value: f"{n} = {v!r}", source, flags=re.M)
        assert found == 1, name
    cell["source"] = source
    path.write_text(json.dumps(notebook), encoding="utf-8")


def edit(path: Path, old: str, new: str) -> None:
    """Put one text in the place of another, which must be there once."""
    source = path.read_text("utf-8")
    assert source.count(old) == 1, (path, old)
    path.write_text(source.replace(old, new), encoding="utf-8")


def demo(project: Path, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the demo of a project of level 1 or higher."""
    return run("make", "demo", cwd=project, check=check, **variables)


def demo_record(project: Path) -> dict:
    """What the demo says that it has seen."""
    return json.loads((project / "reports/demo.json").read_text("utf-8"))


def check_that_the_demo_failed(project: Path, done: subprocess.CompletedProcess[str], step: str) -> None:
    """A demo that was run has failed at this step and no other, has said so, and has left no picture."""
    assert done.returncode != 0 and "The promise was not kept" in done.stderr
    record = demo_record(project)
    assert not record["kept"] and record["problem"]
    assert [done["step"] for done in record["steps"] if not done["done"]] == [step]
    assert not (project / "reports/demo.png").exists()


def releases_in(store: Path) -> list[dict]:
    """The release records in a store, oldest first, with their digests checked and their paths added."""
    found = sorted(store.glob("*/release.json"))
    for path in found:
        release = json.loads(path.read_text("utf-8"))
        record = (path.parent / "model" / "model.json").read_bytes()
        assert hashlib.sha256(record).hexdigest() == release["model"]["sha256"]
        for name, digest in ((name, file["sha256"]) for name, file in json.loads(record)["files"].items()):
            assert hashlib.sha256((path.parent / "model" / name).read_bytes()).hexdigest() == digest, name
    return [json.loads(path.read_text("utf-8")) | {"path": str(path)} for path in found]


# Tables of inside/level_0/own_tables.py, as params.yaml of level 1 speaks of them.
OWN_DATA = {
    "cancer": {"target": {"column": "target", "task": "binary", "positive": 0}},
    "wine": {"target": {"column": "target", "task": "multiclass"}},
    "diabetes": {"target": {"column": "target", "task": "regression"}},
    "houses": {
        "target": {"column": "price", "task": "regression"},
        "data": {"time": "sold", "drop": ["note", "nothing"]},
    },
}


def project_command(
    project: Path, *words: str | Path, check: bool = True, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of a project of level 1 or higher."""
    return run("uv", "run", "my_ml_project", *words, cwd=project, check=check, **variables)


def configure(project: Path, **sections: dict) -> None:
    """Change sections of params.yaml, as a user would."""
    params = yaml.safe_load((project / "params.yaml").read_text("utf-8"))
    (project / "params.yaml").write_text(yaml.safe_dump(params | sections), encoding="utf-8")


def use_own_data(project: Path, name: str) -> None:
    """Bring another table into a project that may have run with the sample, and change params.yaml alone."""
    shutil.rmtree(project / "reports", ignore_errors=True)
    for made in ("data/schema.yaml", "data/customers.csv", "predictions.csv"):
        (project / made).unlink(missing_ok=True)
    run("uv", "run", "python", INSIDE / "own_tables.py", name, "data/my table.csv", cwd=project)
    least = {"binary": {"roc_auc": 0.9}, "multiclass": {"balanced_accuracy": 0.9}, "regression": {"r2": 0.3}}
    target = OWN_DATA[name]["target"]
    configure(
        project,
        data={"uri": "data/my table.csv"} | OWN_DATA[name].get("data", {}),
        target=target,
        evaluation={"at_least": least[target["task"]]},
    )


def keep_few_tests(project: Path, *names: str) -> None:
    """Leave a project with these of its own tests, which are quick: what all of them do has been seen."""
    for path in [*project.glob("tests/*/test_*.py"), *project.glob("tests/test_*.py")]:
        if path.name not in names:
            path.unlink()
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text("utf-8").replace("fail_under = 90", "fail_under = 0"), encoding="utf-8")
