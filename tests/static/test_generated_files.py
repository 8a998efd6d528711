"""Every generated file is well formed, and what it says of the project is so."""

import ast
import csv
import io
import re
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from support import BUILT, CHOICES, OFFERED, ROOT, code_blocks, files_below, render_level, run, tool

FORMS = [{"maturity_level": level} for level in BUILT] + [
    {"maturity_level": level, "ci": ci} for level in BUILT[1:] for ci in CHOICES["ci"][1:]
]


@pytest.fixture(params=FORMS, ids=lambda answers: "level " + " ".join(answers.values()))
def generated(request, baked) -> Path:
    """The project at each level that is built, and with each CI where that matters."""
    return baked(**request.param)


def read_notebook(data: bytes) -> None:
    text = data.decode()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) + "\n" == text, "not as Jupyter saves it"
    for cell in notebook.cells:
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None, cell.id
        assert cell.metadata == {}, cell.id


def read_csv(data: bytes) -> None:
    rows = list(csv.reader(io.StringIO(data.decode())))
    assert len({len(row) for row in rows}) == 1


def read_text(data: bytes) -> None:
    text = data.decode()
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert "\r" not in text and not re.search(r"[ \t]+$", text, flags=re.M)
    assert max(map(len, text.splitlines())) <= 120 or "|" in text  # tables may be wide


READERS = {
    ".ipynb": [read_notebook],
    ".csv": [read_csv],
    ".toml": [read_text, lambda data: tomllib.loads(data.decode())],
    ".yaml": [read_text, yaml.safe_load],
    ".md": [read_text],
    ".gitignore": [read_text],
    ".py": [read_text, lambda data: ast.parse(data.decode())],
    ".mk": [read_text],
    "Makefile": [read_text],
    "CODEOWNERS": [read_text],
    ".conf": [read_text],  # nginx reads it in real/test_attacks.py
    # Their own tools read these in test_linters.py.
    ".yml": [read_text, yaml.safe_load],
    ".sh": [read_text],
    ".dockerignore": [read_text],
    "Dockerfile": [read_text],
    "Jenkinsfile": [read_text],
    ".Jenkinsfile": [read_text],
}


def test_every_file_is_read_by_its_own_parser(generated):
    for path, data in files_below(generated).items():
        if path.startswith(".mlops-template/"):
            continue
        for reader in READERS[Path(path).suffix or Path(path).name]:  # a new kind of file needs its parser here
            reader(data)


def test_the_readme_names_exactly_the_top_level_entries(generated):
    (tree,) = code_blocks((generated / "README.md").read_text("utf-8"), "text")
    named = {line.split()[0].rstrip("/") for line in tree.splitlines()}
    there = {path.name for path in generated.iterdir() if not path.name.startswith(".")}
    assert named | {"README.md"} == there


def test_links_in_the_documents_lead_somewhere(generated):
    for document in generated.rglob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8")):
            assert target.startswith("https://") or (document.parent / target.split("#")[0]).exists(), (
                document,
                target,
            )


@pytest.mark.parametrize("level", OFFERED)
def test_the_command_to_start_with_is_in_the_readme(baked, declaration, level):
    readme = (baked(maturity_level=level) / "README.md").read_text("utf-8")
    assert declaration["levels"][int(level)]["start"] in "".join(code_blocks(readme, "bash"))


@pytest.mark.parametrize("slug", ["a", "x" * 40])
@pytest.mark.parametrize("level", BUILT)
def test_ruff_is_content_whatever_the_name(tmp_path, level, slug):
    project = render_level(tmp_path, maturity_level=level, project_slug=slug)
    config = ["--config", ROOT / "pyproject.toml"] if level == "0" else []  # from level 1 on the project has its own
    for command in (["check"], ["format", "--check"]):
        run(sys.executable, "-m", "ruff", *command, "--no-cache", *config, ".", cwd=project)


def test_make_lists_every_task_and_no_other(baked):
    project = baked(maturity_level="1")
    listed = re.findall(r"^  ([a-z-]+) ", run(tool("make"), cwd=project).stdout, flags=re.M)
    declared = " ".join(
        re.findall(
            r"^\.PHONY: (.*)",
            "".join(path.read_text("utf-8") for path in [project / "Makefile", *sorted(project.glob("mk/*.mk"))]),
            flags=re.M,
        )
    ).split()
    assert listed == declared


def test_the_readme_explains_every_parameter_of_the_notebook(baked):
    generated = baked()
    notebook = nbformat.read(generated / "notebooks" / "model.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.id == "parameters"]
    parameters = re.findall(r"^([A-Z]+) = ", cell.source, flags=re.M)
    table = [line for line in (generated / "README.md").read_text("utf-8").splitlines() if re.match(r"\| `[A-Z]", line)]
    assert re.findall(r"`([A-Z]+)`", " ".join(line.split("|")[1] for line in table)) == parameters


def test_the_readme_names_the_pythons_that_the_project_takes(generated):
    lowest, above = re.search(
        r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (generated / "pyproject.toml").read_text("utf-8")
    ).groups()
    versions = " or ".join(f"3.{minor}" for minor in range(int(lowest), int(above)))
    assert f"You need Python {versions}" in (generated / "README.md").read_text("utf-8")
