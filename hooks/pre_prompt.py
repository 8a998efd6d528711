"""Mark the private copy of the template that cookiecutter works from once a template has a pre_prompt hook.

The later hooks know by the mark that `_repo_dir` is a throw-away copy with an absolute path, whose modules they may
import. Under cruft this hook does not run and `_repo_dir` does not exist.
"""

from pathlib import Path

Path(".private-copy").touch()
