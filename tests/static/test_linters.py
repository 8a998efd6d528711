"""What CI and the host run is read by the linters of its kind, without an exception that is not explained here.

The workflows are those of the generated project, and that of this repository, which is held to the same.
"""

import re
import sys
from pathlib import Path

import pytest
from emulation import jenkins
from support import BUILT, ROOT, run, tool

WORKFLOWS = ".github/workflows"


@pytest.fixture
def project(baked) -> Path:
    """A project of the highest level that is built, which has all of the lower ones; the same for any choice of CI."""
    return baked(maturity_level=BUILT[-1])


@pytest.fixture(params=["generated", "our own"])
def workflows(request, project) -> Path:
    """A folder of workflows."""
    return (project if request.param == "generated" else ROOT) / WORKFLOWS


def lint(name: str, *words: str | Path, cwd: Path) -> str:
    """Run a linter that is installed beside the tests; what it prints. Fails where it is not content."""
    return run(Path(sys.executable).with_name(name), *words, cwd=cwd).stdout


def pins(workflows: Path) -> list[str]:
    """The actions that workflows use, with what they are pinned to."""
    return re.findall(r"uses: (.*)", "".join(path.read_text("utf-8") for path in workflows.iterdir()))


def test_actionlint_is_content(workflows):
    lint("actionlint", "-shellcheck=", *workflows.iterdir(), cwd=workflows)


def test_the_workflow_fits_its_schema(workflows):
    files = workflows.iterdir()
    lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files, cwd=workflows)


def test_zizmor_finds_nothing_to_attack(workflows):
    words = ("--offline", "--no-config", "--color", "never", "--persona", "pedantic")
    said = lint("zizmor", *words, workflows.parent, cwd=workflows)
    (ignored,) = re.findall(r"No findings to report.*?(?:\((\d+) ignored.*\))?$", said, flags=re.M)
    # Our own container is named by its tag: the weekly run shall notice what is new in it, too. A release follows a
    # training by `workflow_run`, and reads nothing of it.
    assert ignored == "1", said


def test_every_action_is_pinned_by_commit_with_its_version_beside_it(workflows):
    uses = pins(workflows)
    assert uses and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in uses), uses
    assert len({line.split("@")[0] for line in uses}) == len(set(uses)), "an action in two versions"


def test_our_own_actions_are_pinned_to_what_the_generated_project_pins_them_to(project):
    ours, generated = set(pins(ROOT / WORKFLOWS)), set(pins(project / WORKFLOWS))
    assert ours and ours <= generated, ours - generated


def test_every_jenkinsfile_parses(project):
    files = ["Jenkinsfile", *(path.relative_to(project).as_posix() for path in project.glob("jenkins/*.Jenkinsfile"))]
    assert len(files) > 1 and jenkins.lint(project, *files) == {name: [] for name in files}


def test_dependabot_can_read_its_file(project):
    path = project / ".github/dependabot.yml"
    lint("check-jsonschema", "--builtin-schema", "vendor.dependabot", path, cwd=project)
    assert not re.search(r": [&*]\w", path.read_text("utf-8")), "GitHub takes no anchors there"


def test_dependabot_looks_where_something_is_pinned(project):
    said = (project / ".github/dependabot.yml").read_text("utf-8")
    looked = {"/": project} | {f"/deploy/{path.name}": path for path in project.glob("deploy/*")}
    assert 'directories: [/, "/deploy/*"]' in said
    assert {path.parent for path in project.rglob("Dockerfile")} <= set(looked.values())
    assert re.findall("package-ecosystem: (.*)", said) == ["github-actions", "uv", "docker"]


def test_bandit_finds_nothing_that_is_not_explained(project):
    lint("bandit", "--quiet", "--configfile", "pyproject.toml", "--recursive", "src", "demo", cwd=project)
    modules = [path for folder in ("src", "demo") for path in (project / folder).rglob("*.py")]
    marks = [path for path in modules if "nosec" in path.read_text("utf-8")]
    assert not marks, "explain it in pyproject.toml"


def test_hadolint_is_content(project):
    images = list(project.rglob("Dockerfile"))
    assert len(images) > 1
    lint("hadolint", *images, cwd=project)


def test_the_compose_file_fits_its_schema(project):
    lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose/compose.yaml", cwd=project)


def test_shellcheck_is_content_with_the_script_of_the_host(project):
    run(tool("shellcheck"), "deploy/compose/host.sh", cwd=project)


@pytest.mark.real
def test_checkov_finds_nothing_in_the_images(project):
    words = ("--framework", "dockerfile", "--compact", "--skip-download")
    said = run(tool("uvx"), "checkov==3.3.30", "--directory", ".", *words, cwd=project).stdout
    passed, failed = re.search(r"Passed checks: (\d+), Failed checks: (\d+)", said).groups()
    built = [path for path in project.rglob("Dockerfile") if "RUN " in path.read_text("utf-8")]
    assert int(passed) > 50 * len(built) > 0 and int(failed) == 0, said
