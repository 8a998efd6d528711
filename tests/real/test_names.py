"""No project may have the name of something that it installs: it would hide it, or could not be installed beside it."""

import re

import pytest
from support import load_hook, run

pytestmark = pytest.mark.real


@pytest.mark.parametrize("made", ["newcomer", "copied", "copied_2"])
def test_no_project_can_have_the_name_of_something_installed(request, made):
    project, problem = request.getfixturevalue(made), load_hook("pre_gen_project").slug_problem
    show = "from importlib import metadata; print(*metadata.packages_distributions())"
    modules = run("uv", "run", "python", "-c", show, cwd=project).stdout.split()
    packages = re.findall(r"^([\w.-]+)==", run("uv", "pip", "freeze", cwd=project).stdout, flags=re.M)
    installed = modules + [re.sub(r"[-.]+", "_", name.lower()) for name in packages]
    assert "joblib" in installed and "sklearn" in installed
    assert [name for name in installed if problem(name) is None and name != "my_ml_project"] == []
