"""Where a project may begin: in an empty folder, that is not meant for one that is there already."""

import json
from contextlib import suppress
from pathlib import Path

import private_copy
import recorded_base
import repository
from command_line import Typed
from refusal import RefusedError


def refuse_a_mistaken_one(project: Path, given: dict, typed: Typed | None) -> None:
    """Raise RefusedError where a second project would appear, or a folder of somebody else's would be filled."""
    for folder in project.parents:
        if (folder / recorded_base.ANSWERS).is_file():
            raise RefusedError(
                f"This would make a project inside of the project {folder}. Run the template in the folder that holds"
                f" it, {folder.parent}, or say so with  -o {folder.parent}"
            )
    if repository.committed(project, recorded_base.FOLDER):
        raise RefusedError(
            f"{project} holds a project that is not, or not wholly, checked out: with  git checkout -- .  or  git"
            f" sparse-checkout add {recorded_base.FOLDER}  its record comes back. Then run the template again."
        )
    if (project / ".cruft.json").is_file():
        raise RefusedError(f"{project} was made by cruft: upgrade it with  cruft update")
    if not private_copy.is_new(project):
        some = ", ".join(sorted(path.name for path in project.iterdir())[:5])
        raise RefusedError(
            f"The folder {project} is not empty, and this template did not make what is in it ({some}; there is no"
            f" {recorded_base.BASE}). Choose another project_slug or an empty folder."
        )
    if typed and "--overwrite-if-exists" in typed.options and (other := of_the_same_name(project, given)):
        raise RefusedError(
            f"There is no folder {project.name} here, but {other.name} holds the project of that name: give the folder"
            " its old name to upgrade it. For a second project beside it, leave out -f."
        )


def of_the_same_name(project: Path, given: dict) -> Path | None:
    """A folder beside this one that holds a project with the same project_slug."""
    try:
        beside = list(project.parent.iterdir())
    except OSError:  # a folder that may be entered, and not looked at
        return None
    for folder in beside:
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            kept = json.loads(recorded_base.read_at_most(folder / recorded_base.ANSWERS))
            if folder != project and kept["cookiecutter"]["project_slug"] == given["project_slug"]:
                return folder
    return None
