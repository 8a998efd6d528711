"""Say whether a file can be read in its format: TOML, YAML, JSON, a notebook or Python."""

import json
import tomllib
import warnings
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import yaml

YAML_READER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # C is ten times as fast, where PyYAML has it
LONGEST_LINE = 10_000
YAML_TYPES = yaml.resolver.Resolver()


def problem(path: str, data: bytes) -> str | None:
    """What keeps a program from reading the file as what its name says; None if nothing, or if it is no such format.

    A key that stands twice is a problem: many programs refuse it, and the others silently take the last.
    """
    check = CHECKS.get(PurePosixPath(path).suffix.lower())
    if check is None:
        return None
    try:
        check(data)
    except Exception as error:  # each parser has errors of its own for what is nested too deeply, or no text at all
        return str(error) or type(error).__name__
    return None


def is_json(data: bytes) -> bool:
    """Whether a program could read it, if only by taking the last of two keys."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def check_toml(data: bytes) -> None:
    """Raise an error if it is no TOML, or if a line is longer than anybody writes one, which takes tomllib for ever."""
    if max(map(len, data.splitlines()), default=0) > LONGEST_LINE:
        raise ValueError(f"a line has more than {LONGEST_LINE} characters")
    tomllib.loads(data.decode("utf-8-sig"))  # a byte order mark does no harm in most programs, but tomllib refuses it


def check_yaml(data: bytes) -> None:
    """Raise an error if it is no YAML, if a key stands twice in a mapping, or if an alias stands for nothing.

    It goes by the parser's events. To compose nodes of them would kill Python where lists are nested deeply enough.
    """
    anchors: set[str] = set()
    inside: list[Collection] = []
    for event in yaml.parse(data, Loader=YAML_READER):
        if isinstance(event, yaml.DocumentStartEvent):
            anchors = set()
        elif isinstance(event, yaml.CollectionEndEvent):
            inside.pop()
        elif isinstance(event, yaml.NodeEvent):
            check_anchor(event, anchors)
            if inside:
                inside[-1].take(event)
            if isinstance(event, yaml.CollectionStartEvent):
                inside.append(Collection(isinstance(event, yaml.MappingStartEvent)))


def check_anchor(event: yaml.NodeEvent, anchors: set[str]) -> None:
    """Remember the anchor of a node, or raise an error if it is an alias of none."""
    if isinstance(event, yaml.AliasEvent) and event.anchor not in anchors:
        raise ValueError(f"line {event.start_mark.line + 1}: there is no &{event.anchor} above")
    if event.anchor:
        anchors.add(event.anchor)


@dataclass
class Collection:
    """A mapping or a list of YAML while it is read. Keys that are no scalars, which hardly any file has, may repeat."""

    is_mapping: bool
    taken: int = 0
    keys: set[tuple[str, str]] = field(default_factory=set)

    def take(self, event: yaml.NodeEvent) -> None:
        """Note what stands in it: in a mapping, keys and values by turns."""
        is_key = self.is_mapping and self.taken % 2 == 0
        self.taken += 1
        if is_key and isinstance(event, yaml.ScalarEvent):
            key = event.tag or YAML_TYPES.resolve(yaml.ScalarNode, event.value, event.implicit), event.value
            if key in self.keys:
                raise ValueError(f"line {event.start_mark.line + 1}: the key {event.value!r} stands there twice")
            self.keys.add(key)


def check_json(data: bytes) -> object:
    """What the JSON holds. Raises an error if it is none, or if a key stands twice in an object."""
    return json.loads(data, object_pairs_hook=without_twins)


def without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON, if each of its keys is its own."""
    made: dict[str, object] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"the key {key!r} stands twice in one object")
        made[key] = value
    return made


def check_notebook(data: bytes) -> None:
    """Raise an error if Jupyter could not open it, or would have to give a cell another id."""
    notebook = check_json(data)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError("it has no list of cells")
    ids = set()
    for cell in cells:
        if not isinstance(cell, dict) or "cell_type" not in cell or "source" not in cell:
            raise ValueError("a cell has no type or no source")
        if "id" in cell and cell["id"] in ids:
            raise ValueError(f"two cells have the id {cell['id']!r}")
        ids.add(cell.get("id"))


def check_python(data: bytes) -> None:
    """Raise an error if it does not compile. What Python only warns of is for the user's own tools to say."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(data, "<merged>", "exec", dont_inherit=True)


CHECKS = {
    ".toml": check_toml,
    ".yaml": check_yaml,
    ".yml": check_yaml,
    ".json": check_json,
    ".ipynb": check_notebook,
    ".py": check_python,
}
