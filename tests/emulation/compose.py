"""What the generated project's compose.yaml says, and the `.env` beside it."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from emulation.images import FailedError, UnknownError

# What MLServer serves, and the variables that tell it where.
SERVED = {"8080": "MLSERVER_HTTP_PORT", "8081": "MLSERVER_GRPC_PORT", "8082": "MLSERVER_METRICS_PORT"}
FOLLOWED = set(
    "image ports volumes environment env_file read_only tmpfs cap_drop stop_grace_period pull_policy".split()
)
# Not `restart`: with it docker starts a program anew when it ends, and goes on waiting for it to become healthy.
WITHOUT_EFFECT_HERE = {"security_opt", "init", "mem_limit", "memswap_limit", "pids_limit", "ulimits", "logging"}


@dataclass(frozen=True)
class Service:
    """A service as its container is started."""

    image: str
    flags: list[str]
    sources: list[Path]  # what is mounted
    ports: list[str]  # those of the container that are published
    read_only: bool
    grace: float
    declared: dict


def read(file: Path | None, folder: Path | None, name: str | None) -> tuple[str, dict[str, Service]]:
    """The name of the project and its services, for what `docker compose` was told of the project."""
    folder = working_directory() / (folder or (file.parent if file else ""))
    file = file or folder / "compose.yaml"
    if not file.is_file():
        raise FailedError(f"no configuration file provided: {file} is not there")
    variables = read_dotenv(folder / ".env") | os.environ
    document = interpolate(yaml.safe_load(file.read_text(encoding="utf-8")), variables)
    own = {key for key in document if key.startswith("x-")}
    check_keys(document, {"name", "services"} | own, file.name)
    active = set(variables.get("COMPOSE_PROFILES", "").split(","))
    plain_name = re.sub(r"[^a-z0-9_-]", "", folder.name.lower())
    name = name or variables.get("COMPOSE_PROJECT_NAME") or document.get("name") or plain_name
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise FailedError(f"invalid project name {name!r}")
    return name, {
        service: read_service(declared, folder)
        for service, declared in document["services"].items()
        if not (profiles := set(declared.pop("profiles", []))) or profiles & active
    }


def read_service(declared: dict, folder: Path) -> Service:
    check_keys(declared, FOLLOWED | WITHOUT_EFFECT_HERE, "a service")
    if declared.get("pull_policy") not in (None, "missing", "never"):
        raise UnknownError(f"the pull_policy {declared['pull_policy']}")
    mounts = mounts_of(declared, folder)
    return Service(
        image=declared["image"],
        flags=[
            *variables_of(declared, folder),
            *flags_of(declared),
            *(f"--volume={source}:{target}:{mode}" for source, target, mode in mounts),
        ],
        sources=[source for source, _, _ in mounts],
        ports=published_ports(declared),
        read_only=declared.get("read_only", False),
        grace=seconds(declared.get("stop_grace_period", "10s")),
        declared=declared,
    )


def check_keys(mapping: dict, known: set[str], where: str) -> None:
    if unknown := sorted(set(mapping) - known):
        raise UnknownError(f"{', '.join(unknown)} in {where}")


def working_directory() -> Path:
    """Where docker believes to be: the way by which the shell came here, symbolic links and all."""
    way = Path(os.environ.get("PWD", ""))
    return way if way.is_absolute() and way.is_dir() and way.samefile(Path.cwd()) else Path.cwd()


def read_dotenv(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = {}
    for line in (line for line in lines if line.strip() and not line.startswith("#")):
        if not (match := re.fullmatch(r"(\w+)=([^'\"#$\\]*)", line)):
            raise UnknownError(f"the line {line!r} of .env")
        found[match[1]] = match[2].strip()
    return found


def interpolate(value: object, variables: dict[str, str]) -> object:
    """The value with each ${...} in it replaced."""
    if isinstance(value, dict):
        return {key: interpolate(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolate(inner, variables) for inner in value]

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, operator, argument = match["name"] or match["bare"], match["operator"], match["argument"]
        if not name:
            raise UnknownError(f"the variable in {value!r}")
        if operator == ":?" and not variables.get(name):
            raise FailedError(f"required variable {name} is missing a value: {argument}")
        if not operator and name not in variables:
            print(f'The "{name}" variable is not set. Defaulting to a blank string.', file=sys.stderr)
        return variables.get(name) or argument or ""

    form = r"\$(\$|\{(?P<name>\w+)((?P<operator>:-|:\?)(?P<argument>[^{}$]*))?\}|(?P<bare>\w+)|)"
    return re.sub(form, replace, value) if isinstance(value, str) else value


def mounts_of(service: dict, folder: Path) -> list[tuple[Path, str, str]]:
    """The source and the target of each bind mount, and ro or rw."""
    found = []
    for entry in service.get("volumes", []):
        if isinstance(entry, dict):
            check_keys(entry, {"type", "source", "target", "read_only", "bind"}, "volumes")
            mode = "ro" if entry.get("read_only") else "rw"
            entry = f"{entry['source']}:{entry['target']}:{mode}" if entry["type"] == "bind" else entry
        if not (match := re.fullmatch(r"([./][^:]*):(/[^:]*)(?::(ro|rw))?", str(entry))):
            raise UnknownError(f"the volume {entry}")
        found.append((folder / match[1], match[2], match[3] or "rw"))
    return found


def variables_of(service: dict, folder: Path) -> list[str]:
    """What buildah is told of the environment; what compose.yaml itself says counts more than a file that it names."""
    pairs: list[str] = []
    for entry in service.get("env_file", []):
        check_keys(entry, {"path", "required"}, "env_file")
        file = folder / entry["path"]
        if not file.exists() and entry.get("required", True):
            raise FailedError(f"env file {file} not found")
        pairs += [f"{name}={value}" for name, value in read_dotenv(file).items()]
    given = service.get("environment", [])
    declared = [f"{key}={value}" for key, value in given.items()] if isinstance(given, dict) else given
    wrong = isinstance(given, dict) and not all(type(value) in (str, int, float) for value in given.values())
    if wrong or not all("=" in pair for pair in declared):
        raise UnknownError(f"one of the variables {given}")
    return [f"--env={pair}" for pair in pairs + declared]


def flags_of(service: dict) -> list[str]:
    """What buildah is told of the temporary folders and the capabilities."""
    flags = [f"--cap-drop={name}" for name in service.get("cap_drop", [])]
    listed = service.get("tmpfs", [])
    for entry in [listed] if isinstance(listed, str) else listed:
        target, _, options = entry.partition(":")
        docker_adds = ["noexec", "nosuid", "nodev", "tmpfs-mode=1777"]
        limits = [f"tmpfs-{option}" for option in options.split(",") if option]
        flags.append("--mount=" + ",".join(["type=tmpfs", f"destination={target}", *docker_adds, *limits]))
    return flags


def published_ports(service: dict) -> list[str]:
    """The container's own ports that others may reach."""
    found = [re.fullmatch(r"(?:(?:[\d.]+:)?\d*:)?(\d+)", str(entry)) for entry in service.get("ports", [])]
    if not all(match and match[1] in SERVED for match in found):
        raise UnknownError(f"one of the ports {service['ports']}")
    return [match[1] for match in found]


def seconds(duration: str) -> float:
    if not (match := re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", duration)):
        raise UnknownError(f"the duration {duration}")
    return 60 * int(match[1] or 0) + int(match[2] or 0)
