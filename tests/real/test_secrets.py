"""No secret of an address is kept, named, printed or shown in a list of processes, whatever goes well or wrong.

The server is one of this machine; all else is real: the commands, kfp's own runner, MLflow and its database.
"""

import gzip
import http.server
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from support import configure, own_environment, run

pytestmark = pytest.mark.real
SECRET = "hidden-5f1c9e"
# As S3 presigns: longer than any file name may be.
QUERY = f"?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token={SECRET * 30}&X-Amz-Signature={SECRET}"
NOT_OURS = {".venv", ".git", "params.yaml"}


@pytest.fixture
def store(tmp_path) -> Iterator[str]:
    """The address of a server that gives the files of tmp_path/store to who knows the signature, and hates HEAD."""
    folder = tmp_path / "store"
    folder.mkdir()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(403)  # a presigned address is valid for one method

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            known = parse_qs(url.query).get("X-Amz-Signature") == [SECRET]
            file = folder / url.path.lstrip("/")
            if url.path == "/moved":
                self.send_response(302)
                self.send_header("Location", f"/500{QUERY}")
                self.end_headers()
            elif url.path.lstrip("/").isdigit() or not known or not file.exists():
                self.send_error(int(url.path[1:]) if url.path[1:].isdigit() else 404 if known else 403)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(file.stat().st_size))
                self.end_headers()
                self.wfile.write(file.read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Project:
    """A project under version control, with a remote that has a token, and all that its commands have printed."""

    def __init__(self, folder: Path, elsewhere: Path) -> None:
        self.folder, self.said = folder, ""
        self.variables = {"HOME": str(elsewhere / "home"), "TMPDIR": str(elsewhere / "temporary")}
        for path in self.variables.values():
            Path(path).mkdir()
        run("git", "init", "-q", cwd=folder)
        run("git", "remote", "add", "origin", f"https://x-access-token:{SECRET}@github.com/our-org/it.git", cwd=folder)
        run("git", "add", "src", cwd=folder)
        run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "first", cwd=folder)

    def reads(self, uri: str, **data: object) -> None:
        """Let params.yaml say where the table is."""
        configure(self.folder, data={"uri": uri, "drop": ["customer_id"], "time": "month"} | data)

    def call(self, *words: str, fails: bool = False, **variables: str) -> str:
        """What a command prints, which succeeds or fails as expected, and never with a traceback."""
        command = [self.folder / ".venv/bin/my_ml_project", *words]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=own_environment() | self.variables | variables,
            input="y\n",
            capture_output=True,
            encoding="utf-8",
        )
        said = done.stdout + done.stderr
        self.said += said
        assert bool(done.returncode) == fails and "Traceback" not in said, said
        return said


@contextmanager
def watched_processes() -> Iterator[None]:
    """Look at the command line of every process again and again; at the end none has shown the secret."""
    seen, over = set(), threading.Event()

    def watch() -> None:
        while not over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes()
                except OSError:
                    continue
                if SECRET.encode() in line:
                    seen.add(line)
            time.sleep(0.05)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
    assert not seen


def leaks(*folders: Path) -> list[str]:
    """The files below these folders with the secret in their name or content, packed ones unpacked."""
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            inside = path.relative_to(folder)
            if inside.parts[0] in NOT_OURS or not path.is_file():
                continue
            content = path.read_bytes()
            content += gzip.decompress(content) if path.suffix == ".gz" else b""
            if SECRET.encode() in content or SECRET in str(inside):
                found.append(str(inside))
    return found


def go_wrong(project: Project, store: str) -> None:
    """All ways in which a table cannot be had, or does not fit; each is said by its cause."""
    refusals = {"/403": "403, m", "/500": "500, m", "/404": "404, m", "/moved": "500, m", "/a table.csv": "blanks"}
    for path, said in refusals.items():
        project.reads(f"{store}{path}{QUERY}")
        assert said in project.call("data", fails=True)
    project.reads(f"{store}/table.csv{QUERY.replace('Signature=', 'Signature=wrong')}")
    assert "403, m" in project.call("data", fails=True)
    project.reads(f"http://127.0.0.1:1/table.csv{QUERY}")  # nobody listens there
    assert "cannot be read" in project.call("data", fails=True)
    project.reads(f"{store}/table.csv{QUERY}", sha256="0" * 64)
    assert "is not the content" in project.call("data", fails=True)
    project.reads(f"{store}/strange.csv{QUERY}")
    assert "column region" in project.call("data", fails=True)
    project.reads(f"{store}/cut.csv{QUERY}", read={"encoding": "utf-8"})
    assert "cut off" in project.call("data", fails=True)
    project.reads(store.replace("://", f"://me:{SECRET}@") + "/table.csv")
    assert "there is an account in it" in project.call("data", fails=True)
    project.reads(f"{store}/table.csv", read={"storage_options": {"token": SECRET}})
    assert "storage_options does not say how" in project.call("data", fails=True)
    project.reads(f"{store}/table.csv{QUERY}")


@pytest.fixture
def tables(tmp_path, store, baked) -> None:
    """What the store holds: the sample, one that does not fit, and one that is cut off."""
    sample = (baked(maturity_level="1") / "data/customers.csv").read_text("utf-8")
    for name, content in {
        "table.csv": sample,
        "strange.csv": sample.replace(",east,", ",moon,"),
        "cut.csv": sample[:-20],
    }.items():
        (tmp_path / "store" / name).write_text(content, encoding="utf-8")


def test_level_1_keeps_shows_and_names_no_secret(copied, store, tables, tmp_path):
    project = Project(copied, tmp_path)
    shutil.rmtree(project.folder / "releases")
    (project.folder / "deploy/release.yaml").unlink()
    with watched_processes():
        project.reads(f"{store}/table.csv{QUERY}")
        for words in (["data"], ["train", "--note", "by a presigned address"], ["evaluate"], ["publish"], ["released"]):
            project.call(*words)
        go_wrong(project, store)
        configure(project.folder, state={"releases": f"s3://AKIA:{SECRET}@bucket/releases"})
        assert "state.releases: there is an account" in project.call("publish", fails=True)
    configure(project.folder, state={})
    project.call("predict", f"{store}/table.csv{QUERY}")  # typed by a person, in a command line of theirs
    project.call("predict", f"{store}/403{QUERY}", fails=True)
    assert f"{store}/table.csv" in project.said and SECRET not in project.said
    assert leaks(project.folder, *map(Path, project.variables.values())) == []


def test_level_2_keeps_shows_and_names_no_secret(copied_2, store, tables, tmp_path):
    project = Project(copied_2, tmp_path)
    with watched_processes():
        project.reads(f"{store}/table.csv{QUERY}")
        project.call("data")
        assert "is version 1" in project.call("train", "--if-new")
        assert "Nothing new" in project.call("train", "--if-new")
        for words in (["release"], ["report"], ["reproduce"], ["released"], ["publish"]):
            project.call(*words)
        for table, said in {"500": "500, m", "strange.csv": "column region", "cut.csv": "cut off"}.items():
            project.reads(f"{store}/{table}{QUERY}")
            assert said in project.call("train", fails=True)
        assert len(list(project.folder.glob("data/checked/quarantine/*/report.txt"))) == 2
        project.reads(f"{store}/table.csv{QUERY}")
        break_a_step(project)
        assert "A step of the pipeline failed" in project.call("train", fails=True)
        assert "let a schedule call" in project.call("watch", fails=True)
        shared = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}
        cluster = ("--host", f"http://me:{SECRET}@127.0.0.1:1")
        assert "a query behind it" in project.call("pipeline", "submit", "--host", "http://h", fails=True, **shared)
        assert "a query behind it" in project.call("pipeline", "schedule", "--host", "http://h", fails=True, **shared)
        for server in (
            f"postgresql://me:{SECRET}@127.0.0.1/db",
            f"http://me:{SECRET}@127.0.0.1:1",
            f"http://h/?{SECRET}",
        ):
            project.call("report", fails=True, MLFLOW_TRACKING_URI=server)
    project.reads("https://data.example.com/table.csv")
    said = project.call("pipeline", "submit", *cluster, fails=True, **shared)  # typed by a person
    assert "Kubeflow Pipelines at http://127.0.0.1:1 cannot be used" in said
    assert f"{store}/table.csv" in project.said and SECRET not in project.said
    assert leaks(project.folder, *map(Path, project.variables.values())) == []


def break_a_step(project: Project) -> None:
    """Put a mistake into the code that the steps run; the traceback goes to their log."""
    path = project.folder / "src/my_ml_project/candidates/comparison.py"
    path.write_text(path.read_text("utf-8") + "\nraise RuntimeError('a bug')\n", encoding="utf-8")
