"""A file is read cell by cell as it is written, with pandas' options, and what is cut off or odd is named by line."""

import io

import pandas as pd
import pytest
from pydantic import ValidationError

from {{cookiecutter.project_slug}}.core.csv_files import MISSING, read_cells
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.settings import Read


def cells_of(content: bytes, rows_at_once=5000, **options):
    """The cells and lines of this content."""
    pieces = list(read_cells(io.BytesIO(content), Read.model_validate(options), "t.csv", rows_at_once))
    columns = {name: [text for piece in pieces for text in piece.columns[name]] for name in pieces[0].columns}
    return columns, [line for piece in pieces for line in piece.lines]


TABLE = b"a,b\n1,x\n2,y\n"


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (TABLE, {}),
        (b"\xef\xbb\xbf" + TABLE, {}),
        (TABLE.replace(b",", b";"), {"sep": ";"}),
        (TABLE.replace(b",", b"\t"), {"delimiter": "\t"}),
        (b"  a   b\n 1\tx\n2 y  \n", {"sep": r"\s+"}),
        (TABLE.decode().encode("utf-16"), {"encoding": "utf-16"}),
        (b"Report of November\n" + TABLE, {"skiprows": 1}),
        (b"a,b\nunits,none\n1,x\n2,y\n", {"skiprows": [1]}),
        (b"# made by hand\na,b # the names\n1,x\n#0,z\n2,y\n", {"comment": "#", "skipinitialspace": True}),
        (b"Report\n\na,b\n1,x\n2,y\n", {"header": 1}),
        (TABLE + b"Total,2\n", {"skipfooter": 1}),
        (TABLE + b"3,z\n", {"nrows": 2}),
        (b"1,x\n2,y\n", {"header": None, "names": ["a", "b"]}),
        (b"1,x\n2,y\n", {"names": ["a", "b"]}),
        (b"A,B\n1,x\n2,y\n", {"names": ["a", "b"], "header": 0}),
        (b"c,a,b\n0,1,x\n0,2,y\n", {"usecols": ["a", "b"]}),
        (b"a,b\n'1','x'\n2,y\n", {"quotechar": "'"}),
        (b"a, b\n1, x\n2, y\n", {"skipinitialspace": True}),
        (b"a,b\r\n1,x\r\n\r\n2,y\r\n", {}),
    ],
)
def test_options_mean_what_they_mean_to_pandas(content, options):
    columns, _ = cells_of(content, **options)
    own = {name: [text.rstrip() for text in texts] for name, texts in columns.items()}
    assert {name.rstrip(): texts for name, texts in own.items()} == {"a": ["1", "2"], "b": ["x", "y"]}
    if options.get("comment") is None:  # pandas leaves the blanks before a comment, too
        engine = {"engine": "python"} if "skipfooter" in options else {}
        theirs = pd.read_csv(io.BytesIO(content), **options | engine, dtype="str", na_filter=False)
        assert columns == theirs.to_dict("list")


@pytest.mark.parametrize(
    ("content", "options", "texts"),
    [
        (b'a,b\n"1, or\n2",x\n', {}, ["1, or\n2"]),
        (b'a,b\n"say ""so""",x\n', {}, ['say "so"']),
        (b'a,b\n"say \\"so\\"",x\n', {"escapechar": "\\", "doublequote": False}, ['say "so"']),
        (b'a,b\n"Al" Y,x\n', {"quoting": 3}, ['"Al" Y']),
        (b'a,b\n"1 # no comment",x # one\n', {"comment": "#"}, ["1 # no comment"]),
        (b'a,b\n"1\n# no comment",x\n', {"comment": "#"}, ["1\n# no comment"]),
        (b"a,b\n00123,x\n", {}, ["00123"]),
        (b"a,b\n NA ,x\n", {}, [" NA "]),
    ],
)
def test_cells_are_as_they_are_written(content, options, texts):
    assert cells_of(content, **options)[0]["a"] == texts


def test_columns_without_a_name_are_called_by_their_place():
    assert list(cells_of(b",a\n0,1\n")[0]) == ["Unnamed: 0", "a"]
    assert list(cells_of(b"0,1\n", header=None)[0]) == ["0", "1"]


@pytest.mark.parametrize("rows_at_once", [5000, 1, 2])
def test_each_row_has_the_line_of_the_file_that_it_begins_in(rows_at_once):
    content = b'Report\n\na,b\n"1\n\n1",x\n\n   \n# no row\n2,y\n3,"z\n"\n4,"",\n'.replace(b'"",', b'""')
    _, lines = cells_of(content, rows_at_once, skiprows=1, comment="#")
    assert lines == [4, 10, 11, 13]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", {}, "is empty"),
        (b"\n\n", {}, "is empty"),
        (b"a,b\n", {}, "has a header and no rows"),
        (b"a,b\n1,2\n", {"skipfooter": 1}, "has a header and no rows"),
        (b"a,b,a\n1,2,3\n", {}, r"more than one column named \['a'\]"),
        (b"a,b,c\n1,2,3\n4,5", {}, "Line 3 of t.csv has 2 fields, the header 3: is the file cut off"),
        (b"a;b\n1,5;2\n", {}, "Line 2 of t.csv has 2 fields, the header 1"),
        (b'a,b\n1,"2\n', {}, "line 2: unexpected end of data"),
        (b'a,b\n1,2\n"Al" Y,x\n', {}, "line 3: ',' expected after '\"'"),
        ("größe,b\n1,2\n".encode("latin-1"), {}, "cannot be read as commas and UTF-8"),
        (TABLE, {"usecols": ["a", "c"]}, r"no column \['c'\], which data.read.usecols names"),
        (TABLE, {"names": ["a"]}, "Line 1 of t.csv has 2 fields, the header 1"),
    ],
)
def test_a_table_that_is_none_is_refused(content, options, message):
    with pytest.raises(ProjectError, match=message):
        cells_of(content, **options)


@pytest.mark.parametrize(
    "options", [{"sep": "::"}, {"quotechar": ""}, {"header": [0, 1]}, {"engine": "c"}, {"encoding": "utf-9"}]
)
def test_an_option_that_is_not_understood_is_refused(options):
    with pytest.raises(ValidationError):
        Read.model_validate(options)


def test_what_is_missing_is_what_is_missing_to_pandas():
    texts = [*MISSING, "none", "na", "-", "?", "0", "N.A.", "NAN", "Null"]
    table = pd.read_csv(io.StringIO("a,b\n" + "".join(f"{text},x\n" for text in texts)))
    assert list(table["a"].isna()) == [text in MISSING for text in texts]
