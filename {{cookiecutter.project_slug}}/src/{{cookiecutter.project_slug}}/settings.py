"""The settings of the project: params.yaml, read and checked."""

import codecs
import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_serializer, field_validator

from .addresses import Address, without_secrets
from .errors import ProjectError

PARAMS = Path("params.yaml")
PRODUCTION = "production"  # the environment that is meant where none is named
Task = Literal["binary", "multiclass", "regression"]
Character = Annotated[str, Field(min_length=1, max_length=1)]
Value = str | int | float
Kind = TypeVar("Kind", bound=BaseModel)
# What read.dtype may say, and the type of the schema that it means; text may turn out as categories.
TYPES = (
    dict.fromkeys(("str", "string", "object"), "text")
    | dict.fromkeys(("int", "int32", "int64", "Int64"), "integer")
    | dict.fromkeys(("float", "float32", "float64"), "number")
    | {"bool": "boolean", "boolean": "boolean", "category": "category"}
)


class Section(BaseModel):
    """A part of params.yaml: unknown names are refused, values cannot change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Read(Section):
    """How a table is written: options of pandas.read_csv, by the same names and with the same meaning.

    What says the types of columns (dtype, parse_dates, dayfirst, date_format) counts for the first table: it goes into
    the schema, and then the schema counts.
    """

    sep: str = Field(default=",", validation_alias=AliasChoices("sep", "delimiter"), pattern=r"^([^\n\r]|\\s\+)$")
    decimal: Character = "."
    thousands: Character | None = None
    encoding: str = "utf-8"
    encoding_errors: str = "strict"
    quotechar: Character = '"'
    quoting: Literal[0, 1, 2, 3] = 0
    doublequote: bool = True
    escapechar: Character | None = None
    comment: Character | None = None
    skipinitialspace: bool = False
    skiprows: int | list[int] = 0
    skipfooter: int = Field(default=0, ge=0)
    header: int | None = Field(default=0, ge=0)
    names: list[str] | None = None
    usecols: list[str] | None = None
    nrows: int | None = Field(default=None, ge=1)
    na_values: Value | list[Value] | dict[str, Value | list[Value]] = []
    keep_default_na: bool = True
    na_filter: bool = True
    true_values: list[str] = []
    false_values: list[str] = []
    dtype: str | dict[str, str] = {}
    parse_dates: list[str] = []
    dayfirst: bool = False
    date_format: str | None = None

    @field_validator("encoding")
    @classmethod
    def known_encoding(cls, encoding: str) -> str:
        """Refuse what Python does not know."""
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError(f"{encoding!r} is no encoding that Python knows") from None
        return encoding

    @field_validator("dtype")
    @classmethod
    def known_types(cls, dtype: str | dict[str, str]) -> str | dict[str, str]:
        """Refuse what is no type of a schema."""
        named = [dtype] if isinstance(dtype, str) else dtype.values()
        if unknown := sorted(set(named) - set(TYPES)):
            raise ValueError(f"{unknown} are not among {list(TYPES)}; for a date, list the column under parse_dates")
        return dtype


OWN = Read(keep_default_na=False)  # how the project itself writes tables: what is missing is empty, and nothing else


class Data(Section):
    """Where the table comes from and which of its columns are not features.

    key: says who or what a row is about; without a time, rows of one key are on one side where rows are held out.
    """

    uri: Address
    read: Read = Read()
    sha256: str | None = None
    key: str | None = None
    drop: list[str] = []
    time: str | None = None
    max_megabytes: float = Field(default=2000, gt=0)

    @field_serializer("read")
    def as_written(self, read: Read) -> dict[str, Any]:
        """Only what is not as usual."""
        return read.model_dump(exclude_defaults=True)

    @field_validator("read", mode="before")
    @classmethod
    def only_how(cls, read: Any) -> Any:
        """How to read the table, not where it is nor with which credentials: all of this is recorded."""
        if refused := sorted({"filepath_or_buffer", "storage_options"} & set(read or {})):
            raise ValueError(
                f"{refused[0]} does not say how to read a table: data.uri says where it is, and credentials belong in "
                "the variables or in the configuration of the store's own package"
            )
        return read or {}


class Target(Section):
    """What is predicted. threshold: the probability from which a row is of the positive class."""

    column: str
    task: Task
    positive: str | int | float | bool | None = None
    threshold: float = Field(default=0.5, gt=0, lt=1)

    @field_validator("positive")
    @classmethod
    def as_class(cls, positive: Any) -> Any:
        """1.0 is the class 1: whole numbers are kept as such in a table, too."""
        return int(positive) if isinstance(positive, float) and positive.is_integer() else positive


class Model(Section):
    """What `build` is given."""

    seed: int = 0
    parameters: dict[str, Any] = {}


class Evaluation(Section):
    """How a model is judged: on its own, and beside the model in use.

    margin: by how much of the deciding score one model may be worse than another and still count as not worse.
    """

    held_out: float = Field(default=0.25, gt=0, lt=1)
    slices: list[str] = []
    at_least: dict[str, float] = {}
    at_most: dict[str, float] = {}
    slices_at_least: dict[str, float] = {}
    slices_at_most: dict[str, float] = {}
    beat_baseline: bool = True
    replace_when: Literal["better", "not_worse"] = "not_worse"
    margin: float = Field(default=0.01, ge=0, allow_inf_nan=False)


class State(Section):
    """Where each kind of thing is kept: a folder, for the releases any address that fsspec writes.

    tracking: where runs are tracked, from level 2 on; SQLite or an MLflow server. predictions, labels: what was
    answered, and what came true, from level 3 on; like the releases. pointer: what is to run, in a .yaml file to
    commit; or, for each environment, in numbered entries below a folder or an address of S3.
    """

    data: str = "data/checked"
    models: str = "models"
    reports: str = "reports"
    releases: Address = Address("releases")
    tracking: Address = Address("sqlite:///mlflow.db")
    predictions: Address = Address("predictions")
    labels: Address = Address("labels")
    pointer: Address = Address("deploy/release.yaml")


class Settings(Section):
    """All of params.yaml."""

    data: Data
    target: Target
    model: Model = Model()
    evaluation: Evaluation = Evaluation()
    state: State = State()


def load_settings(path: Path = PARAMS) -> Settings:
    """The settings in this file. Raises ProjectError that lists everything wrong with it."""
    settings = load(path, Settings)
    if problems := secrets_in(settings):
        raise mistakes(path, problems)
    return settings


def load(path: Path, kind: type[Kind]) -> Kind:
    """What is in a file of settings of this kind. Raises ProjectError that lists everything wrong with it."""
    return read(path, read_bytes(path), kind)


def read_bytes(path: Path) -> bytes:
    """The content of a file of settings. Raises ProjectError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}. Run this in the project's folder.") from None


def read(path: Path, content: bytes, kind: type[Kind]) -> Kind:
    """The settings of this kind in the content of a file. Raises ProjectError that lists everything wrong with it."""
    try:
        found = yaml.safe_load(content.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} is not YAML: {error}") from None
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        raise mistakes(path, [describe(problem, kind) for problem in error.errors()]) from None


def mistakes(path: Path, problems: list[str]) -> ProjectError:
    """The error that lists what is wrong with a file."""
    return ProjectError(f"{path} has {len(problems)} mistakes:\n  " + "\n  ".join(problems))


def secrets_in(settings: Settings) -> list[str]:
    """What must not stand in the addresses of params.yaml, which is committed: a line for each.

    A query of data.uri may: it makes an address that is valid for a while, and only its reader gets to know it.
    """
    data, state = settings.data, settings.state
    addresses = {"data.uri": data.uri} | {f"state.{name}": at for name, at in state if isinstance(at, Address)}
    problems = []
    for name, address in addresses.items():
        if address.has_account:
            problems.append(
                f"{name}: there is an account in it. Take it out, and give it in the variables or in the configuration "
                "of the store's own package (for https:// in ~/.config/fsspec/)."
            )
        elif address != address.whole and name != "data.uri":
            problems.append(f"{name}: there is a query or a fragment in it, which would be recorded. Take it out.")
        elif re.search(r"\s", address.whole) and without_secrets(address.whole) != address:
            problems.append(f"{name}: there are blanks in it. Write %20 for each.")
    return problems


def describe(problem: Any, kind: type[BaseModel]) -> str:
    """One mistake as a line: where it is, what is wrong and, for an unknown name, which is the nearest right one."""
    where = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        names = names_at(problem["loc"][:-1], kind)
        near = difflib.get_close_matches(problem["loc"][-1], names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
        return f"{where}: no such setting. {hint}"
    if problem["type"] == "value_error":
        return f"{where}: {problem['ctx']['error']}."
    return f"{where}: {problem['msg'].lower()} (it is {problem['input']!r})"


def names_at(location: tuple[Any, ...], kind: type[BaseModel]) -> list[str]:
    """The names that are allowed in the section at this place."""
    section: Any = kind
    for part in location:
        fields = getattr(section, "model_fields", None)  # a dict has none: whatever is in it is of one kind
        section = fields[part].annotation if fields else get_args(section)[1]
    return list(section.model_fields)
