"""A stand-in for the `docker` client: what the generated project asks of docker, done with buildah, and nothing else.

Everything else ends with code 2, so that a word that docker would not know is not overlooked.
"""

import argparse
import shlex
import shutil
import sys
from pathlib import Path

from emulation import compose
from emulation.containers import Container
from emulation.images import FailedError, Images, UnknownError


def install(folder: Path, storage: Path) -> None:
    """Put a `docker` into the folder that keeps its images and containers in the storage."""
    tests = shlex.quote(str(Path(__file__).parents[1]))
    command = shlex.join([sys.executable, "-P", "-m", "emulation.docker", str(storage.resolve())])
    wrapper = folder / "docker"
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={tests} exec {command} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)


def remove(storage: Path) -> None:
    """End all containers of the storage, and delete it."""
    images = Images(storage.resolve())
    for container in containers(images):
        container.remove()
    images.buildah("rm", "--all")  # those of a build that was interrupted: what is mounted cannot be deleted
    shutil.rmtree(images.storage)


class Parser(argparse.ArgumentParser):
    """Knows a word in full, or not at all."""

    def __init__(self, **options: object) -> None:
        super().__init__(add_help=False, allow_abbrev=False, **options)

    def error(self, message: str) -> None:
        raise UnknownError(f"`{self.prog}` like this: {message}")


def parser() -> Parser:
    docker = Parser(prog="docker")
    commands = docker.add_subparsers(dest="command", required=True)

    build = commands.add_parser("build")
    build.add_argument("--tag", "-t", action="append", required=True)
    build.add_argument("--file", default="Dockerfile")
    build.add_argument("context", choices=["."])

    save = commands.add_parser("save")
    save.add_argument("--output", type=Path, required=True)
    save.add_argument("image")

    load = commands.add_parser("load")
    load.add_argument("--input", type=Path)

    tag = commands.add_parser("tag")
    tag.add_argument("image")
    tag.add_argument("new")

    update = commands.add_parser("update")
    update.add_argument("--restart", choices=["unless-stopped"], required=True)
    update.add_argument("container")

    image_commands = commands.add_parser("image").add_subparsers(dest="command", required=True)
    inspect = image_commands.add_parser("inspect")
    inspect.add_argument("--format", choices=["{{.Id}}"], required=True)
    inspect.add_argument("image")
    image_commands.add_parser("rm").add_argument("images", nargs="+")
    ls = image_commands.add_parser("ls")
    shown = ls.add_mutually_exclusive_group(required=True)
    shown.add_argument("--format", choices=["{{.Repository}}:{{.Tag}}"])
    shown.add_argument("--quiet", action="store_true")
    ls.add_argument("image", nargs="?")

    composed = commands.add_parser("compose")
    composed.add_argument("--project-directory", type=Path)
    composed.add_argument("--file", type=Path)
    composed.add_argument("--project-name")
    compose_commands = composed.add_subparsers(dest="command", required=True)
    up = compose_commands.add_parser("up")
    up.add_argument("--detach", action="store_true", required=True)
    up.add_argument("--wait", action="store_true", required=True)
    up.add_argument("--remove-orphans", action="store_true")
    compose_commands.add_parser("down")
    port = compose_commands.add_parser("port")
    port.add_argument("service")
    port.add_argument("port")
    compose_commands.add_parser("logs").add_argument("service", nargs="?")
    compose_commands.add_parser("ps").add_argument("--quiet", action="store_true", required=True)
    return docker


def carry_out(images: Images, options: argparse.Namespace) -> None:
    match options.command:
        case "build":
            images.build(options.tag, Path.cwd(), options.file)
        case "save":
            images.save(options.image, options.output)
        case "load":
            for name in images.load(options.input) if options.input else images.load_standard_input():
                print("Loaded image:", name)
        case "tag":
            images.tag(options.image, options.new)
        case "inspect":
            print(f"sha256:{images.inspect(options.image)['FromImageID']}")
        case "rm":
            images.remove(options.images)
        case "ls":
            for name in images.names(options.image):
                print(f"sha256:{images.inspect(name)['FromImageID']}" if options.quiet else name)
        case "update":
            if options.container not in {container.state.get("id") for container in containers(images)}:
                raise FailedError(f"No such container: {options.container}")
            print(options.container)
        case _:
            compose_command(images, options)


def containers(images: Images) -> list[Container]:
    """All that there are."""
    folders = (images.storage / "containers").glob("*/*")
    return [Container(images, folder.parent.name, folder.name) for folder in folders]


def compose_command(images: Images, options: argparse.Namespace) -> None:
    project, services = compose.read(options.file, options.project_directory, options.project_name)
    containers = {service: Container(images, project, service) for service in services}
    if getattr(options, "service", None) not in {None, *services}:
        raise FailedError(f"no such service: {options.service}")
    match options.command:
        case "up":
            if options.remove_orphans:
                for name in {path.name for path in (images.storage / "containers" / project).glob("*")} - set(services):
                    Container(images, project, name).remove()
            for name, container in containers.items():
                container.up(services[name])
            for container in containers.values():
                container.wait_until_healthy()
        case "down":
            for container in containers.values():
                container.remove()
        case "port":
            print(containers[options.service].address(options.port))
        case "logs":
            for name in [options.service] if options.service else services:
                for line in containers[name].log():
                    print(f"{name}-1  | {line}")
        case "ps":
            for container in containers.values():
                if container.processes():
                    print(container.state["id"])


def main(storage: str, words: list[str]) -> int:
    try:
        carry_out(Images(Path(storage)), parser().parse_args(words))
    except UnknownError as error:
        print(f"the emulation does not know {error}", file=sys.stderr)
        return 2
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
