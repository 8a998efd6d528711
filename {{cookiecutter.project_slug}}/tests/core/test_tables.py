"""A table that was accepted is what is kept and learned: its types are those of its schema, however it is written."""

import pandas as pd
import pytest
from conftest import make_settings

from {{cookiecutter.project_slug}}.core import storage
from {{cookiecutter.project_slug}}.core.data import features_and_target, known_rows
from {{cookiecutter.project_slug}}.core.fitting import fit
from {{cookiecutter.project_slug}}.core.predict import model_input, predict
from {{cookiecutter.project_slug}}.core.schema import Number, Text
from {{cookiecutter.project_slug}}.core.tables import accept
from {{cookiecutter.project_slug}}.errors import ProjectError

TWENTY = range(20)


def csv(**columns) -> bytes:
    """A file of these columns, of twenty texts each, or of one text twenty times."""
    columns = {name: [texts] * 20 if isinstance(texts, str) else list(texts) for name, texts in columns.items()}
    return pd.DataFrame(columns).to_csv(index=False).encode()


def settings_for(task="binary", positive=1, data=None, **target):
    positive = positive if task == "binary" else None
    return make_settings(task, data=data or {}, target={"column": "y", "positive": positive} | target)


def learn(content: bytes, settings):
    """A model of this table, its rows, and what it says of them after a way through the files of the project."""
    table, schema = accept(content, settings, None)
    rows = known_rows(table, settings)
    X, y = features_and_target(rows, settings)
    return fit(X, y, settings), X, y, schema


def test_a_file_keeps_its_types_on_its_way_through_the_project(tmp_path):
    content = csv(a=[f"0{n}" for n in TWENTY], n=["1", ""] * 10, b=["True", "", "False", "True"] * 5, y=["0", "1"] * 10)
    table, schema = accept(content, settings_for(), None)
    storage.write_table(table, tmp_path / "t.csv")
    pd.testing.assert_frame_equal(storage.read_table(tmp_path / "t.csv", schema), table)
    assert table["a"].tolist() == [f"0{n}" for n in TWENTY] and schema["b"].type == "boolean"


def test_names_of_missing_values_that_are_categories_stay_so(tmp_path):
    content = csv(a=["None", "NA", "", "x"] * 5, y=[str(n) for n in TWENTY])
    settings = settings_for("regression", data={"read": {"keep_default_na": False}})
    table, schema = accept(content, settings, None)
    assert schema["a"].values == ["NA", "None", "x"]
    storage.write_table(table, tmp_path / "t.csv")
    assert storage.read_table(tmp_path / "t.csv", schema)["a"].fillna("-").tolist() == ["None", "NA", "-", "x"] * 5


def test_a_type_in_the_settings_leaves_the_types_of_the_schema_alone():
    content = csv(a=[f"0{n}" for n in TWENTY], zip=[f"{n}" for n in TWENTY], y=["0", "1"] * 10)
    settings = settings_for(data={"read": {"dtype": {"zip": "str"}}})
    _, schema = accept(content, settings, None)
    schema |= {"a": Text(missing=False)}
    table, _ = accept(content, settings, schema)
    assert table["a"].iloc[1] == "01" and table["zip"].iloc[1] == "1"


def test_a_type_in_the_settings_that_contradicts_the_schema_is_refused():
    content = csv(a=[str(n) for n in TWENTY], y=["0", "1"] * 10)
    _, schema = accept(content, settings_for(), None)
    with pytest.raises(ProjectError, match=r"says str of column 'a', and data/schema\.yaml says number"):
        accept(content, settings_for(data={"read": {"dtype": {"a": "str"}}}), schema)


@pytest.mark.parametrize(
    ("y", "positive", "classes"),
    [
        (["0", "1"], 1, [0, 1]),
        (["0.0", "1.0"], 1, [0, 1]),
        (["0.0", "1.0"], 1.0, [0, 1]),
        (["0", "", "1", "1"], 1, [0, 1]),
        (["True", "False"], True, [False, True]),
        (["True", "", "False", "False"], True, [False, True]),
        (["yes", "no"], "yes", ["no", "yes"]),
    ],
)
def test_a_target_is_learned_as_it_was_written(y, positive, classes):
    content = csv(a=[str(n) for n in range(40)], y=y * (40 // len(y)))
    settings = settings_for(positive=positive)
    model, X, known, _ = learn(content, settings)
    assert model.classes_.tolist() == classes
    answers = predict(model, X)
    assert f"probability of {settings.target.positive}" in answers and set(answers["prediction"]) <= set(known)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_fractions_are_no_classes(task):
    with pytest.raises(ProjectError, match=r"'y' holds numbers like 0\.5, .* set target.task to regression"):
        accept(csv(a="1", y=["0.5", "1"] * 10), settings_for(task, positive=1), None)


@pytest.mark.parametrize(
    ("y", "positive"),
    [(["0", "1"], True), (["0", "1"], "1"), (["True", "False"], 1), (["yes", "no"], True), (["0", "1"], 2)],
)
def test_a_positive_class_of_another_type_is_refused_before_anything_is_learned(y, positive):
    with pytest.raises(ProjectError, match=r"target\.positive is .*, but 'y' holds \[.*in quotes"):
        accept(csv(a="1", y=y * 10), settings_for(positive=positive), None)


def test_a_table_of_a_schema_from_before_there_were_whole_numbers_is_learned_from():
    schema = {"a": Number(missing=False, min=0, max=40), "y": Number(missing=False, min=0, max=2)}
    settings = settings_for()
    table, _ = accept(csv(a=[str(n) for n in TWENTY], y=["0", "1"] * 10), settings, schema)
    assert known_rows(table, settings)["y"].tolist() == [0, 1] * 10


def test_truths_with_gaps_are_learned_and_rows_of_nothing_but_gaps_are_answered():
    content = csv(b=["True", "", "False", "True"] * 5, c=["x", "", "", "y"] * 5, y=["0", "1", "1", "0"] * 5)
    model, X, _, schema = learn(content, settings_for())
    given = model_input(X)
    assert given["b"].dtype == "boolean" and schema["b"].missing
    gaps = X.assign(b=pd.array([None] * 20, dtype="boolean"), c=pd.array([None] * 20, dtype=X["c"].dtype))
    assert predict(model, gaps).notna().all(axis=None)


def test_dates_are_learned_as_days():
    content = csv(d=["01.01.1970", "31.12.2020 ", "", "02.01.1970"] * 5, y=["0", "1"] * 10)
    _, X, _, schema = learn(content, settings_for())
    assert schema["d"].format == "%d.%m.%Y"
    assert model_input(X)["d"].fillna(-1).tolist()[:4] == [0, 18627, -1, 1]


@pytest.mark.parametrize(
    ("time", "bad"),
    [
        ("31.12.2020", "31.12.20x0"),
        ("2024-01-01", "soon"),
        ("Jan 02, 2020", "02.01.2020"),
        ("2024-01-01T10:00Z", "10:00"),
    ],
)
@pytest.mark.parametrize("old", [False, True])
def test_a_bad_date_in_a_later_table_is_named_by_its_line(time, bad, old):
    settings = settings_for(data={"time": "t"})
    times = [time] * 20
    _, schema = accept(csv(t=times, a="1", y=["0", "1"] * 10), settings, None)
    if old:
        schema |= {"t": Text(missing=False)}  # before there were dates in a schema
    times[2] = bad
    with pytest.raises(ProjectError, match=r"column t: 1 rows, the first in line 4: is not a date like .*"):
        accept(csv(t=times, a="1", y=["0", "1"] * 10), settings, schema)


def test_a_time_that_cannot_be_told_is_refused_before_it_is_kept():
    with pytest.raises(ProjectError, match="time column 't' can be read as day/month"):
        accept(csv(t="02/03/2024", a="1", y=["0", "1"] * 10), settings_for(data={"time": "t"}), None)


def test_an_infinite_value_is_refused_by_line():
    content = csv(a=[str(n) for n in TWENTY], y=["0", "1"] * 10)
    _, schema = accept(content, settings_for(), None)
    for known in (None, schema):
        with pytest.raises(ProjectError, match="column a: 1 rows, the first in line 5: is not a finite number: 'Inf'"):
            accept(content.replace(b"\n3,", b"\nInf,"), settings_for(), known)


def test_the_columns_of_a_table_may_come_in_any_order():
    one = csv(a=[str(n) for n in TWENTY], b=["x", "z"] * 10, y=["0", "1"] * 10)
    other = csv(y=["0", "1"] * 10, b=["x", "z"] * 10, a=[str(n) for n in TWENTY])
    table, schema = accept(one, settings_for(), None)
    pd.testing.assert_frame_equal(accept(other, settings_for(), schema)[0], table)


def test_a_large_table_is_read_in_pieces_and_its_lines_are_right():
    rows = 12_000
    lines = [f"{n},{n % 2}" for n in range(rows)]
    settings = settings_for()
    _, schema = accept(("a,y\n" + "\n".join(lines)).encode(), settings, None)
    lines[11_000] = "x,0"
    with pytest.raises(ProjectError, match="column a: 1 rows, the first in line 11002: is not a number"):
        accept(("a,y\n" + "\n".join(lines)).encode(), settings, schema)
