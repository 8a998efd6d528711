"""Tables with a column of each kind that files hold, and the settings that read them."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

ROWS = 40
BIG = st.integers(-(10**18), 10**18).map(lambda n: str(n + 2**54 if n >= 0 else n - 2**54))
# By kind: what a value may be written as.
KINDS = {
    "number": st.floats(-1e9, 1e9).map(lambda n: f"{n:.3f}") | st.floats(-1e30, 1e30, allow_subnormal=False).map(repr),
    "whole": st.integers(-9, 99).map(str),
    "big": BIG,
    "truth": st.sampled_from(["True", "False"]),
    "TRUTH": st.sampled_from(["TRUE", "FALSE"]),
    "code": st.integers(0, 30).map(lambda n: f"0{n}"),
    "word": st.sampled_from(["red", "NA", "None", "nan", "x y", "ß", "a,b", 'q"t', "two\nlines", "a\rb", "{$.inputs}"]),
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    "day": st.dates().map(lambda day: f"{day:%Y-%m-%d}".zfill(10)),
}
HINTED = {"code": "str", "word": "str", "text": "str"}  # what pandas, which the notebook reads by, has to be told
TARGETS = {
    "classes": (["0", "1"], "binary", 1),
    "floats": (["0.0", "1.0"], "binary", 1),
    "truths": (["True", "False"], "binary", True),
    "words": (["no", "yes"], "binary", "yes"),
    "three": (["1", "2", "3"], "multiclass", None),
    "numbers": ([f"{n}.5" for n in range(7)], "regression", None),
}


@dataclass(frozen=True)
class Table:
    """A file and its settings. kinds: what its columns hold, by name; the target is `y`."""

    content: bytes
    kinds: dict[str, str]
    read: dict[str, Any]
    task: str
    positive: Any


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of a few columns, some with gaps, and a target, perhaps with gaps too."""
    drawn = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6))
    kinds = {f"{kind} {number}": kind for number, kind in enumerate(drawn)}
    columns = {name: column(draw, kind) for name, kind in kinds.items()}
    classes, task, positive = TARGETS[draw(st.sampled_from(sorted(TARGETS)))]
    gap = draw(st.sampled_from([0, 13]))
    columns["y"] = ["" if gap and row % gap == 0 else classes[row % len(classes)] for row in range(ROWS)]
    read: dict[str, Any] = {"keep_default_na": False}
    if dtype := {name: HINTED[kind] for name, kind in kinds.items() if kind in HINTED}:
        read["dtype"] = dtype
    if days := [name for name, kind in kinds.items() if kind == "day"]:
        read["parse_dates"] = days
    read |= draw(st.sampled_from([{}, {"sep": ";"}, {"encoding": "utf-16"}, {"skiprows": 1}]))
    return Table(written(columns, read), kinds, read, task, positive)


def column(draw: st.DrawFn, kind: str) -> list[str]:
    """The cells of a column; at least two are known, and different ones, so that there is something to learn."""
    values = draw(st.lists(KINDS[kind], min_size=2, max_size=12, unique=True).filter(lambda found: "" not in found))
    values += draw(st.sampled_from([[], [""], ["", "", ""]]))
    return [values[row % len(values)] for row in range(ROWS)]


def written(columns: dict[str, list[str]], read: dict[str, Any]) -> bytes:
    """The file, as `read` says that it is written."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=read.get("sep", ","), quoting=csv.QUOTE_ALL)
    out.write("a report\r\n" * read.get("skiprows", 0))
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue().encode(read.get("encoding", "utf-8"))
