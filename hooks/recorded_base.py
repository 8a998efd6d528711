"""What the template wrote last time, recorded in the project: the base against which it is told whose change is whose.

The record is two files to commit, `.mlops-template/base.zip` and `.mlops-template/answers.json`. They need neither git
nor the template's history, and go with the project wherever it is cloned. So they are read as a stranger's: what names
no file of the project, is a link or is absurdly large is refused.
"""

import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from refusal import RefusedError

FOLDER = ".mlops-template"
BASE = f"{FOLDER}/base.zip"
ANSWERS = f"{FOLDER}/answers.json"
IGNORED = f"{FOLDER}/.gitignore"
ATTRIBUTES = f"{FOLDER}/.gitattributes"
# What a person or a file system has switched on for all repositories must not keep the record out of this one.
RECORD_IS_COMMITTED = b"/journal.json\n/recovery/\n/render/\n!/base.zip\n!/answers.json\n!/.gitattributes\n"
RECORD_IS_COMMITTED_AS_IT_IS = b"* -text -filter annex.largefiles=nothing\n"
MOST_BYTES = 200 * 2**20  # of all files that a template writes; no template comes near it
MOST_OF_ANSWERS = 2**20
MOST_OF_NAMES = 2 * 2**20  # of the list at the end of an archive
LONGEST_PATH = 1000
KEPT_ELSEWHERE = b"version https://git-lfs", b"/annex/objects/"  # what stands in a file that is not here itself
OF_GIT = ".git", "git~1"  # as Windows, too, reads a name

ADDRESS = "template", "checkout", "directory"
Tree = dict[str, bytes]


@dataclass
class Record:
    """The last run over a project: what it wrote, and the answers.

    base       each file of the template as it was when it last reached the project; one that the user has deleted
               since stays in it
    conflicts  paths in which the last run left conflict marks
    template   where the template was, if other machines can reach it there
    checkout   the branch, tag or commit of the template that was asked for
    directory  the folder of the template in what is there
    """

    base: Tree
    answers: dict[str, str]
    conflicts: list[str] = field(default_factory=list)
    template: str = ""
    checkout: str = ""
    directory: str = ""


def checked_path(path: object) -> str:
    """The path, with /, of a file that a run may touch. Raises ValueError for any that could lead elsewhere."""
    parts = path.split("/") if isinstance(path, str) and len(path) <= LONGEST_PATH else [""]
    for part in parts:
        as_windows_reads_it = part.rstrip(" .").casefold()
        if not part.isprintable() or set(part) & set("\\:") or as_windows_reads_it in ("", *OF_GIT):
            raise ValueError(f"it names {str(path)[:100]!r}, which is no file of a project")
    return path


def checked_file(path: object) -> str:
    """The path of a file that a template may write. Raises ValueError for any other, and for the record's own."""
    if checked_path(path).split("/")[0].rstrip(" .").casefold() == FOLDER:
        raise ValueError(f"it names {path!r}, which is the record's own")
    return path


def pack(tree: Tree) -> bytes:
    """The tree as a zip in which neither clock nor order shows: with one Python, same tree, same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for path, data in sorted(tree.items()):
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, on Windows too
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, data)
    return buffer.getvalue()


def unpack(archive: bytes) -> Tree:
    """The tree that was packed. Raises ValueError for what `pack` does not make."""
    end = archive[
        -22:
    ]  # of every archive without a comment: its mark, and in bytes 12 to 15 the size of the list of files
    if not end.startswith(b"PK\5\6") or int.from_bytes(end[12:16], "little") > MOST_OF_NAMES:
        raise ValueError("it is no archive of the template")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            entries = packed.infolist()
            if any(entry.compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED) for entry in entries):
                raise ValueError("it is packed as no archive of the template is")
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise ValueError(f"unpacked it would take more than {MOST_BYTES >> 20} MB")
            tree = {checked_file(entry.filename): read_entry(packed, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
        raise ValueError(f"it is no archive of the template: {problem}") from problem
    if len(tree) != len(entries):
        raise ValueError("it holds two files of one name")
    return tree


def read_entry(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """One file of an archive, and no byte more than the archive says that it has."""
    with packed.open(entry) as opened:
        return opened.read(entry.file_size + 1)


def read(project: Path) -> Record | None:
    """The record of a project; None if it has none. Raises RefusedError if it cannot be used."""
    if not (project / ANSWERS).is_file() and not (project / BASE).is_file():
        return None
    try:
        kept = json.loads(read_at_most(project / ANSWERS))
        answers = {**kept["cookiecutter"], "maturity_level": kept["level"]}
        if strange := [key for key, value in answers.items() if not isinstance(value, str) or not value.isprintable()]:
            raise ValueError(f"its answer to {strange[0]} is not one line of text")
        if not re.fullmatch("[0-9]", answers["maturity_level"]):
            raise ValueError(f"{answers['maturity_level']!r} is no level")
        base = unpack(read_at_most(project / BASE, MOST_BYTES))
        for path in kept.get("deleted", []):  # earlier versions listed what was deleted, without what it had been
            base.setdefault(checked_file(path), b"")
        conflicts = sorted({checked_file(path) for path in kept.get("conflicts", [])})
        return Record(base, answers, conflicts, *(str(kept.get(key, "")) for key in ADDRESS))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise RefusedError(f"{FOLDER}/ of {project} cannot be read: {problem}\n{advice(project)}") from problem


def read_at_most(path: Path, most: int = MOST_OF_ANSWERS) -> bytes:
    """A file of the record. Raises ValueError if it is larger, or stands for one that is kept elsewhere."""
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{path.name} is no regular file")
    if path.stat().st_size > most:
        raise ValueError(f"{path.name} has more than {most >> 20} MB")
    data = path.read_bytes()
    if data.startswith(KEPT_ELSEWHERE):
        raise ValueError(f"{path.name} is not here, only a note of git-lfs or git-annex where it is")
    return data


def advice(project: Path) -> str:
    """What to do about a record that cannot be read."""
    for name in (ANSWERS, BASE):
        if (project / name).is_file() and (project / name).read_bytes().startswith(KEPT_ELSEWHERE):
            return f"Get it with  git lfs pull -I '{FOLDER}/*'  or  git annex get {FOLDER}"
    return f"Get it back as it was, for example with\n  git checkout -- {FOLDER}"


def refuse_unmerged(unmerged: list[str]) -> None:
    """Raise RefusedError if the record is among the files whose merge is not settled in git."""
    if any(path.startswith(f"{FOLDER}/") for path in unmerged):
        raise RefusedError(
            "Two branches that were both upgraded meet here. Settle the other files, take the record of the branch"
            f" that is to count, this one's with\n  git checkout HEAD -- {FOLDER}\n(the other's: MERGE_HEAD), and run"
            " the template again."
        )


def refuse_links(project: Path) -> None:
    """Raise RefusedError if the record, or anything in its folder, is a link: what it leads to is not the project's."""
    inside = [project / FOLDER]
    while inside:
        path = inside.pop()
        if path.is_symlink():
            name, target = path.relative_to(project).as_posix(), str(path.readlink())
            kept_by_annex = f" Get it out of git-annex with  git annex unlock {name}" if "annex" in target else ""
            raise RefusedError(
                f"{name} of {project} is a link, and could lead to files that are not the project's. Put the file or"
                f" folder itself in its place, then run the template again.{kept_by_annex}"
            )
        if path.is_dir():
            inside += path.iterdir()


def files(record: Record) -> Tree:
    """The files that hold a record, in the order in which they are to be written.

    The answers are a cookiecutter replay file without the level, so that replaying them asks for the level alone.
    """
    given = {key: value for key, value in record.answers.items() if not key.startswith("_")}
    kept: dict = {"level": given.pop("maturity_level"), "cookiecutter": given}
    kept |= {key: value for key in ("conflicts", *ADDRESS) if (value := getattr(record, key))}
    text = json.dumps(kept, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    return {
        IGNORED: RECORD_IS_COMMITTED,
        ATTRIBUTES: RECORD_IS_COMMITTED_AS_IT_IS,
        ANSWERS: text.encode(),
        BASE: pack(record.base),
    }
