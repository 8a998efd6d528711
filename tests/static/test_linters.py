"""What CI and the host run is read by the linters of its kind, without an exception that is not explained here."""

import re
import sys
from pathlib import Path

import pytest
from emulation import jenkins
from support import BUILT, run, tool

WORKFLOWS = ".github/workflows"


@pytest.fixture
def project(baked) -> Path:
    """A project of the highest level that is built, which has all of the lower ones; the same for any choice of CI."""
    return baked(maturity_level=BUILT[-1])


def lint(name: str, *words: str | Path, cwd: Path) -> str:
    """Run a linter that is installed beside the tests; what it prints. Fails where it is not content."""
    return run(Path(sys.executable).with_name(name), *words, cwd=cwd).stdout


def test_actionlint_is_content(project):
    lint("actionlint", "-shellcheck=", *project.glob(f"{WORKFLOWS}/*"), cwd=project)


def test_the_workflow_fits_its_schema(project):
    files = project.glob(f"{WORKFLOWS}/*")
    lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files, cwd=project)


def test_zizmor_finds_nothing_to_attack(project):
    said = lint("zizmor", "--offline", "--no-config", "--persona", "pedantic", project / WORKFLOWS, cwd=project)
    assert "No findings to report" in said


def test_every_action_is_pinned_by_commit_with_its_version_beside_it(project):
    text = "".join(path.read_text("utf-8") for path in project.glob(f"{WORKFLOWS}/*"))
    uses = re.findall(r"uses: (.*)", text)
    assert uses and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in uses), uses
    assert len({line.split("@")[0] for line in uses}) == len(set(uses)), "an action in two versions"


def test_every_jenkinsfile_parses(project):
    others = list(project.glob("jenkins/*.Jenkinsfile"))
    assert others
    for path in (project / "Jenkinsfile", *others):
        jenkins.lint(path)


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
    assert int(passed) > 50 * len(list(project.rglob("Dockerfile"))) and int(failed) == 0, said
