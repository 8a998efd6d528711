"""maturity.yaml is the one declaration: it fits the tree, the questions and the README."""

import copy
import re

import pytest
from support import BUILT, CHOICES, QUESTIONS, ROOT, TREE, files_below, load_hook

POST = load_hook("post_gen_project", _copy_without_render=QUESTIONS["_copy_without_render"])
FILES = {path for path in files_below(TREE) if not POST.is_leftover(path)}
WAYS_TO_PROVE = [{"proof"}, {"ask"}, {"simulated"}, {"proof", "once", "simulated"}]
TEXTS = {"name", "tools", "for", "gives", "by_hand", "needs", "costs", "stop_here_if", "criteria"}


def ask_for(declaration, **project):
    """The declaration of a project with these answers."""
    asked = copy.deepcopy(declaration)
    asked["project"] |= {"level": "0", "ci": "github and jenkins", "retraining_engine": "all"} | project
    return asked


def test_every_file_is_claimed_exactly_once_and_every_row_claims_a_file(declaration):
    assert POST.files_kept(FILES, ask_for(declaration, level=BUILT[-1]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files, rows: files.add("stray.txt"), "stray.txt is claimed by 0 rows"),
        (lambda files, rows: rows.append({"path": "data/customers.csv"}), "claimed by 2 rows"),
        (lambda files, rows: rows.append({"path": "gone/"}), "lists what is not there: gone/"),
    ],
)
def test_a_declaration_that_does_not_fit_the_tree_is_refused(declaration, change, message):
    asked, files = ask_for(declaration), set(FILES)
    change(files, asked["levels"][0]["paths"])
    with pytest.raises(ValueError, match=message):
        POST.files_kept(files, asked)


def test_a_level_has_its_rows_and_those_below_within_their_limits():
    rows = {
        0: [{"path": "all"}, {"path": "early", "until": 1}],
        1: [{"path": "ci/"}, {"path": "hub", "when": {"ci": ["github", "both"]}}],
        2: [{"path": "late"}],
    }
    files = {"all", "early", "ci/one", "ci/two", "hub", "late"}

    def kept(level, ci):
        levels = {n: {"paths": paths} for n, paths in rows.items()}
        return POST.files_kept(files, {"project": {"level": level, "ci": ci}, "levels": levels})

    assert kept("0", "both") == {"all", "early"}
    assert kept("1", "both") == {"all", "early", "ci/one", "ci/two", "hub"}
    assert kept("1", "jenkins") == {"all", "early", "ci/one", "ci/two"}
    assert kept("2", "github") == {"all", "ci/one", "ci/two", "hub", "late"}


def test_what_does_not_belong_is_removed_with_the_folders_left_empty_and_nothing_else(tmp_path):
    for path in (
        "keep/.hidden",
        "keep/me.txt",
        "late/deep/er/file",
        "late/.hidden",
        "mixed/keep",
        "mixed/late/x",
        "me",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    levels = {
        0: {"paths": [{"path": "keep/"}, {"path": "mixed/keep"}]},
        1: {"paths": [{"path": "late/"}, {"path": "mixed/late/"}, {"path": "me"}]},
    }
    POST.strip(tmp_path, {"project": {"level": "0"}, "levels": levels})
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"keep", "keep/.hidden", "keep/me.txt", "mixed", "mixed/keep"}


def test_a_file_is_claimed_by_its_whole_name_and_a_folder_by_what_is_below_it():
    assert POST.claimed("README.md", {"path": "README.md"}) and POST.claimed("data/x", {"path": "data/"})
    assert not POST.claimed("README.md.bak", {"path": "README.md"}) and not POST.claimed("database", {"path": "data/"})


def test_levels_and_their_names_are_those_of_the_question(declaration):
    labels = QUESTIONS["__prompts__"]["maturity_level"]
    assert [str(n) for n in declaration["levels"]] == CHOICES["maturity_level"]
    for number, level in declaration["levels"].items():
        assert labels[str(number)].startswith(f"level {number} - {level['name']}:")
        missing = number not in POST.levels_offered(declaration)
        assert labels[str(number)].endswith(" (not built yet)") == missing


def test_every_level_says_all_there_is_to_say(declaration):
    for number, level in declaration["levels"].items():
        built, offered = str(number) in BUILT, number in POST.levels_offered(declaration)
        assert set(level) == TEXTS | ({"paths"} if built else set()) | ({"start"} if offered else set()), number
        for criterion in level["criteria"]:
            ways = [{"says"} | how for how in WAYS_TO_PROVE]
            assert set(criterion) in (ways if offered else [{"says"}, *(ways if built else [])]), criterion


def test_conditions_name_questions_and_answers_that_exist(declaration):
    for level in declaration["levels"].values():
        for row in level.get("paths", []):
            assert set(row) <= {"path", "until", "when"}
            for question, answers in row.get("when", {}).items():
                assert set(answers) <= set(CHOICES[question])


def test_the_project_records_every_choice(declaration):
    recorded = {"maturity_level" if key == "level" else key for key in declaration["project"]}
    assert recorded == set(CHOICES)


def test_the_readme_shows_the_levels_as_declared(declaration):
    rows = "\n".join(
        f"| {n} | {level['name']} | {level['tools']} | {level['by_hand']} | {level['stop_here_if']} |"
        for n, level in declaration["levels"].items()
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert rows in readme, f"the table in README.md should hold:\n{rows}"


def test_the_readme_says_which_levels_can_be_chosen(declaration):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    said = re.search(r"Built so far: levels? ([\d, and]+)\.", readme)
    assert [int(n) for n in re.findall(r"\d", said[1])] == POST.levels_offered(declaration)
