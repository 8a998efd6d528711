"""Odd but fine text comes through unharmed, and into the quoted places alone; bad answers are refused."""

import json
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from support import CHOICES, DEFAULTS, FREE_TEXT, ROOT, files_below, generate, load_hook, render

PRE = load_hook("pre_gen_project")
QUOTING = Environment(loader=FileSystemLoader(ROOT / "templates")).get_template("quoting.txt").module
PLACES = {"README.md", "pyproject.toml"}  # where free text may stand
FINE_TEXT = st.text(min_size=1, max_size=60).filter(lambda text: PRE.text_problem("author", text) is None)

HOSTILE = (Path(__file__).parent / "hostile.txt").read_text(encoding="utf-8").splitlines()
FINE = [text for text in HOSTILE if PRE.text_problem("author", text) is None]


def words_shown(markdown: str) -> str:
    """What a reader of the rendered page sees of its running text."""
    inlines = [
        token.children
        for token in MarkdownIt().enable(["table", "strikethrough"]).parse(markdown)
        if token.type == "inline"
    ]
    kinds = {"text", "text_special", "code_inline"}
    return "\n".join("".join(t.content for t in children if t.type in kinds) for children in inlines)


def test_there_are_enough_hostile_values():
    assert len(set(FINE)) >= 60


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> dict[str, bytes]:
    """Every file of every level with the default answers."""
    return files_below(render(tmp_path_factory.mktemp("plain")))


@pytest.mark.parametrize("text", FINE)
def test_odd_text_stands_as_typed_in_its_places_and_nowhere_else(plain, tmp_path, text):
    project = render(tmp_path, **dict.fromkeys(FREE_TEXT, text))
    parsed = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert parsed["description"] == parsed["authors"][0]["name"] == text
    shown = words_shown((project / "README.md").read_text(encoding="utf-8")).split("\n")
    assert shown[:2] == [text, text]
    assert shown[2].startswith(f"Owner: {text}. Maturity level")
    assert {path for path, data in files_below(project).items() if data != plain.get(path)} == PLACES


def test_a_description_may_be_empty(tmp_path):
    project = render(tmp_path, description="")
    assert tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["description"] == ""
    assert words_shown((project / "README.md").read_text(encoding="utf-8")).split("\n")[1].startswith("Owner: ")


@given(FINE_TEXT)
def test_quoted_text_is_read_back_alike_by_toml_yaml_json_and_python(text):
    quoted = QUOTING.quoted(text)
    assert tomllib.loads(f"x = {quoted}")["x"] == text
    assert yaml.safe_load(f"x: {quoted}")["x"] == text
    assert json.loads(quoted) == text
    assert eval(quoted) == text


@pytest.mark.parametrize("text", ['🚀 "q" \\ $(id)', "{{ 7 * 7 }}", "yes: #", "{% raw %}", "</b> & 日本語"])
def test_odd_text_is_recorded_as_typed_by_the_hooks_and_touches_nothing_else_they_write(
    baked, template, tmp_path, text
):
    replay = tmp_path / "answers.json"
    answers = DEFAULTS | dict.fromkeys(FREE_TEXT, text)
    replay.write_text(json.dumps({"cookiecutter": answers}), encoding="utf-8")
    generate(template, tmp_path, "--replay-file", replay)
    project = tmp_path / "my_ml_project"
    recorded = json.loads((project / ".mlops-template/answers.json").read_text(encoding="utf-8"))
    assert recorded["cookiecutter"] | {"maturity_level": recorded["level"]} == answers
    assert (project / "MATURITY.md").read_bytes() == (baked() / "MATURITY.md").read_bytes()


@given(FINE_TEXT)
def test_plain_text_in_markdown_is_shown_as_typed(text):
    plain = QUOTING.plain(text)
    assert words_shown(f"# {plain}\n\n*{plain}*\n\nOwner: {plain}. End") == f"{text}\n{text}\nOwner: {text}. End"


BAD_SLUGS = [
    *"../evil /abs/path a/b a\\b .. . -rf x. a.b Upper camelCase ünïcode 日本語 🚀 1abc _x x_ a__b a-b $(id)".split(),
    *"class lambda async json os email test statistics numpy sklearn scikit_learn jinja2 joblib mlflow kfp tfx".split(),
    *"con nul aux com0 com1 lpt9 tests src data notebooks build setup".split(),
    *["", " ", "with space", "new\nline", "name\n", "{{ 1 }}", "x" * 41],
]


@pytest.mark.parametrize("slug", BAD_SLUGS)
def test_a_bad_short_name_is_refused(slug):
    assert PRE.slug_problem(slug)


@pytest.mark.parametrize("slug", ["a", "churn", "my_ml_project", "model2", "x" * 40, "type", "match", "print_shop"])
def test_a_good_short_name_is_taken(slug):
    assert PRE.slug_problem(slug) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "two\nlines",
        "tab\there",
        "\x00",
        "\x1b[31m",
        "\x7f",
        "\u2028",
        "\ufeff",
        "\u200b",
        " x",
        "x ",
        "x" * 201,
    ],
)
@pytest.mark.parametrize("key", FREE_TEXT)
def test_bad_free_text_is_refused(key, text):
    allowed = key == "description" and text == ""
    assert (PRE.text_problem(key, text) is None) == allowed


def test_one_message_lists_every_problem_and_nothing_is_written(template, tmp_path):
    bad = {"project_slug": "Not Good", "author": "two\nlines", "description": "x" * 201}
    done = generate(template, tmp_path, "--no-input", check=False, **bad)
    assert done.returncode != 0
    message = done.stderr[: done.stderr.index("Nothing was written.")]
    assert all(f"\n  {key} " in message for key in bad)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("slug", ["../evil", "a/b", "..", "", "with space", "class"])
def test_a_refused_short_name_leaves_no_file_anywhere(template, tmp_path, slug):
    out = tmp_path / "outer" / "inner"
    done = generate(template, out, "--no-input", check=False, project_slug=slug)
    assert done.returncode != 0
    assert files_below(tmp_path) == {}


@pytest.mark.parametrize("answer", [None, 5, ["x"], {"x": "y"}])
@pytest.mark.parametrize("question", ["author", "maturity_level"])
def test_an_answer_that_is_no_text_is_refused_by_name(question, answer):
    problems = PRE.all_problems(DEFAULTS | {question: answer}, CHOICES)
    assert problems == [f"{question} {answer!r} must be text, in quotes"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Churn – Über 2", "churn_uber_2"),
        ("日本語", "ri_ben_yu"),
        ("customer's churn", "customer_s_churn"),
        ("🚀", "my_project"),
    ],
)
def test_a_short_name_is_made_of_the_long_one(template, tmp_path, name, slug):
    generate(template, tmp_path, "--no-input", project_name=name)
    assert [path.name for path in tmp_path.iterdir()] == [slug]


@pytest.mark.parametrize("question", CHOICES)
def test_a_choice_that_is_none_is_refused_in_a_replay_file_too(template, tmp_path, question):
    replay = tmp_path / "answers.json"
    replay.write_text(json.dumps({"cookiecutter": DEFAULTS | {question: "banana"}}), encoding="utf-8")
    done = generate(template, tmp_path / "out", "--replay-file", replay, check=False)
    assert done.returncode != 0 and f"{question} 'banana' must be one of" in done.stderr
    assert files_below(tmp_path / "out") == {}


def test_a_person_at_the_prompt_can_press_enter_all_the_way(baked, template, tmp_path):
    done = generate(template, tmp_path, typed="\n" * 10)
    assert files_below(tmp_path / "my_ml_project") == files_below(baked())
    assert done.stdout.count("/7]") == 7  # as many questions as the README says
    for words in ("What is the project called?", "How much should be automated?", "level 4 - Full automation"):
        assert words in done.stdout


def test_text_typed_at_the_prompt_is_never_run_as_a_template(template, tmp_path):
    generate(template, tmp_path, typed='{{ 7 * 7 }}\nodd\n{% raw %}\n"A" & {# co #}\n\n\n\n')
    parsed = tomllib.loads((tmp_path / "odd" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert parsed["description"] == "{% raw %}"
    assert parsed["authors"] == [{"name": '"A" & {# co #}'}]
