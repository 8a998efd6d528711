"""What came true: tables of labels are checked, and each kept once, however often it is delivered."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any, Self
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa

from ..core.checking import Findings, shown, typed_table
from ..core.csv_files import read_cells
from ..core.schema import Schema, Text, of_any_value
from ..core.split import texts
from ..core.values import Form, InFile, InJson
from ..errors import ProjectError
from ..settings import Settings
from .parts import MOMENT, Parts
from .policy import POLICY, Labels, Policy

COLUMNS = pa.schema(
    [
        pa.field("prediction", pa.string()),
        pa.field("key", pa.string()),
        pa.field("time", MOMENT),
        pa.field("until", MOMENT),
        pa.field("label", pa.string()),
        pa.field("arrived", MOMENT),
        pa.field("place", pa.int64()),
    ]
)
DAY = re.compile(r"\d{4}-\d\d-\d\d")
AHEAD = timedelta(minutes=5)  # by which the clock of whoever delivers may be ahead
# Which rows of the table of params.yaml to read says nothing of a table of labels; how they are written does.
WHICH_ROWS: dict[str, Any] = {
    "usecols": None,
    "names": None,
    "header": 0,
    "skiprows": 0,
    "skipfooter": 0,
    "nrows": None,
}


@dataclass(frozen=True)
class Taken:
    """What became of the rows of a table of labels.

    taken: kept. empty: without a label yet. repeated: said before in the same table. contradicting: said differently in
    the same table, so that none of them is kept. future: of a time that has not come. before: whether all this was
    delivered before, and nothing was done.
    """

    taken: int = 0
    empty: int = 0
    repeated: int = 0
    contradicting: int = 0
    future: int = 0
    before: bool = False

    def __str__(self) -> str:
        """For people."""
        if self.before:
            return "taken before: nothing to do"
        left_out = {
            "without a label": self.empty,
            "said twice": self.repeated,
            "contradicting each other": self.contradicting,
            "from the future": self.future,
        }
        return ", ".join([f"{self.taken} labels taken", *(f"{n} rows {why}" for why, n in left_out.items() if n)])


@dataclass(frozen=True)
class Delivery:
    """A table of labels as it came: columns of values, as `form` knows them, and where each row is, for `findings`."""

    columns: Mapping[str, Sequence[Any]]
    places: Sequence[int]
    form: Form
    findings: Findings

    @classmethod
    def from_file(cls, content: bytes, name: str, settings: Settings) -> Self:
        """A file that is written as the table of params.yaml is. Raises ProjectError where it is none."""
        read = settings.data.read.model_copy(update=WHICH_ROWS)
        pieces = list(read_cells(io.BytesIO(content), read, name))
        columns = {one: [cell for piece in pieces for cell in piece.columns[one]] for one in pieces[0].columns}
        lines = [line for piece in pieces for line in piece.lines]
        return cls(columns, lines, InFile(read), Findings())

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Objects of JSON, each with the values of one row by column."""
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {name: [row.get(name) for row in rows] for name in names}
        return cls(columns, range(len(rows)), InJson(), Findings("row"))


def examine(delivery: Delivery, settings: Settings, schema: Schema, policy: Policy) -> tuple[Taken, pd.DataFrame]:
    """What becomes of the rows of a delivery, and those to keep.

    schema: of the table that the model has learned from. Raises ProjectError where there is no such column, or a value
    that is none.
    """
    now = datetime.now(UTC)
    labels = typed(delivery, settings, schema, policy.labels, now)
    known = labels[labels["label"].notna()]
    come = known[known["time"] <= now + AHEAD]
    # Of a request of one row, both names are of the same prediction.
    what = come.assign(prediction=come["prediction"].str.removesuffix("/0"))[["prediction", "key", "time", "until"]]
    single = ~what.assign(label=come["label"]).duplicated()
    clear = single & ~what[single].duplicated(keep=False).reindex(what.index, fill_value=False)
    taken = Taken(
        taken=int(clear.sum()),
        empty=len(labels) - len(known),
        future=len(known) - len(come),
        repeated=len(come) - int(single.sum()),
        contradicting=int(single.sum() - clear.sum()),
    )
    return taken, come[clear]


def keep(labels: pd.DataFrame, name: str, to: Parts) -> None:
    """Write labels, if there are any, as a part of this name."""
    if len(labels):
        to.add(labels["arrived"].iloc[0].date(), name, as_rows(labels))


def key_as_kept(text: str, settings: Settings, schema: Schema) -> str:
    """A key as the logs have it, from how the table has it. Raises ProjectError where it is none."""
    key = settings.data.key
    if key is None:
        raise ProjectError("No column is the key: see data.key in params.yaml.")
    findings = Findings()
    rules = {key: of_any_value(schema[key])}
    table = typed_table({key: [text]}, [1], rules, InFile(settings.data.read), findings)
    findings.refuse()
    return texts(table[key])[0]


def as_rows(labels: pd.DataFrame) -> pa.Table:
    """Labels as they are kept."""
    times = {name: labels[name].dt.tz_convert(None) for name in ("time", "until", "arrived")}  # Arrow takes it as UTC
    return pa.Table.from_pandas(labels.assign(**times), COLUMNS, preserve_index=False)


def typed(delivery: Delivery, settings: Settings, schema: Schema, rules: Labels, now: datetime) -> pd.DataFrame:
    """The rows of a delivery with the columns of COLUMNS. Raises ProjectError that names what is wrong, and where."""
    columns, places, findings = delivery.columns, delivery.places, delivery.findings
    check_names(settings, rules)
    wanted = schema_of_labels(settings, schema, rules)
    check_columns(list(columns), wanted, settings)
    table = typed_table(columns, places, wanted, delivery.form, findings)
    times = delivery.form.known(columns.get(rules.time, [None] * len(places)), rules.time)
    moments = read_moments(times, rules, places, findings)
    findings.refuse()
    said = {name: pd.Series(texts(table[name])).replace("", None) for name in table}
    nothing = pd.Series([None] * len(places), dtype=object)
    prediction = said.get(rules.prediction_id, nothing)
    key = said.get(settings.data.key or "", nothing).where(prediction.isna(), None)
    if (unnamed := (prediction.isna() & key.isna()).to_numpy().nonzero()[0]).size:
        what = " or ".join(name for name in wanted if name != settings.target.column)
        findings.add(what, "is missing", [places[int(at)] for at in unnamed], [])
        findings.refuse()
    return pd.DataFrame(
        {
            "prediction": prediction,
            "key": key,
            "time": [now if one is None else one[0] for one in moments],
            "until": [now if one is None else one[1] for one in moments],
            "label": said[settings.target.column],
            "arrived": now,
            "place": range(len(places)),
        }
    )


def schema_of_labels(settings: Settings, schema: Schema, rules: Labels) -> Schema:
    """The columns of a table of labels but for the time: any of these may be empty in a row."""
    target, key = settings.target, settings.data.key
    wanted: Schema = {rules.prediction_id: Text(missing=True)}
    label = schema[target.column]
    wanted[target.column] = label if target.task != "regression" else of_any_value(label)
    if key is not None:
        wanted[key] = of_any_value(schema[key])
    return {name: column.model_copy(update={"missing": True}) for name, column in wanted.items()}


def check_names(settings: Settings, rules: Labels) -> None:
    """Raise ProjectError where two columns of a table of labels would have the same name."""
    known = [settings.target.column, *filter(None, [settings.data.key])]
    names = [rules.prediction_id, rules.time]
    if len({*known, *names}) < len(known) + len(names):
        raise ProjectError(
            f"{POLICY}: labels.prediction_id and labels.time, {names}, must have other names than the target and the "
            f"key, {known}, and than each other."
        )


def check_columns(columns: Sequence[str], wanted: Schema, settings: Settings) -> None:
    """Raise ProjectError where there is no label, or nothing that says which prediction it is about."""
    target = settings.target.column
    what = [name for name in wanted if name != target]
    if target not in columns:
        raise ProjectError(f"The labels have no column {target!r}, which holds what came true, but {list(columns)}.")
    if not set(what) & set(columns):
        either = " or ".join(map(repr, what))
        raise ProjectError(
            f"The labels have no column {either}, to say which prediction each is about, but {list(columns)}."
        )


def read_moments(
    values: Sequence[Any], rules: Labels, places: Sequence[int], findings: Findings
) -> list[tuple[datetime, datetime] | None]:
    """When each label came true, from its first moment to its last: a day has many. None where it is not said."""
    zone, read = ZoneInfo(rules.time_zone), []
    for place, value in zip(places, values, strict=True):
        try:
            read.append(None if value is None else moments_of(value, zone))
        except ValueError as error:
            read.append(None)
            findings.add(rules.time, str(error), [place], [shown(value)])
    return read


def moments_of(value: Any, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first and the last moment, in UTC, of a day or a time in ISO 8601. Raises ValueError where it is neither.

    zone: where it was, if it does not say that. An hour that a clock has twice in autumn is taken as the second one.
    """
    text = value.strip() if isinstance(value, str) else ""
    try:
        if DAY.fullmatch(text):
            day = date.fromisoformat(text)
            first, next_day = (datetime.combine(one, clock(), zone) for one in (day, day + timedelta(days=1)))
            return first.astimezone(UTC), next_day.astimezone(UTC) - timedelta(microseconds=1)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone, fold=1)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: a day of the year 1, or 9999, in another time zone
        raise ValueError("is no time in ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00+01:00") from None
    return moment, moment
