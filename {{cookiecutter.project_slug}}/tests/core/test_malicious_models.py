"""A model file can hold anything: what would run code is refused, however it is put in and whatever else is trusted."""

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from {{cookiecutter.project_slug}}.core import model
from {{cookiecutter.project_slug}}.core.model import TRUSTED
from {{cookiecutter.project_slug}}.core.model_file import BOOSTERS, load_model
from {{cookiecutter.project_slug}}.errors import ProjectError

pytestmark = pytest.mark.filterwarnings("ignore")  # of libraries, which do not expect what they are given here


def text(value: str) -> dict:
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(value)}


def node(loader: str, name: str, **more: object) -> dict:
    """A node of the file, for an object of this name."""
    module, _, kind = name.rpartition(".")
    return {"__class__": kind, "__module__": module, "__loader__": loader, **more}


def items(*values: dict) -> dict:
    return node("TupleNode", "builtins.tuple", content=list(values))


def named(**values: dict) -> dict:
    names = node("ListNode", "builtins.list", content=[node("TypeNode", "builtins.str") for _ in values])
    return node("DictNode", "builtins.dict", content=values, key_types=names)


def called(name: str, *values: dict) -> dict:
    """What is called with these values when the file is loaded."""
    return node("ConstructorFromReduceNode", name, content=items(*values))


def filled(name: str, **values: dict) -> dict:
    """An object that these attributes are put into."""
    return node("ObjectNode", name, content=named(**values))


TOUCH = text("touch ran")
SYSTEM = node("FunctionNode", "os.system")
RUNS_CODE = {
    "os.system": SYSTEM,
    "posix.system": called("posix.system", TOUCH),
    "subprocess.Popen": called("subprocess.Popen", items(text("touch"), text("ran"))),
    "subprocess.run": node("ListNode", "subprocess.run", content=[text("touch"), text("ran")]),
    "builtins.eval": called("builtins.eval", text("open('ran', 'w')")),
    "builtins.exec": called("builtins.exec", text("open('ran', 'w')")),
    "builtins.open": called("builtins.open", text("ran"), text("w")),
    "builtins.__import__": called("builtins.__import__", text("antigravity")),
    "builtins.getattr": node("TypeNode", "builtins.getattr"),
    "importlib.import_module": called("importlib.import_module", text("antigravity")),
    "pickle.loads": called("pickle.loads", text("cos\nsystem\n(S'touch ran'\ntR.")),
    "joblib.numpy_pickle.load": called("joblib.numpy_pickle.load", text("ran")),
    "ctypes.CDLL": called("ctypes.CDLL", text("ran")),
    "os.popen": node(
        "PartialNode",
        "functools.partial",
        content={"func": node("FunctionNode", "os.popen"), "args": items(TOUCH), "kwds": named(), "namespace": named()},
    ),
    "operator.methodcaller": node("OperatorFuncNode", "operator.methodcaller", attrs=items(text("unlink"))),
    "pathlib.PosixPath.touch": node(
        "MethodNode", "pathlib.PosixPath", content={"func": "touch", "obj": called("pathlib.PosixPath", text("ran"))}
    ),
    "numpy.load": called("numpy.load", text("ran")),
    "pandas.eval": called("pandas.eval", text("@ran")),
}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """load(tree, files): what a file with this tree of nodes, and these files beside, is loaded as."""
    monkeypatch.chdir(tmp_path)

    def write_and_load(tree: dict, files: dict[str, bytes] | None = None) -> object:
        with zipfile.ZipFile("model.skops", "w") as packed:
            for name, content in (files or {}).items():
                packed.writestr(name, content)
            packed.writestr("schema.json", json.dumps({**tree, "protocol": 2, "_skops_version": "0.16.0"}))
        try:
            return load_model(tmp_path / "model.skops")
        finally:
            assert not (tmp_path / "ran").exists()

    return write_and_load


TRANSFORMER = "sklearn.preprocessing._function_transformer.FunctionTransformer"
CARRIERS = {
    "alone": lambda one: one,
    "one of many": lambda one: items(text("harmless"), named(deep=one)),
    "a parameter of scikit-learn": lambda one: filled(TRANSFORMER, func=one),
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("name", RUNS_CODE)
def test_what_runs_code_is_named_and_not_loaded(load, name, carrier):
    with pytest.raises(ProjectError, match=rf'(?s)model\.skops is not loaded: .*"{name.replace(".", r"[.]")}",'):
        load(CARRIERS[carrier](RUNS_CODE[name]))


@pytest.mark.parametrize("name", TRUSTED)
def test_a_trusted_type_lets_nothing_else_in(load, name):
    for tree in (filled(name, harm=SYSTEM), called(name, SYSTEM), node("ListNode", name, content=[SYSTEM])):
        with pytest.raises(ProjectError, match=r'in core/model.py:\n(    ".*Booster.*",\n)*    "os\.system",'):
            load(tree)


@pytest.mark.parametrize("name", TRUSTED)
def test_a_trusted_type_itself_runs_nothing_of_what_it_is_given(load, name):
    pickled = "cos\nsystem\n(S'touch ran'\ntR."
    for value in ("touch ran", "__import__('os').system('touch ran')", pickled):
        for tree in (
            called(name, text(value)),
            called(name, text(value), text(value)),
            node("ListNode", name, content=[text(value)]),
            node("SetNode", name, content=[text(value)]),
            node("DictNode", name, content={"one": text(value)}, key_types=items(node("TypeNode", "builtins.str"))),
            filled(name, estimator=text(value), handle=text(value)),
            node("TypeNode", name),
        ):
            try:
                load(tree)
            except ProjectError as error:
                assert re.search(r"cannot be loaded with the packages here|Booster by \w+Node", str(error))


@pytest.mark.parametrize("name", sorted(BOOSTERS))
def test_a_booster_is_filled_and_never_called_as_it_would_open_a_file(load, name):
    nothing = {**text(""), "content": "null"}
    given = (nothing, nothing, text("model.txt"))
    args = {"content": nothing, "__reduce__": {"args": items(*given)}}
    for loader, more in {
        "ConstructorFromReduceNode": {"content": items(*given)},
        "LossNode": args,
        "TreeNode": args,
        "ListNode": {"content": list(given)},
    }.items():
        with pytest.raises(ProjectError, match=rf'is not loaded: .*\n    "{name} by {loader}",$'):
            load(items(node(loader, name, **more)))


def test_a_distribution_of_scipy_is_refused_as_it_makes_code_of_a_text(load):
    with pytest.raises(ProjectError, match=r"scipy\.stats\._continuous_distns\.norm_gen'\] would run code"):
        load(filled("scipy.stats._continuous_distns.norm_gen", shapes=TOUCH))


class Harm:
    def __reduce__(self):
        return open, ("ran", "w")


def test_an_array_of_objects_is_not_unpickled(load):
    np.save("array.npy", np.array([Harm()], dtype=object), allow_pickle=True)
    tree = node("NdArrayNode", "numpy.ndarray", type="numpy", file="array.npy")
    with pytest.raises(ProjectError, match=r"cannot be loaded .*allow_pickle=False"):
        load(tree, {"array.npy": Path("array.npy").read_bytes()})


def test_what_runs_code_would_run_if_it_were_trusted(load, monkeypatch):
    for name in ("posix.system", "builtins.exec", "builtins.open"):
        monkeypatch.setattr(model, "TRUSTED", [*TRUSTED, name])
        with pytest.raises(AssertionError):
            load(RUNS_CODE[name])
        Path("ran").unlink()
