"""The schema as a file: read as it was written, and refused, by column and rule, where it makes no sense."""

import pytest
from conftest import schema_of

from {{cookiecutter.project_slug}}.core.schema import Category, Date, Integer, Number
from {{cookiecutter.project_slug}}.core.schema_file import read_schema, write_schema
from {{cookiecutter.project_slug}}.errors import ProjectError


def test_a_schema_is_read_as_it_was_written(orders, tmp_path):
    schema = schema_of(orders.rename(columns={"shop": 'shop: a "b"'})) | {
        "id": Integer(missing=True, min=-(2**63), max=2**63 - 1),
        "when": Date(missing=False, format="%d.%m.%Y"),
        "a\x85b": Category(missing=False, values=["\x85", "x\u2028y\u2029", "ß", "a\nb"]),
        "truths": Category(missing=False, values=["no", "yes", "1", "2024-01-01", ""]),
    }
    write_schema(schema, tmp_path / "schema.yaml")
    assert read_schema(tmp_path / "schema.yaml") == schema
    assert read_schema(tmp_path / "none.yaml") is None


def test_a_schema_of_a_project_made_before_is_read(tmp_path):
    (tmp_path / "schema.yaml").write_text('columns:\n  "a": {type: number, missing: false, min: 0, max: 4}\n')
    assert read_schema(tmp_path / "schema.yaml") == {"a": Number(missing=False, min=0.0, max=4.0)}


@pytest.mark.parametrize("text", ["{", "columns: 5", "", "- a", "columns: {a: 5}", "\x00", "columns: {a: {b: "])
def test_what_is_no_schema_is_refused(tmp_path, text):
    (tmp_path / "schema.yaml").write_text(text)
    with pytest.raises(ProjectError, match=r"schema\.yaml (cannot be understood|has 1 mistakes)"):
        read_schema(tmp_path / "schema.yaml")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            "{type: colour, missing: false}",
            "a: the rules: .*'number', 'integer', 'boolean', 'category', 'date'",
        ),
        ("{missing: false}", "a: the rules: unable to extract tag"),
        ("{type: text}", "a: missing: field required"),
        ("{type: text, missing: maybe}", r"a: missing: .* boolean \(it is 'maybe'\)"),
        ("{type: text, missing: false, min: 1}", "a: min: extra inputs are not permitted"),
        ('{type: number, missing: false, min: "5"}', r"a: min: .* valid number \(it is '5'\)"),
        ("{type: number, missing: false, max: .inf}", "a: max: .* finite number"),
        ("{type: number, missing: false, max: .nan}", "a: max: .* finite number"),
        ("{type: number, missing: false, min: yes}", r"a: min: .* valid number \(it is True\)"),
        ("{type: number, missing: false, min: 5, max: 1}", "min 5.0 is above max 1.0"),
        ("{type: integer, missing: false, min: 0.5}", "a: min: .* valid integer"),
        ("{type: category, missing: false}", "a: values: field required"),
        ("{type: category, missing: false, values: []}", "a: values: .* at least 1 item"),
        ("{type: category, missing: false, values: x}", "a: values: .* valid list"),
        ("{type: category, missing: false, values: [no, yes]}", r"a: values\.0: .*\(it is False\): write it in quotes"),
        ("{type: category, missing: false, values: [1, 2, 3]}", r"a: values\.2: .*\(it is 3\): write it in quotes"),
        ("{type: date, missing: false, format: 5}", "a: format: .* valid string"),
    ],
)
def test_a_rule_that_makes_no_sense_is_named_with_its_column(tmp_path, rules, message):
    columns = ["columns:", f"  a: {rules}", "  b: {type: text, missing: true}"]
    (tmp_path / "schema.yaml").write_text("\n".join(columns))
    with pytest.raises(ProjectError, match=rf"(?s)schema\.yaml has \d mistakes:\n.*{message}.*or delete it"):
        read_schema(tmp_path / "schema.yaml")
