"""What a first table teaches about the ones to come, from how its values are written."""

import io

import pytest
from conftest import make_settings, schema_of

from {{cookiecutter.project_slug}}.core.csv_files import read_cells
from {{cookiecutter.project_slug}}.core.inference import infer_schema
from {{cookiecutter.project_slug}}.core.schema import Boolean, Category, Date, Integer, Number, Text
from {{cookiecutter.project_slug}}.errors import ProjectError

BIG = "123456789012345678"


@pytest.fixture(params=[1, 2, 5000])
def at_once(request, monkeypatch):
    """How many rows are looked at together, which makes no difference."""
    monkeypatch.setattr(read_cells, "__defaults__", (request.param,))


def rules_of(texts, target="y", task="regression", **data):
    """The rules of a column `a` of these texts, in a table with a target `y`."""
    settings = make_settings(task, data=data, target={"column": target, "positive": None})
    content = "a,y\n" + "".join(f'"{text}",{row}\n' for row, text in enumerate([*texts, *texts]))
    return infer_schema(read_cells(io.BytesIO(content.encode()), settings.data.read, "t.csv"), settings)["a"]


pytestmark = pytest.mark.usefixtures("at_once")


@pytest.mark.parametrize(
    ("texts", "rules"),
    [
        (["1", "3"], Number(missing=False, min=0, max=5)),
        (["1.5", "", "-3e0"], Number(missing=True, min=-7.5, max=6)),
        (["5", "5"], Number(missing=False, min=0, max=10)),
        ([" 1", "2 "], Number(missing=False, min=0, max=3)),
        ([BIG, "1"], Integer(missing=False, min=0, max=2 * int(BIG) - 1)),
        ([str(2**63 - 1), "0"], Integer(missing=False, min=0, max=2**63 - 1)),
        (["12345678901234567890", "1"], Text(missing=False)),
        (["1e20", "1"], Number(missing=False, min=0, max=2e20)),
        (["True", "FALSE", ""], Boolean(missing=True)),
        (["1", "0"], Number(missing=False, min=0, max=2)),
        (["yes", "no"], Category(missing=False, values=["no", "yes"])),
        (["True", "False", "no"], Category(missing=False, values=["False", "True", "no"])),
        (["01234", "12345"], Category(missing=False, values=["01234", "12345"])),
        (["0.5", "0"], Number(missing=False, min=0, max=1)),
        (["1_000", "2"], Category(missing=False, values=["1_000", "2"])),
        (["\u0661", "\u0662"], Category(missing=False, values=["\u0661", "\u0662"])),  # digits, but not ours
        (["0x10", "1"], Category(missing=False, values=["0x10", "1"])),
        (["Inf", "1"], Number(missing=False, min=0, max=2)),
        (["-infinity", "inf"], Number(missing=False)),
        (["Inf", "x"], Category(missing=False, values=["Inf", "x"])),
        (["NA", "x", "None"], Category(missing=True, values=["x"])),
        ([f"text {n}" for n in range(21)], Text(missing=False)),
        (["2024-01-31", "2024-02"], Date(missing=False)),
        (["31.01.2024", "01.02.2024"], Date(missing=False, format="%d.%m.%Y")),
        (["31.01.2024", "soon"], Category(missing=False, values=["31.01.2024", "soon"])),
        (["02/03/2024", "03/04/2024"], Category(missing=False, values=["02/03/2024", "03/04/2024"])),
    ],
)
def test_types_ranges_and_categories_are_inferred(texts, rules):
    assert rules_of(texts) == rules


@pytest.mark.parametrize(
    ("texts", "data", "rules"),
    [
        (["1", "2"], {"drop": ["a"]}, Integer(missing=False)),
        (["1.0", ""], {"drop": ["a"]}, Integer(missing=True)),
        (["1.5", "2"], {"drop": ["a"]}, Number(missing=False)),
        (["x", "y"], {"drop": ["a"]}, Text(missing=False)),
        (["", ""], {"drop": ["a"]}, Text(missing=True)),
        (["202312", "202401"], {"time": "a"}, Integer(missing=False)),
        (["2024-01", ""], {"time": "a"}, Date(missing=True)),
        (["31.01.2024", "soon", "30.01.2024"], {"time": "a"}, Date(missing=False, format="%d.%m.%Y")),
        (["02/03/2024"], {"time": "a", "read": {"dayfirst": True}}, Date(missing=False, format="%d/%m/%Y")),
        (["02/03/2024"], {"time": "a", "read": {"date_format": "%m/%d/%Y"}}, Date(missing=False, format="%m/%d/%Y")),
        (["02/03/2024"], {"read": {"date_format": "%m/%d/%Y"}}, Date(missing=False, format="%m/%d/%Y")),
        (["2/3/24"], {"read": {"date_format": "%m/%d/%y"}}, Date(missing=False, format="%m/%d/%y")),
        (["2024-01-02"], {"read": {"date_format": "%d.%m.%Y"}}, Date(missing=False)),
        (["1", "2"], {"read": {"dtype": {"a": "str"}}}, Category(missing=False, values=["1", "2"])),
        (["1", "2"], {"read": {"dtype": "str"}}, Category(missing=False, values=["1", "2"])),
        ([str(n) for n in range(30)], {"read": {"dtype": {"a": "str"}}}, Text(missing=False)),
        (["2024-01-01"], {"read": {"dtype": {"a": "str"}}}, Category(missing=False, values=["2024-01-01"])),
        (["1", "2"], {"read": {"dtype": {"a": "int"}}}, Integer(missing=False, min=0, max=3)),
        (["01", "2"], {"read": {"dtype": {"a": "float"}}}, Number(missing=False, min=0, max=3)),
        (["1", "0"], {"read": {"dtype": {"a": "bool"}}}, Boolean(missing=False)),
        (["1.000,5", "2"], {"read": {"decimal": ",", "thousands": "."}}, Number(missing=False, min=0, max=1999)),
        (["ja", "nein"], {"read": {"true_values": ["ja"], "false_values": ["nein"]}}, Boolean(missing=False)),
        (["NA", "x"], {"read": {"keep_default_na": False}}, Category(missing=False, values=["NA", "x"])),
        (["NA", "", "x"], {"read": {"na_filter": False}}, Category(missing=True, values=["NA", "x"])),
        (["-999.0", "-999", "1"], {"read": {"na_values": [-999]}}, Number(missing=True, min=0, max=2)),
        (["?", "1"], {"read": {"na_values": {"a": "?"}}}, Number(missing=True, min=0, max=2)),
    ],
)
def test_the_settings_say_more_of_a_column(texts, data, rules):
    assert rules_of(texts, **data) == rules


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("texts", [["0", "1"], ["0.0", "1.0"], ["0", "", "1.0"]])
def test_classes_that_are_whole_numbers_are_kept_as_such(task, texts):
    assert rules_of(texts, "a", task) == Integer(missing="" in texts, min=0, max=2)
    assert rules_of(texts, "a", "regression") == Number(missing="" in texts, min=0, max=2)


def test_names_that_do_not_come_again_are_no_categories():
    content = "a,y\n" + "".join(f"name {row // 2 if row < 4 else row},{row}\n" for row in range(6))
    settings = make_settings("regression", target={"column": "y", "positive": None})
    for rows, kind in ((4, Category), (6, Text)):
        lines = content.encode().splitlines(keepends=True)[: rows + 1]
        schema = infer_schema(read_cells(io.BytesIO(b"".join(lines)), settings.data.read, "t.csv"), settings)
        assert isinstance(schema["a"], kind)


def test_a_time_that_is_unclear_is_refused():
    with pytest.raises(ProjectError, match=r"time column 'a' can be read as day/month .* Write dates like 2024-12-31"):
        rules_of(["02/03/2024"], time="a")
    with pytest.raises(ProjectError, match=r"data\.read\.parse_dates does not hold dates"):
        rules_of(["x"], read={"parse_dates": ["a"]})


def test_a_column_without_any_value_is_refused(orders):
    with pytest.raises(ProjectError, match=r"\['shop'\] hold no value"):
        schema_of(orders.assign(shop=None))
    assert schema_of(orders.assign(shop=None), ["shop"])["shop"] == Text(missing=True)
