"""A table is read, checked, learned and answered alike whichever way it takes, at every level."""

import shutil

import pytest
from support import INSIDE, run, volume

pytestmark = pytest.mark.real


def test_tables_of_all_kinds_mean_the_same_to_notebook_commands_steps_and_requests(in_place_2, baked, tmp_path):
    tests = shutil.copytree(INSIDE.parent / "level_2", tmp_path / "inside")
    notebook = baked(maturity_level="0") / "notebooks/model.ipynb"
    command = ["uv", "run", "--with", "pytest", "--with", "hypothesis", "pytest", "-q", "-p", "no:cacheprovider", tests]
    run(*command, cwd=in_place_2, NOTEBOOK=str(notebook), EXAMPLES=str(volume(100)))
