"""What the template wrote, recorded in the project: the base against which a later upgrade tells whose change is whose.

The record is two files to commit, `.mlops-template/base.zip` and `.mlops-template/answers.json`. They need neither git
nor the template's history, and go with the project wherever it is cloned.
"""

import json
import stat
import zipfile
from pathlib import Path

FOLDER = ".mlops-template"
BASE = f"{FOLDER}/base.zip"
ANSWERS = f"{FOLDER}/answers.json"
Tree = dict[str, tuple[bytes, bool]]


def read_tree(root: Path) -> Tree:
    """Every file below root by its path with /: its bytes, and whether its owner may execute it."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
        for path in files
    }


def pack(tree: Tree, archive: Path) -> None:
    """Write the tree as a zip in which neither clock nor order shows: with one Python, same tree, same bytes."""
    with zipfile.ZipFile(archive, "w") as out:
        for path, (data, executable) in sorted(tree.items()):
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, on Windows too: only there do the permission bits mean anything
            entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, data)


def unpack(archive: Path) -> Tree:
    """The tree that was packed."""
    with zipfile.ZipFile(archive) as packed:
        return {
            entry.filename: (packed.read(entry), bool(entry.external_attr >> 16 & stat.S_IXUSR))
            for entry in packed.infolist()
        }


def record(project: Path, answers: dict) -> None:
    """Record the pristine project and the answers that made it.

    The answers are a cookiecutter replay file without the level, so that replaying them asks for the level alone.
    """
    pristine = read_tree(project)
    given = {key: value for key, value in answers.items() if not key.startswith("_")}
    level = given.pop("maturity_level")
    (project / FOLDER).mkdir()
    pack(pristine, project / BASE)
    text = json.dumps({"cookiecutter": given, "level": level}, indent=2, ensure_ascii=False)
    (project / ANSWERS).write_text(text + "\n", encoding="utf-8", newline="\n")
