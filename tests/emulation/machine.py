"""A machine of the CI, hosted or our own: what is on it before a job begins, and nothing else of this machine."""

import os
import re
from pathlib import Path

import support

# How this machine finds programs, and reaches the registries of packages.
INHERITED = re.compile(r"PATH$|PIP_|UV_\w*INDEX|UV_FIND_LINKS$|SSL_CERT_|\w+_CA_(BUNDLE|CERTS)$|\w+_PROXY$", re.I)


def inherited() -> dict[str, str]:
    """The variables of this machine without which no job could install anything."""
    return {name: value for name, value in os.environ.items() if INHERITED.match(name)}


def environment(*more: Path) -> dict[str, str]:
    """The same with few programs, `more` of them first, and with the cache of packages that earlier jobs left."""
    programs = [*more, Path(support.tool("uv")).parent, "/usr/local/bin", "/usr/bin", "/bin"]
    cache = support.run("uv", "cache", "dir", cwd=Path.cwd()).stdout.strip()
    return inherited() | {"PATH": os.pathsep.join(map(str, programs)), "UV_CACHE_DIR": cache}


def with_project(clone: Path) -> dict[str, str]:
    """The same where the project of a clone has been installed before."""
    return environment() | {"UV_PROJECT_ENVIRONMENT": str(clone / ".venv")}
