"""Values from files and from requests get the same types, and what breaks a rule is named with its column and place."""

import math
from datetime import datetime

import pytest

from {{cookiecutter.project_slug}}.core.checking import Findings, check_names, typed_table
from {{cookiecutter.project_slug}}.core.schema import Boolean, Category, Date, Integer, Number, Text
from {{cookiecutter.project_slug}}.core.values import InFile, InJson
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.settings import Read

NUMBER, INTEGER, BOOLEAN, DATE, TEXT = (kind(missing=True) for kind in (Number, Integer, Boolean, Date, Text))
SHOP = Category(missing=True, values=["web", "1"])
BIG = 123456789012345678


def column(rules, values, form):
    """These values as a column of a table, as Python has them, None for missing."""
    findings = Findings("row")
    table = typed_table({"a": values}, range(len(values)), {"a": rules}, form, findings)
    findings.refuse()
    known = table["a"].astype(object)
    return known.where(known.notna(), None).tolist()


@pytest.mark.parametrize(
    ("rules", "texts", "sent", "values"),
    [
        (NUMBER, ["1", "-.5", " 2e3 ", "NaN", "+1."], [1, -0.5, 2000.0, None, 1.0], [1, -0.5, 2000, None, 1]),
        (NUMBER, ["1"], [math.nan], None),
        (INTEGER, [str(BIG), "", "12.0", "-1."], [BIG, None, 12.0, -1], [BIG, None, 12, -1]),
        (Integer(missing=False), [str(BIG), str(-(2**63))], [BIG, -(2**63)], [BIG, -(2**63)]),
        (BOOLEAN, ["TRUE", "false", "", "1", "0.0"], [True, False, None, 1, 0.0], [True, False, None, True, False]),
        (SHOP, ["web", "", "1"], ["web", "", b"1"], ["web", None, "1"]),
        (TEXT, ["00123", "NA", " x"], ["00123", None, " x"], ["00123", None, " x"]),
        (DATE, ["2024-12-31", ""], ["2024-12-31", None], [datetime(2024, 12, 31), None]),
        (
            Date(missing=True, format="%d.%m.%Y"),
            ["31.12.2024", "2024-12-31"],
            ["2024-12-31", "31.12.2024"],
            [datetime(2024, 12, 31)] * 2,
        ),
    ],
)
def test_a_file_and_a_request_say_the_same(rules, texts, sent, values):
    assert values is None or column(rules, texts, InFile(Read())) == values
    assert column(rules, sent, InJson()) == (values or [None])


@pytest.mark.parametrize("rules", [NUMBER, INTEGER, BOOLEAN, SHOP, TEXT, DATE])
@pytest.mark.parametrize(("form", "missing"), [(InFile(Read()), ""), (InJson(), None)])
def test_rows_in_which_all_is_missing_have_the_types_of_all_others(rules, form, missing):
    known, schema = "2024" if rules == DATE else "1", {"a": rules}
    table = typed_table({"a": [missing]}, [0], schema, form, Findings())
    other = typed_table({"a": [known]}, [0], schema, InFile(Read()), Findings())
    assert table["a"].isna().all() and table["a"].dtype == other["a"].dtype


@pytest.mark.parametrize(
    ("rules", "form", "value", "problem"),
    [
        (NUMBER, InFile(Read()), "1,5", "is not a number: '1,5'"),
        (NUMBER, InFile(Read()), "1_000", "is not a number: '1_000'"),
        (NUMBER, InFile(Read()), "Inf", "is not a finite number: 'Inf'"),
        (NUMBER, InFile(Read()), "1e999", "is not a finite number: '1e999'"),
        (NUMBER, InFile(Read()), "٣", "is not a number: '٣'"),
        (NUMBER, InFile(Read(decimal=",")), "1.5", "is not a number: '1.5'"),
        (NUMBER, InFile(Read(keep_default_na=False)), "NA", "is not a number: 'NA'"),
        (NUMBER, InJson(), "1", "is not a number: '1'"),
        (NUMBER, InJson(), True, "is not a number: True"),
        (NUMBER, InJson(), math.inf, "is not a finite number: inf"),
        (INTEGER, InFile(Read()), "1.5", "is not a whole number of 64 bits: '1.5'"),
        (INTEGER, InFile(Read()), str(2**63), f"is not a whole number of 64 bits: '{2**63}'"),
        (INTEGER, InJson(), 1.5, "is not a whole number of 64 bits: 1.5"),
        (INTEGER, InJson(), False, "is not a whole number of 64 bits: False"),
        (INTEGER, InJson(), 10**400, "is not a whole number of 64 bits: 1000"),
        (BOOLEAN, InFile(Read()), "yes", "is neither true nor false: 'yes'"),
        (BOOLEAN, InJson(), "true", "is neither true nor false: 'true'"),
        (BOOLEAN, InJson(), 2, "is neither true nor false: 2"),
        (SHOP, InFile(Read()), "stall", "is not a known category: 'stall'"),
        (SHOP, InJson(), "stall", "is not a known category: 'stall'"),
        (SHOP, InJson(), 1, "is not text: 1"),
        (TEXT, InJson(), {"a": 1}, "is not text: {'a': 1}"),
        (TEXT, InJson(), b"\xff", r"is not text: b'\xff'"),
        (DATE, InFile(Read()), "31.12.2024", "is not a date like 2024-12-31: '31.12.2024'"),
        (DATE, InJson(), 20241231, "is not text: 20241231"),
        (
            Date(missing=True, format="%d.%m.%Y"),
            InJson(),
            "x",
            "or in the format %d.%m.%Y: 'x'",
        ),
        (Number(missing=True, min=0), InFile(Read()), "-1", "is outside 0 to inf: -1"),
        (Number(missing=True, min=0, max=27), InJson(), 900, "is outside 0 to 27: 900"),
        (Integer(missing=True, max=BIG), InFile(Read()), str(BIG + 1), f"is outside -inf to {BIG}: {BIG + 1}"),
        (Number(missing=False), InFile(Read()), "NA", "is missing"),
        (Text(missing=False), InJson(), "", "is missing"),
    ],
)
def test_what_breaks_the_rules_is_named(rules, form, value, problem):
    good = {"number": 1, "integer": 1, "boolean": 1, "category": "1", "text": "x", "date": "2024-01-01"}[rules.type]
    good = str(good) if isinstance(form, InFile) else good
    with pytest.raises(ProjectError) as error:
        column(rules, [good, value, good], form)
    assert "column a: 1 rows, the first in row 1: " in str(error.value) and problem in str(error.value)


@pytest.mark.parametrize("rules", [INTEGER, NUMBER])
def test_a_number_too_long_to_be_written_down_is_refused(rules):
    with pytest.raises(ProjectError, match="a number of thousands of digits"):
        column(rules, [10**5000], InJson())


def test_everything_is_named_at_once_with_the_first_places_and_values():
    schema = {"a": Number(missing=False, max=5), "b": SHOP, "c": TEXT}
    findings = Findings()
    for start in (2, 12):
        columns = {"a": ["9", "x"] * 5, "b": [f"stall {n}" for n in range(start, start + 10)], "d": ["x"] * 10}
        check_names(columns, schema, findings)
        typed_table(columns, range(start, start + 10), schema, InFile(Read()), findings)
    with pytest.raises(ProjectError) as error:
        findings.refuse()
    assert str(error.value).splitlines()[1:] == [
        "  column c is missing",
        "  column d is not in the schema",
        "  column a: 10 rows, the first in line 3, 5, 7, 9, 11: is not a number: 'x'",
        "  column a: 10 rows, the first in line 2, 4, 6, 8, 10: is outside -inf to 5: 9",
        "  column b: 20 rows, the first in line 2, 3, 4, 5, 6: is not a known category: "
        "'stall 2', 'stall 3', 'stall 4', 'stall 5', 'stall 6'",
    ]


def test_a_table_of_which_all_is_wrong_is_described_in_few_lines():
    schema = {f"c{n}": NUMBER for n in range(30)}
    findings = Findings()
    typed_table({name: ["x"] for name in schema}, [2], schema, InFile(Read()), findings)
    with pytest.raises(ProjectError, match=r"\n  \.\.\. and 10 more$"):
        findings.refuse()
