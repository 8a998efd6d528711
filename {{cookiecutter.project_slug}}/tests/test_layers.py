"""Each part depends on those below it, the core on nothing that a platform brings, and none on a column of the data."""

import ast
import csv
import subprocess
import sys
from pathlib import Path

import pytest

import {{cookiecutter.project_slug}} as package

ROOT = Path(package.__file__).parent
CORE = sorted((ROOT / "core").glob("*.py"))
# Which other parts a part may use; some come with a higher level. All may use what is in BASE.
BELOW = {
    "core": set(),
    "serving": {"core"},
    "releases": {"core", "serving"},
    "deployment": {"core", "serving", "releases"},
    "maturity": {"core"},
    "tracking": {"core", "serving"},
    "candidates": {"core", "serving", "releases", "tracking"},
    "pipelines": {"core", "serving", "releases", "tracking", "candidates"},
    "monitoring": {"core", "serving", "releases"},
    "rollout": {"core", "serving", "releases", "tracking", "candidates", "monitoring"},
}
BASE = {"addresses", "discovery", "errors", "settings", ""}  # the last is the package, for its name
ALLOWED = {"filelock", "fsspec", "matplotlib", "numpy", "pandas", "pydantic", "sklearn", "skops", "typer"}
ALLOWED |= {"yaml"}
# Takes seconds to import: a command that needs one of them imports it by itself, and the others start at once.
SLOW = {"duckdb", "kfp", "matplotlib", "mlflow", "mlserver", "sklearn", "skops"}
READS_AND_WRITES = {"storage.py", "schema_file.py", "scoring.py", "model_file.py", "model_folder.py", "kept_models.py"}
READS_AND_WRITES |= {"origin.py", "commands.py"}
# The demo's workspace holds a copy of the tests.
MODULES = [path for path in (*ROOT.rglob("*.py"), *Path("demo").rglob("*.py")) if "workspace" not in path.parts]
COMMANDS = sorted(ROOT.rglob("commands.py"))


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
    for name in imported(path) if path.name not in ("model.py", "features.py") else ():  # there, any model's library
        assert name.startswith(".") or name.split(".")[0] in ALLOWED | set(sys.stdlib_module_names), name


def test_a_part_uses_only_those_below_it():
    parts = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    assert parts <= set(BELOW), "a new part says above what it stands on"
    for part in parts:
        for path in (ROOT / part).rglob("*.py"):
            up = ".." + "." * (len(path.relative_to(ROOT / part).parts) - 1)
            used = {name[len(up) :].split(".")[0] for name in imported(path) if name.startswith(up)}
            assert used <= BELOW[part] | BASE, path


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.parent.name)
def test_a_module_of_commands_holds_commands_and_what_describes_their_options(path):
    module = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)):
        made_by = [ast.unparse(one) for one in function.decorator_list]
        assert any(".command(" in one for one in made_by), f"{function.name} belongs in a module of its own name"
    for node in (node for node in module.body if isinstance(node, ast.Assign)):
        assert ast.unparse(node.value).startswith(("typer.Typer(", "Annotated[")), ast.unparse(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.as_posix().rpartition("/src/")[2])
def test_nobody_uses_a_module_of_commands(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not f"{node.module}.".endswith("commands."), path
            assert "commands" not in [alias.name for alias in node.names], path


def test_the_command_line_starts_without_what_is_slow_to_import():
    ask = f"import sys, {package.__name__}.cli; print(*({SLOW!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.split() == []


def test_a_process_that_ends_does_not_look_through_all_that_it_has_imported():
    ask = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0)); import " + package.__name__
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.split() == ["True"]  # what was registered first is called last


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_files_are_touched_in_few_places_and_the_environment_nowhere(path):
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
