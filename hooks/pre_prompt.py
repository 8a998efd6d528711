"""Mark the private copy of the template that cookiecutter works from once a template has a pre_prompt hook.

The later hooks know by the mark that `_repo_dir` is a throw-away copy with an absolute path, whose modules they may
import, and which they may change: so it becomes writable, where the template is not.
"""

import os
from pathlib import Path

if not os.access(Path(), os.W_OK):
    for path in [Path(), *Path().rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
Path(".private-copy").touch()
