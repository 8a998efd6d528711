"""Real NTFS and exFAT: file systems that know no modes, where every file looks executable. A project is made, killed,
put back, upgraded and undone there, and made from a template that lies there.

They are mounted from an image where the machine can do that. Where it cannot, tests/upgrade/test_recovery.py lets the
calls fail that fail there.
"""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import journal
import pytest
import recovery
from support import files_below, generate, run, tool
from upgrading import everything, start, wait_until_it_writes

pytestmark = pytest.mark.real


def mount_ntfs(image: Path, folder: Path) -> bool:
    run(tool("mkntfs"), "--fast", "--force", "--quiet", image, cwd=folder)
    return run(tool("ntfs-3g"), image, folder, cwd=folder, check=False).returncode == 0


def mount_exfat(image: Path, folder: Path) -> bool:
    mount = tool("mount.exfat-fuse")
    run(tool("mkfs.exfat"), image, cwd=folder)
    device = run(tool("losetup"), "--find", "--show", image, cwd=folder, check=False)
    if device.returncode:
        return False
    mounted = run(mount, device.stdout.strip(), folder, cwd=folder, check=False).returncode == 0
    run("losetup", "--detach", device.stdout.strip(), cwd=folder, check=False)  # at once, or when it is unmounted
    return mounted


@pytest.fixture(params=["ntfs", "exfat"])
def file_system(request, tmp_path, monkeypatch):
    """A folder on such a file system, with the temporary folder there, too."""
    image, folder = tmp_path / "image", tmp_path / "mounted"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(100 * 2**20)
    if not {"ntfs": mount_ntfs, "exfat": mount_exfat}[request.param](image, folder):
        pytest.skip("this machine mounts no file system of an image: tests/upgrade/test_recovery.py emulates it")
    (folder / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    subprocess.run(["umount", folder], check=True)


def content(project: Path) -> dict[str, bytes]:
    return {path: data for path, data in everything(project).items() if path != journal.JOURNAL}


def kill_while_it_writes(template: Path, project: Path) -> None:
    """Kill an upgrade when it has changed some of the files."""
    before = content(project)
    for attempt in range(20):
        process = start(template, project.parent, "1")
        wait_until_it_writes(process, project)
        time.sleep(0.005 * attempt)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if content(project) != before:
            if (project / journal.JOURNAL).is_file():
                return
            generate(template, project.parent, "-f", "--no-input", _undo="yes")  # it was quicker
        recovery.recover(project)  # of a run that had begun, and not yet changed anything
    pytest.fail("no run was killed while it wrote")


def test_a_project_lives_there(file_system, template, baked):
    project = file_system / "my_ml_project"
    generate(template, file_system, "--no-input")
    assert project.joinpath("README.md").stat().st_mode & stat.S_IXUSR  # as every file there
    assert files_below(project) == files_below(baked())
    (project / "README.md").write_text("# Mine\n" + (project / "README.md").read_text("utf-8"), encoding="utf-8")
    before = content(project)

    kill_while_it_writes(template, project)
    assert (project / journal.JOURNAL).is_file()
    dry = generate(template, file_system, "-f", "--no-input", maturity_level="1", _dry_run="yes")
    assert "An earlier run was cut short. What it had changed is put back first" in dry.stdout
    same = generate(template, file_system, "-f", "--no-input", maturity_level="0")
    assert "was put back first" in same.stdout and "Nothing to change." in same.stdout
    assert content(project) == before

    generate(template, file_system, "-f", "--no-input", maturity_level="1")
    fresh = files_below(baked(maturity_level="1"))
    assert {path for path, data in content(project).items() if data != fresh.get(path)} == {"README.md"}
    (project / "Makefile").write_text("# mine\n")
    undone = generate(template, file_system, "-f", "--no-input", _undo="yes")
    assert "kept            Makefile" in undone.stdout
    assert content(project) == before | {"Makefile": b"# mine\n"}


def test_a_template_that_lies_there_makes_nothing_executable(file_system, template, baked, tmp_path):
    shutil.copytree(template, file_system / "mlops-template", copy_function=shutil.copyfile)
    made = tmp_path / "made"
    generate(file_system / "mlops-template", made, "--no-input", maturity_level="1")
    assert files_below(made / "my_ml_project") == files_below(baked(maturity_level="1"))
    assert not [path for path in made.rglob("*") if path.is_file() and path.stat().st_mode & stat.S_IXUSR]


def test_a_volume_on_one_folder_of_the_project(template, baked, tmp_path):
    """As in a container whose notebooks, or data, are mounted from elsewhere."""
    project = Path(shutil.copytree(baked(), tmp_path / "my_ml_project"))
    within = shutil.copytree(project / "notebooks", tmp_path / "notebooks")
    if run("mount", "-t", "tmpfs", "none", project / "notebooks", cwd=tmp_path, check=False).returncode:
        pytest.skip("this machine mounts nothing: tests/upgrade/test_recovery.py emulates it")
    try:
        shutil.copytree(within, project / "notebooks", dirs_exist_ok=True)
        before = content(project)
        generate(template, tmp_path, "-f", "--no-input", maturity_level="1")
        assert content(project) == files_below(baked(maturity_level="1"))
        generate(template, tmp_path, "-f", "--no-input", _undo="yes")
        assert content(project) == before
    finally:
        subprocess.run(["umount", project / "notebooks"], check=True)
