"""Old releases of cookiecutter, as they are: each says what the template needs, and leaves nothing."""

import json
import subprocess
from pathlib import Path

import pytest
from support import private_settings, run, tool

pytestmark = pytest.mark.real
NEEDED = "This template needs cookiecutter 2.7 or newer with Python 3.11 or newer, and this is cookiecutter"


def uvx(*words: str | Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Run a release from the Python Package Index in an empty folder."""
    tool("uv")
    out.mkdir(exist_ok=True)
    return run("uvx", *words, cwd=out, check=False, UV_HTTP_RETRIES="0", **private_settings(out.parent))


def check_that_it_was_refused(done: subprocess.CompletedProcess[str], out: Path, version: str) -> None:
    """The message is there with what to do, nothing of Jinja's is, and no file or folder."""
    assert done.returncode != 0 and f"{NEEDED} {version}" in done.stderr, done.stderr
    assert "pip install --upgrade cookiecutter" in done.stderr and "Nothing was written." in done.stderr
    assert "jinja2" not in done.stderr
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("version", ["1.7.3", "2.1.1"])
def test_an_old_cookiecutter_is_refused(template, tmp_path, version):
    out = tmp_path / "out"
    done = uvx("--from", f"cookiecutter=={version}", "cookiecutter", template, "--no-input", out=out)
    check_that_it_was_refused(done, out, version)


def test_one_that_is_new_enough_for_the_hooks_will_do(template, tmp_path):
    out, words = tmp_path / "out", ("--from", "cookiecutter==2.4.0", "cookiecutter", template, "--no-input")
    for options in ([], ["-f", "maturity_level=1"]):
        done = uvx(*words, *options, out=out)
        assert done.returncode == 0, done.stderr
    assert (out / "my_ml_project/Makefile").is_file()


@pytest.mark.parametrize("version", ["1.7.3", "2.1.1"])
def test_cruft_with_an_old_cookiecutter_is_refused(template, tmp_path, version):
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@h", "commit", "-qm", "all"]):
        run("git", f"--git-dir={tmp_path / 'git'}", f"--work-tree={template}", *words, cwd=template)
    out, answers = tmp_path / "out", json.dumps({"maturity_level": "1"})
    create = ("create", tmp_path / "git", "--no-input", "--extra-context", answers)
    done = uvx("--from", "cruft", "--with", f"cookiecutter=={version}", "cruft", *create, out=out)
    check_that_it_was_refused(done, out, version)
