"""A host whose docker is a stand-in: a script that answers at once, and knows images by name and what runs."""

import os
from pathlib import Path

PACKAGE = "{{cookiecutter.project_slug}}"

SSH = '#!/bin/sh\nfor last; do :; done\ncd "$STAND_IN_HOST" && exec sh -c "$last"\n'
# What is healthy is named in the file `up`. An image that the file `broken` names never becomes healthy. As with
# docker, what ran before is gone by then, and an image in use is not removed.
DOCKER = """#!/bin/sh
set -eu
cd "$STAND_IN_HOST"
echo "$@" >>log
case "$*" in
  load) cat >loaded && cp loaded "images/project:latest" ;;
  "tag "*) cp "images/$3" "images/$4" ;;
  "image ls --quiet "*) [ ! -f "images/$4" ] || echo an-id ;;
  "image rm "*)
    if [ "${3##*:}" = "$(cat up 2>/dev/null)" ]; then echo "$3 is in use"; exit 1; fi
    rm "images/$3" ;;
  *" up "*)
    IMAGE="PACKAGE:$3"
    [ "$(cat "PACKAGE/$3/.env")" = "IMAGE=$IMAGE" ] && [ -f "PACKAGE/$3/compose.yaml" ] || exit 1
    [ "$(cat up 2>/dev/null)" != "$3" ] || exit 0
    rm -f up
    [ -f "images/$IMAGE" ] || { echo "No such image: $IMAGE"; exit 1; }
    if [ "$IMAGE" = "$(cat broken 2>/dev/null)" ]; then echo "$3 is unhealthy"; exit 1; fi
    echo "$3" >up.new && mv up.new up ;;
  *" down") rm -f up ;;
  *" ps --quiet") printf 'the-container\\nanother\\n' ;;
  "update --restart unless-stopped "*) ;;
  *" logs") echo "the service said: no" ;;
  *" port model 8080") [ -f up ] && echo 127.0.0.1:8080 ;;
  *) exit 2 ;;
esac
"""


def install(programs: Path, home: Path) -> dict[str, str]:
    """Put `ssh`, `docker` and a `sync` that does nothing into the folder; the variables that lead to them and home."""
    (home / "images").mkdir()
    # To bring all that this machine has written onto its disk can take seconds.
    scripts = {"ssh": SSH, "docker": DOCKER.replace("PACKAGE", PACKAGE), "sync": "#!/bin/sh\n"}
    for name, script in scripts.items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    return {"STAND_IN_HOST": str(home), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


def state(home: Path) -> list[str | None]:
    """What runs, and what the host has written down of it and of the deployment before."""
    names = [home / "up", home / PACKAGE / "current", home / PACKAGE / "previous"]
    return [path.read_text().strip() if path.exists() else None for path in names]


def deployments(home: Path) -> set[str]:
    """The names of those that are on the host."""
    return {path.name for path in (home / PACKAGE).glob("[0-9]*")}
