"""The repository's own files: each is read by its own tool, and the documents tell the truth."""

import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from markdown_it import MarkdownIt
from support import QUESTIONS, ROOT, code_blocks, run, tool, volume

DOCUMENTS = [
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or "cookiecutter" in part for part in path.relative_to(ROOT).parts)
]


def links(document: Path) -> list[str]:
    """The targets of a document's links, images included."""
    tokens = [
        t for token in MarkdownIt().enable("table").parse(document.read_text("utf-8")) for t in token.children or []
    ]
    return [t.attrs.get("href") or t.attrs["src"] for t in tokens if t.type in ("link_open", "image")]


def headings(document: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document):
    for target in links(document):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = document.parent / path if path else document
        assert there.exists(), target
        assert not anchor or anchor in headings(there), target


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_is_content_with_hooks_tests_and_tools(command):
    run(sys.executable, "-m", "ruff", *command, ".", cwd=ROOT)


def test_shellcheck_is_content_with_the_ci_script():
    run(tool("shellcheck"), ".ci/run", cwd=ROOT)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_ci_runs_the_test_command_of_the_readme_as_it_stands():
    commands = [
        line for block in code_blocks((ROOT / "README.md").read_text("utf-8"), "bash") for line in block.splitlines()
    ]
    (test_command,) = [line for line in commands if "pytest" in line]
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == test_command


def test_the_environment_says_how_many_random_cases_are_tried(monkeypatch):
    assert settings.default.max_examples == volume(100)
    monkeypatch.setenv("TEST_VOLUME", "10")
    assert volume(7) == 70
    monkeypatch.delenv("TEST_VOLUME")
    assert volume(7) == 7


def test_the_readme_explains_every_question():
    table = [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    explained = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table))
    assert sorted(explained) == sorted(key for key in QUESTIONS if not key.startswith("_"))
    assert set(QUESTIONS["__prompts__"]) == set(explained)


def test_contributing_names_the_files_that_are_there():
    (tree,) = code_blocks((ROOT / "CONTRIBUTING.md").read_text("utf-8"), "text")
    top = [line.split()[0] for line in tree.splitlines() if not line.startswith(" ")]
    assert all((ROOT / path).exists() for path in top), top
    named = {path for path in top if path.startswith("hooks/")}
    assert named == {path.relative_to(ROOT).as_posix() for path in (ROOT / "hooks").glob("*.py")}
