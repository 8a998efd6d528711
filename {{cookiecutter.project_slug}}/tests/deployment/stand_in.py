"""A host whose docker is a stand-in: a script that answers at once, and knows images by name and what runs."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

PACKAGE = "{{cookiecutter.project_slug}}"
# Seconds until whatever hangs is an error.
LONG = 60

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
    grep -qx "IMAGE=$IMAGE" "PACKAGE/$3/.env" && [ -f "PACKAGE/$3/compose.yaml" ] || exit 1
    [ "$(cat up 2>/dev/null)" != "$3" ] || exit 0
    rm -f up
    [ -f "images/$IMAGE" ] || { echo "No such image: $IMAGE"; exit 1; }
    if [ "$IMAGE" = "$(cat broken 2>/dev/null)" ]; then echo "$3 is unhealthy"; exit 1; fi
    echo "$3" >up.$$ && mv up.$$ up
    echo "$3 has come up" >>log ;;
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


class Machine:
    """A host with our script, called as `deploy` calls it.

    home: a new folder. script: host.sh. variables: the environment in which it is called.
    """

    def __init__(self, home: Path, script: Path, variables: dict[str, str]) -> None:
        self.home, self.script, self.variables = home, script, variables
        self.place, self.shell = home / PACKAGE, ["sh"]

    def arrive(self, name: str, content: str = "model") -> str:
        """The folder in which a deployment has arrived, as it is unpacked."""
        folder = self.place / f"arriving-{time.monotonic_ns()}"
        (folder / name / "model").mkdir(parents=True)
        shutil.copy(self.script, folder)
        (folder / name / "compose.yaml").write_text("services: {}\n")
        (folder / name / "model" / "model").write_text(content)
        (folder / name / ".env").write_text(f"IMAGE={PACKAGE}:{name}\n")
        return f"{PACKAGE}/{folder.name}/host.sh"

    def start(self, script: str, *words: str, image: bytes = b"", **options: object) -> subprocess.Popen:
        """A command of the script, begun."""
        with tempfile.TemporaryFile() as sent:
            sent.write(image)
            sent.seek(0)
            return subprocess.Popen(
                [*self.shell, script, *words],
                **{"cwd": self.home, "env": self.variables, "start_new_session": True} | options,
                stdin=sent,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def run(self, *words: str, code: int = 0, **options: object) -> str:
        """What a command of the script in its place says."""
        return self.finish(self.start(f"{PACKAGE}/host.sh", *words, **options), code)

    def deploy(self, name: str, code: int = 0, content: str = "model", **options: object) -> str:
        """What bringing a deployment in says."""
        words = ("receive", name, "project:latest")
        return self.finish(self.start(self.arrive(name, content), *words, image=name.encode(), **options), code)

    def finish(self, process: subprocess.Popen, code: int = 0) -> str:
        said, _ = process.communicate(timeout=LONG)
        assert process.returncode == code, said
        return said

    def log(self) -> str:
        return (self.home / "log").read_text() if (self.home / "log").exists() else ""

    def slow(self, word: str) -> Path:
        """Let docker wait at this word of its own; the file that lets it go on. It makes `waiting` when it is there."""
        docker, go = Path(self.variables["PATH"].split(":")[0]) / "docker", self.home / "go"
        # Not for ever: a test that fails shall leave nothing behind.
        wait = "touch waiting; n=0; while [ ! -e go ] && [ $n -lt 3000 ]; do n=$((n + 1)); sleep 0.01; done"
        wait = f'case "$*" in *{word}*) {wait} ;; esac\n'
        text = docker.read_text()
        docker.write_text(text.replace('cd "$STAND_IN_HOST"\n', f'cd "$STAND_IN_HOST"\n{wait}'))
        return go
