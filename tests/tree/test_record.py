"""What the hooks write down: where the project stands, and the base of later upgrades."""

import json
import re

import disk
import pytest
import recorded_base
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import DEFAULTS, OFFERED, files_below, load_hook

POST = load_hook("post_gen_project")
NAMES = st.text(min_size=1).filter(lambda name: is_path_of_a_project(name))


def is_path_of_a_project(name: str) -> bool:
    try:
        return recorded_base.checked_path(name) == name
    except ValueError:
        return False


def test_the_base_is_every_file_as_the_template_wrote_it(baked):
    project = baked()
    written = {path: data for path, data in files_below(project).items() if not path.startswith(".mlops-template/")}
    assert recorded_base.read(project).base == written


@given(st.dictionaries(NAMES, st.binary()))
def test_a_packed_tree_comes_out_as_it_went_in(tree):
    assert recorded_base.unpack(recorded_base.pack(tree)) == tree


def test_the_order_of_files_does_not_show_in_the_archive():
    tree = {"b": b"2", "a": b"1"}
    assert recorded_base.pack(tree) == recorded_base.pack(dict(reversed(tree.items())))


def test_a_tree_is_read_with_the_files_below_its_folders(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "run").write_bytes(b"#!")
    (tmp_path / "text").write_bytes(b"x")
    assert disk.read_tree(tmp_path) == {"sub/run": b"#!", "text": b"x"}


def test_the_answers_are_a_replay_file_that_asks_for_the_level_again(baked):
    recorded = json.loads((baked() / recorded_base.ANSWERS).read_text(encoding="utf-8"))
    assert recorded == {
        "cookiecutter": {key: value for key, value in DEFAULTS.items() if key != "maturity_level"},
        "level": "0",
    }


def test_no_path_of_the_machine_is_written(baked, template, tmp_path):
    for path, data in files_below(baked()).items():
        for folder in (template, baked().parent):
            assert str(folder).encode() not in data, path


def test_the_page_says_where_the_project_is_and_what_comes_next(baked):
    declaration = yaml.safe_load((baked() / "maturity.yaml").read_text(encoding="utf-8"))
    here, up = declaration["levels"][0], declaration["levels"][1]
    written = (baked() / "MATURITY.md").read_text(encoding="utf-8")
    assert written == POST.maturity_page(declaration)
    assert written.startswith("# Maturity: level 0, No automation\n")
    page = " ".join(written.split())  # lines are wrapped
    assert f"It is meant for {here['for']}. By hand: {here['by_hand']}." in page
    assert "-f --no-input project_slug=my_ml_project maturity_level=1" in page
    for text in (
        here["gives"],
        here["stop_here_if"],
        up["gives"],
        *(criterion["says"] for criterion in up["criteria"]),
    ):
        assert text in page
    for title, key in {"Made with": "tools", "Needs": "needs", "Costs": "costs", "By hand": "by_hand"}.items():
        assert f"- {title}: {up[key]}" in page
    for criterion in here["criteria"]:
        assert criterion["says"] in page and (criterion.get("proof") or criterion["ask"]) in page
    assert "not in this version of the template" not in page


def test_the_page_of_the_highest_level_says_that_the_next_is_not_there_yet(baked):
    page = " ".join((baked(maturity_level=OFFERED[-1]) / "MATURITY.md").read_text(encoding="utf-8").split())
    assert f"Level {int(OFFERED[-1]) + 1} is not in this version of the template yet." in page


def test_the_page_says_what_the_demo_stands_in_for():
    row = {"says": "It works.", "proof": "make it", "once": "it.txt", "simulated": "make demo"}
    assert POST.how_to_settle(row) == "Proof: `make it`. Until there is `it.txt`, simulated: `make demo`"
    assert POST.how_to_settle({"says": "So.", "simulated": "make demo"}) == "Simulated: `make demo`"


@pytest.mark.parametrize("level", ["0", "1", "2", "3", "4"])
def test_every_level_has_a_page_that_says_you_are_here_once(declaration, level):
    built = {n: one | {"start": "now"} for n, one in declaration["levels"].items()}
    page = POST.maturity_page({"project": {"level": level}, "levels": built})
    assert re.findall(r"you are here →\*\* \| (\d)", page) == [level]
    assert ("## Move up a level" in page) == (level != "4")
    assert "not in this version" not in page
