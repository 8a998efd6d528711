"""What the generated project consists of, at every level that is built and for every option."""

import csv
import io
import itertools
import re
import shutil
from pathlib import Path

import make_sample
import pytest
import yaml
from support import BUILT, CHOICES, DEFAULTS, OFFERED, QUESTIONS, TREE, files_below, generate

# What differs between levels by design: each says where the project stands, or what it needs there.
SEAMS = {"README.md", "MATURITY.md", "maturity.yaml", "params.yaml", "pyproject.toml", ".gitignore"}
OPTIONS = [
    {"ci": ci, "retraining_engine": engine}
    for ci, engine in itertools.product(CHOICES["ci"], CHOICES["retraining_engine"])
]


CODE = {".py", ".mk", ".sh", ".ipynb", ".groovy", "Makefile", "Dockerfile", "Jenkinsfile", "compose.yaml"}
# What a project does without, by its CI, of all the files of its level.
BOTH = {"tests/test_ci.py", "tests/test_training_ci.py", "tests/test_rollout_ci.py"}
OF_GITHUB = {".github/dependabot.yml", "docs/github.md", "docs/training-github.md", "docs/rollout-github.md"}
OF_GITHUB |= {f".github/workflows/{name}.yml" for name in ("audit", "ci", "predict", "train", "release")}
OF_JENKINS = {"Jenkinsfile", "docs/jenkins.md", "docs/training-jenkins.md", "docs/rollout-jenkins.md"}
OF_JENKINS |= {f"jenkins/{name}.Jenkinsfile" for name in ("audit", "predict", "train", "release")}
LEFT_OUT = {"github and jenkins": set(), "github": OF_JENKINS | BOTH, "jenkins": OF_GITHUB | BOTH}


def expected(level: str, ci: str = "github and jenkins") -> set[str]:
    listed = (Path(__file__).parent / "expected" / f"level-{level}.txt").read_text(encoding="utf-8").split()
    return set(listed) - LEFT_OUT[ci]


@pytest.mark.parametrize("level", BUILT)
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o.values()).replace(" ", "_"))
def test_the_files_are_exactly_these(baked, level, options):
    project = baked(maturity_level=level, **options)
    assert set(files_below(project)) == expected(level, options["ci"])
    assert not [folder for folder in project.rglob("*") if folder.is_dir() and not any(folder.iterdir())]


@pytest.mark.parametrize("level", BUILT)
def test_no_tag_and_no_word_of_the_generator_is_left(baked, level):
    for path, data in files_below(baked(maturity_level=level)).items():
        if path.startswith(".mlops-template/"):
            continue
        foreign = rb"(?<!\$)\{\{|\{%|\{#|cookiecutter\."  # ${{ }} is GitHub's own
        assert not re.search(foreign, data), path


@pytest.mark.parametrize("level", OFFERED)
def test_the_same_answers_give_the_same_bytes(baked, template, tmp_path, level):
    generate(template, tmp_path, "--no-input", maturity_level=level)
    assert files_below(tmp_path / "my_ml_project") == files_below(baked(maturity_level=level))


@pytest.mark.parametrize(("lower", "higher"), list(itertools.pairwise(BUILT)))
def test_a_level_adds_to_the_one_below_and_changes_only_the_seams(baked, declaration, lower, higher):
    below, above = (files_below(baked(maturity_level=level)) for level in (lower, higher))
    gives_way = {row["path"] for row in declaration["levels"][int(lower)]["paths"] if row.get("until") == int(lower)}
    kept = {path for path in below if not path.startswith(".mlops-template/")} - gives_way
    assert kept < set(above) and not gives_way & set(above)
    assert {path for path in kept if below[path] != above[path]} <= SEAMS


def test_every_question_is_used_and_every_answer_used_is_asked():
    questions = {key for key in QUESTIONS if not key.startswith("_")}
    assert questions == set(DEFAULTS)
    sources = [path for path in TREE.rglob("*") if path.is_file() and path.suffix not in (".csv", ".ipynb")]
    used = {name for path in sources for name in re.findall(r"cookiecutter\.(\w+)", path.read_text(encoding="utf-8"))}
    assert used == questions


def test_the_defaults_of_the_tests_are_those_of_the_questions(baked):
    recorded = yaml.safe_load((baked() / ".mlops-template/answers.json").read_text(encoding="utf-8"))
    assert recorded["cookiecutter"] | {"maturity_level": recorded["level"]} == DEFAULTS


def test_code_holds_no_template_blocks():
    for path in TREE.rglob("*"):
        if path.is_file() and (path.suffix in CODE or path.name in CODE or "workflows" in path.parts):
            assert "{%" not in path.read_text(encoding="utf-8"), path


def test_patterns_copied_unrendered_match_files_and_never_a_folder():
    patterns = QUESTIONS["_copy_without_render"]
    for pattern in patterns[: patterns.index("leftovers:")]:
        found = list(TREE.rglob(pattern))
        assert found and all(path.is_file() for path in found), pattern


def test_a_zip_and_the_current_folder_are_templates_too(baked, template, tmp_path):
    zipped = shutil.make_archive(tmp_path / "mlops-template", "zip", template.parent, template.name)
    generate(zipped, tmp_path / "by zip", "--no-input")
    generate(".", tmp_path / "by dot", "--no-input", cwd=template)
    for folder in ("by zip", "by dot"):
        assert files_below(tmp_path / folder / "my_ml_project") == files_below(baked())


def test_a_replay_of_the_recorded_answers_gives_the_same_project(baked, template, tmp_path):
    project = baked(author="A Team", ci="jenkins")
    answers = project / ".mlops-template" / "answers.json"
    generate(template, tmp_path, "--replay-file", answers, typed="\n")  # Enter at the one question left: the level
    assert files_below(tmp_path / "my_ml_project") == files_below(project)


def test_the_last_words_on_the_screen_are_the_commands_to_go_on_with(template, tmp_path):
    done = generate(template, tmp_path, "--no-input")
    last = [line.strip() for line in done.stdout.splitlines() if line.strip()][-2:]
    assert last == ["cd my_ml_project", "uv run jupyter lab notebooks/model.ipynb"]


def test_the_code_of_level_1_can_be_read_in_an_hour(baked):
    code = (baked(maturity_level="1") / "src").rglob("*.py")
    assert sum(len(path.read_text("utf-8").splitlines()) for path in code) < 6_600  # docs/decisions says why


def test_the_sample_is_what_its_generator_makes():
    assert make_sample.make_table() == (TREE / "data/customers.csv").read_text(encoding="utf-8")


def test_the_data_dictionary_is_true_of_the_sample():
    rows = list(csv.DictReader(io.StringIO(make_sample.make_table())))
    text = (TREE / "data/README.md").read_text(encoding="utf-8")
    described = {name: line for line in text.splitlines() for name in re.findall(r"^\| `(\w+)`", line)}
    assert list(described) == list(rows[0])
    for name, line in described.items():
        _, _, kind, says, missing, _ = (part.strip() for part in line.split("|"))
        values = [row[name] for row in rows if row[name]]
        assert (missing == "never") == (len(values) == len(rows)), name
        if kind == "category":
            assert set(re.findall(r"`(\w[\w ]*)`", says)) == set(values), name
        elif ends := re.search(r"(\d+) to (\d+)$", says):
            numbers = [float(value) for value in values]
            assert int(ends[1]) <= min(numbers) and max(numbers) <= int(ends[2]), name
            assert max(numbers) > int(ends[2]) * 0.8, name
