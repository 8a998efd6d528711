"""The benchmarks still run to their end, and print what they are there for: each of them once, in its quick form."""

import re
import sys
from pathlib import Path

import pytest
from support import OFFERED, ROOT, run, tool

pytestmark = pytest.mark.real
NUMBER = r"\d[\d.]*"


def printed(name: str, cwd: Path) -> str:
    """What the quick form of a benchmark prints."""
    return run(sys.executable, ROOT / "benchmarks" / name, "--quick", cwd=cwd).stdout


def test_creating_and_upgrading_is_measured_to_its_rivals_and_as_things_grow(tmp_path):
    tool("git")
    compared = {
        f"creation, level {OFFERED[-1]}": ("this template", "plain", "cruft create"),
        f"upgrade, level {OFFERED[0]} to {OFFERED[-1]}": ("this template", "cruft update", "nothing to change"),
        "files of the user": ("20 files", "10 files"),
        "size of the template, creation": ("4 more files", "0 more files"),
    }
    lines = printed("regeneration.py", tmp_path).splitlines()
    assert len(lines) == len(compared), lines
    for line, (title, (first, *others)) in zip(lines, compared.items(), strict=True):
        ratios = ", ".join(rf"{NUMBER} of {other} \({NUMBER} s\)" for other in others)
        assert re.fullmatch(f"{title}: {first} {NUMBER} s, {ratios}", line), line


def test_the_pipeline_is_measured_to_one_process_and_as_tables_grow(tmp_path):
    tool("uv")
    said = printed("pipeline.py", tmp_path)
    for clock in ("seconds", "busy"):
        line = rf"^{clock}: pipeline {NUMBER}, {NUMBER} of the same steps in one process \({NUMBER}\)$"
        assert re.search(line, said, re.MULTILINE), said
    of_each_step, of_each_command = re.split(r"^rows, command, .*$", said, flags=re.MULTILINE)
    steps = re.findall(rf"^(\w+)(?: +-?{NUMBER}){{4}}$", of_each_step, re.MULTILINE)
    assert {"train", "evaluate", "register"} <= set(steps), said
    commands = re.findall(rf"^ +1,000 (\w+)(?: +{NUMBER}){{7}}$", of_each_command, re.MULTILINE)
    assert commands == ["data", "train", "evaluate", "pipeline"], said


def test_how_often_a_candidate_replaces_the_model_in_use_is_counted(tmp_path):
    tool("uv")
    head, _, *lines = printed("replacement.py", tmp_path).splitlines()
    assert "replaces: better | replaces: not_worse" in head
    names = ["much worse", "worse", "equal", "equal, higher by noise", "better", "much better"]
    shares = r"(?: \d+% \|){6}"
    for line, name in zip(lines, names, strict=True):
        assert re.fullmatch(rf"\| 250 \| 98% \| {name} \|{shares}", line), line


def test_answering_is_measured_to_mlservers_own_runtime_and_to_its_limit(tmp_path):
    tool("uv")
    _, _, *lines, memory = printed("serving.py", tmp_path).splitlines()
    for line, (rows, clients) in zip(lines, [(r, c) for r in (1, 100) for c in (1, 8, 32)], strict=True):
        ratios = rf"(?: {NUMBER} \|){{4}}"
        assert re.fullmatch(rf"\| {rows} \| {clients} \| {NUMBER} to {NUMBER} and {NUMBER} \|{ratios}", line), line
    assert re.fullmatch(rf"memory: {NUMBER} of what it was, 200 requests later", memory)


def test_what_the_log_of_predictions_costs_is_measured_at_each_store(tmp_path):
    tool("uv")
    head, _, *lines = printed("prediction_log.py", tmp_path).splitlines()
    assert all(store in head for store in ("this machine", "emulated S3", "a store that hangs"))
    for line, (rows, clients) in zip(lines, [(r, c) for r in (1, 100) for c in (1, 8, 32)], strict=True):
        ratios = rf"(?: {NUMBER}, {NUMBER} \|){{3}}"
        assert re.fullmatch(rf"\| {rows} \| {clients} \| {NUMBER} \|{ratios}", line), line
