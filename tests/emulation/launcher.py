"""Kubeflow's launcher: runs the steps of a compiled pipeline, each in a container of its own, from the file alone.

An emulation of what happens in the pods of a cluster. Real are the compiled file, the image and what runs in it, under
the image's user, on a read-only file system but for /tmp and the artifacts, and without any network.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path

import yaml
from emulation.containers import READ_ONLY
from emulation.images import FailedError, Images, full_name

BUCKET = "minio://mlpipeline/v2/artifacts"
OUTPUTS, METADATA = "kfp/outputs", "kfp_outputs/output_metadata.json"  # below /tmp


class Launcher:
    """One run of a pipeline. What the steps make is kept in a folder, which is as good as a bucket."""

    def __init__(self, pipeline: Path, images: Images, folder: Path, volumes: dict[Path, str]) -> None:
        """volumes: where folders of this machine are in each container, besides what the launcher brings."""
        self.pipeline, self.images = yaml.safe_load(pipeline.read_text(encoding="utf-8")), images
        self.bucket, self.volumes = folder, volumes
        self.tasks = self.pipeline["root"]["dag"]["tasks"]
        self.outputs: dict[tuple[str, str], str] = {}  # the parameters that steps have put out

    def run(self, arguments: dict[str, str]) -> str:
        """Run all steps, one after the other; the output of the last. Raises FailedError where one fails."""
        for task in self.in_order():
            done = self.step(task, arguments)
            if done.returncode:
                raise FailedError(f"{task} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return self.outputs[task, "Output"]

    def in_order(self) -> list[str]:
        """The steps, each after those that it depends on."""
        return list(
            TopologicalSorter(
                {name: task.get("dependentTasks", []) for name, task in self.tasks.items()}
            ).static_order()
        )

    def container_of(self, task: str) -> dict:
        """What the pipeline says of the container of a step."""
        label = self.component_of(task)["executorLabel"]
        return self.pipeline["deploymentSpec"]["executors"][label]["container"]

    def component_of(self, task: str) -> dict:
        """What the pipeline says of what goes into a step and what comes out."""
        return self.pipeline["components"][self.tasks[task]["componentRef"]["name"]]

    def step(self, task: str, arguments: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a step: bring what it takes, start its container, and keep what it has made."""
        takes, makes = self.inputs(task, arguments), self.outputs_of(task)
        container = self.container_of(task)
        told = json.dumps({"inputs": takes, "outputs": makes})
        words = [word.replace("{{$}}", told) for word in (*container["command"], *container["args"])]
        with scratch() as temporary, scratch() as artifacts:
            for path in paths(takes):
                shutil.copytree(self.bucket / path, artifacts / path)
            for path in paths(makes):
                (artifacts / path).parent.mkdir(parents=True, exist_ok=True)
            open_to_all(artifacts)
            volumes = self.volumes | {temporary: "/tmp", artifacts: "/minio"}
            done = self.start(container["image"], words, volumes)
            for path in paths(makes) if done.returncode == 0 else []:
                if (artifacts / path).exists():  # one that holds nothing but metadata is no file
                    shutil.copytree(artifacts / path, self.bucket / path)
            if makes["parameters"] and done.returncode == 0:
                said = json.loads((temporary / METADATA).read_text(encoding="utf-8"))["parameterValues"]
                self.outputs |= {(task, name): said[name] for name in makes["parameters"]}
        return done

    def inputs(self, task: str, arguments: dict[str, str]) -> dict:
        """What the executor in the container is told of the inputs."""
        declared = self.tasks[task].get("inputs", {})
        values = {}
        for name, source in declared.get("parameters", {}).items():
            if "componentInputParameter" in source:
                values[name] = arguments[source["componentInputParameter"]]
            else:
                of = source["taskOutputParameter"]
                values[name] = self.outputs[of["producerTask"], of["outputParameterKey"]]
        artifacts = {}
        for name, source in declared.get("artifacts", {}).items():
            of = source["taskOutputArtifact"]
            artifacts[name] = self.artifact(of["producerTask"], of["outputArtifactKey"])
        return {"parameterValues": values, "artifacts": artifacts}

    def outputs_of(self, task: str) -> dict:
        """What the executor in the container is told of the outputs."""
        declared = self.component_of(task).get("outputDefinitions", {})
        return {
            "parameters": {name: {"outputFile": f"/tmp/{OUTPUTS}/{name}"} for name in declared.get("parameters", {})},
            "artifacts": {name: self.artifact(task, name) for name in declared.get("artifacts", {})},
            "outputFile": f"/tmp/{METADATA}",
        }

    def artifact(self, task: str, name: str) -> dict:
        """An artifact that a step makes."""
        kind = self.component_of(task)["outputDefinitions"]["artifacts"][name]["artifactType"]
        return {"artifacts": [{"name": name, "type": kind, "uri": f"{BUCKET}/{task}/{name}", "metadata": {}}]}

    def start(self, image: str, words: list[str], volumes: dict[Path, str]) -> subprocess.CompletedProcess[str]:
        """Run these words in a new container of the image, as a pod would."""
        name = self.images.buildah("from", "--pull-never", full_name(image))
        try:
            inside = [
                *("run", "--isolation=chroot", *(f"--volume={source}:{place}" for source, place in volumes.items())),
                *(name, "--"),
            ]
            self.images.buildah(*inside, "true")  # makes the folders to mount on, while they can be made
            alone = ["unshare", "--net", "--mount", "sh", "-c", READ_ONLY, self.images.buildah("mount", name)]
            return subprocess.run(
                [*alone, *self.images.command, *inside, *words],
                env=self.images.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
            )
        finally:
            self.images.buildah("rm", name)


def paths(told: dict) -> list[Path]:
    """Where the artifacts of the inputs or outputs are, in the bucket and below /minio."""
    return [Path(one["artifacts"][0]["uri"].removeprefix("minio://")) for one in told["artifacts"].values()]


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder to which every user may write."""
    with tempfile.TemporaryDirectory() as folder:
        open_to_all(Path(folder))
        yield Path(folder)


def open_to_all(folder: Path) -> None:
    """Let every user write to this folder and all below it: the one in the container is not the one here."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)
