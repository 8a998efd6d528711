"""No part depends on one that depends on it, the core on no other and no platform, and none on a column of the data."""

import ast
import csv
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import {{cookiecutter.project_slug}} as package

ROOT = Path(package.__file__).parent
CORE = sorted((ROOT / "core").glob("*.py"))
FOR_ALL = {"errors", "settings", ""}  # and the name of the package
ALLOWED = {"fsspec", "matplotlib", "numpy", "pandas", "pandera", "sklearn", "skops", "typer", "yaml"}
READS_AND_WRITES = {"storage.py", "origin.py", "commands.py"}


def imported(path: Path) -> set[str]:
    """The names of the packages that a module imports; those of this package with a leading dot."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_imports_no_platform(path):
    for name in imported(path):
        assert name.startswith(".") or name.split(".")[0] in ALLOWED | set(sys.stdlib_module_names), name


def parts_used(part: Path) -> set[str]:
    """The other parts of the package that one of them imports."""
    used = set()
    for path in part.rglob("*.py"):
        up = "." * (len(path.relative_to(ROOT).parts))
        used |= {name[len(up) :].split(".")[0] for name in imported(path) if name.startswith(up)}
        used |= {name.split(".")[1] for name in imported(path) if name.startswith(f"{package.__name__}.")}
    return used - FOR_ALL - {part.name}


def test_no_part_uses_one_that_uses_it_and_the_core_uses_none():
    parts = {path.name: parts_used(path) for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    assert parts["core"] == set()
    TopologicalSorter(parts).prepare()  # raises CycleError that names the circle


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_files_are_touched_in_one_place_and_the_environment_nowhere(path):
    source = path.read_text(encoding="utf-8")
    assert "os.environ" not in source and "getenv" not in source
    if path.name not in READS_AND_WRITES:
        for word in ("open(", "read_csv", "to_csv", "read_text", "write_text", "read_bytes", "write_bytes"):
            assert word not in source, word


def test_the_code_names_no_column_of_the_sample():
    sample = Path("data/customers.csv")
    if not sample.exists():
        pytest.skip("the sample is gone: there is nothing to compare with")
    with sample.open(encoding="utf-8") as lines:
        header = next(csv.reader(lines))
    for path in ROOT.rglob("*.py"):
        words = {node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)}
        assert not words & set(header), path
