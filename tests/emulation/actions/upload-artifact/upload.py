"""Keeps the files that a search finds, by the rules of actions/upload-artifact for what is found and where it goes."""

import os
import re
import shutil
import sys
from pathlib import Path

FORBIDDEN = re.compile(r'[":<>|*?\r\n]')


def main() -> None:
    """Keep the files in the folder of this artifact, which must be new."""
    name, search = os.environ["NAME"], os.environ["SEARCH"]
    check_inputs(name)
    files, root = find(search)
    if not files:
        missing(search)
        return
    artifact = Path(os.environ["EMULATED_ARTIFACTS"]) / name
    if artifact.exists():
        sys.exit(f"::error::there is an artifact {name} already")
    for file in files:
        kept = artifact / file.relative_to(root)
        if FORBIDDEN.search(str(file.relative_to(root))):
            sys.exit(f"::error::{file} has a name that an artifact cannot hold")
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, kept)  # without permissions: an artifact keeps none


def check_inputs(name: str) -> None:
    """Refuse values that the real action refuses."""
    if not name or FORBIDDEN.search(name) or "/" in name or "\\" in name:
        sys.exit(f"::error::an artifact cannot be named {name!r}")
    for variable, valid in {
        "COMPRESSION_LEVEL": r"\d",
        "IF_NO_FILES_FOUND": "warn|error|ignore",
        "RETENTION_DAYS": r"|[1-9]|[1-8]\d|90",
    }.items():
        if not re.fullmatch(valid, os.environ[variable]):
            sys.exit(f"::error::{variable} cannot be {os.environ[variable]!r}")


def missing(search: str) -> None:
    """Do what the workflow says for a search that finds nothing."""
    wanted = os.environ["IF_NO_FILES_FOUND"]
    if wanted == "error":
        sys.exit(f"::error::no files were found with {search!r}")
    print(f"{'::warning::' if wanted == 'warn' else ''}no files were found with {search!r}")


def find(search: str) -> tuple[list[Path], Path]:
    """The files that the lines of a search find, and the folder that their places in the artifact are relative to."""
    lines = [line.strip() for line in search.splitlines()]
    wanted = [split(line) for line in lines if line and line[0] not in "!#"]
    excluded = [split(line[1:]) for line in lines if line.startswith("!")]
    files = {file for parts in wanted for file in matches(*parts)}
    files -= {file for parts in excluded for file in matches(*parts)}
    starts = {start for start, _ in wanted}
    if files == starts and len(files) == 1:
        return list(files), next(iter(files)).parent
    return sorted(files), Path(os.path.commonpath(starts))


def split(pattern: str) -> tuple[Path, str]:
    """Where the search for a pattern starts, and what is left of the pattern from its first wildcard on."""
    parts = Path(pattern).expanduser().absolute().parts
    wild = next((number for number, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts))
    return Path(*parts[:wild]), "/".join(parts[wild:])


def matches(start: Path, rest: str) -> list[Path]:
    """The files that match, or lie in a folder that does, unless something on the way from the start is hidden."""
    found = list(start.glob(rest)) if rest else [start]
    below = [
        Path(folder, name) for path in found for folder, _, names in os.walk(path, followlinks=True) for name in names
    ]
    files = [path for path in found + below if path.is_file()]
    return [file for file in files if not any(part.startswith(".") for part in file.relative_to(start.parent).parts)]


main()
