"""What the template wrote last time, recorded in the project: the base against which it is told whose change is whose.

The record is two files to commit, `.mlops-template/base.zip` and `.mlops-template/answers.json`. They need neither git
nor the template's history, and go with the project wherever it is cloned.
"""

import io
import json
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

FOLDER = ".mlops-template"
BASE = f"{FOLDER}/base.zip"
ANSWERS = f"{FOLDER}/answers.json"
IGNORED = f"{FOLDER}/.gitignore"


class File(NamedTuple):
    """A regular file: its bytes, and whether its owner may execute it."""

    data: bytes
    executable: bool = False


Tree = dict[str, File]


@dataclass
class Record:
    """The last run over a project: what it wrote, the answers, and what it knew of the user's wishes.

    deleted    paths of the template that the user has deleted, at this level or another
    conflicts  paths in which the last run left conflict marks
    template   where the template was, if other machines can reach it there
    """

    base: Tree
    answers: dict[str, str]
    deleted: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    template: str = ""


def read_file(path: Path) -> File:
    """A file as it is on disk."""
    return File(path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))


def read_tree(root: Path) -> Tree:
    """Every file below root by its path with /."""
    return {path.relative_to(root).as_posix(): read_file(path) for path in root.rglob("*") if path.is_file()}


def pack(tree: Tree) -> bytes:
    """The tree as a zip in which neither clock nor order shows: with one Python, same tree, same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for path, (data, executable) in sorted(tree.items()):
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, on Windows too: only there do the permission bits mean anything
            entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, data)
    return buffer.getvalue()


def unpack(archive: bytes) -> Tree:
    """The tree that was packed."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {
            entry.filename: File(packed.read(entry), bool(entry.external_attr >> 16 & stat.S_IXUSR))
            for entry in packed.infolist()
        }


def read(project: Path) -> Record | None:
    """The record of a project; None if it has none. Raises ValueError if it cannot be read."""
    if not (project / ANSWERS).is_file() and not (project / BASE).is_file():
        return None
    try:
        kept = json.loads((project / ANSWERS).read_text(encoding="utf-8"))
        answers = {**kept["cookiecutter"], "maturity_level": kept["level"]}
        base = unpack((project / BASE).read_bytes())
        return Record(base, answers, kept.get("deleted", []), kept.get("conflicts", []), kept.get("template", ""))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as problem:
        raise ValueError(f"{problem}") from problem


def files(record: Record) -> Tree:
    """The files that hold a record.

    The answers are a cookiecutter replay file without the level, so that replaying them asks for the level alone.
    """
    given = {key: value for key, value in record.answers.items() if not key.startswith("_")}
    kept: dict = {"level": given.pop("maturity_level"), "cookiecutter": given}
    kept |= {key: value for key in ("deleted", "conflicts", "template") if (value := getattr(record, key))}
    text = json.dumps(kept, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    return {
        IGNORED: File(b"/journal.json\n/recovery/\n"),
        ANSWERS: File(text.encode()),
        BASE: File(pack(record.base)),
    }
