"""From each level to each, over projects that people have worked in: nothing of theirs is lost."""

import itertools
import os
import random
import shutil
from pathlib import Path

import merging
import planning
import pytest
import recorded_base
from recorded_base import Tree
from support import BUILT, volume
from upgrading import everything, kept_before, times

PAIRS = list(itertools.product(BUILT, BUILT))
WORKS = range(volume(5))  # different works of different people


@pytest.fixture(scope="module")
def trees(baked) -> dict[str, Tree]:
    """What the template writes at each level."""
    return {
        level: recorded_base.unpack((baked(maturity_level=level) / recorded_base.BASE).read_bytes()) for level in BUILT
    }


@pytest.fixture
def project(baked, tmp_path, monkeypatch):
    """project(level): a project of that level to work in; nothing waits for the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return lambda level: Path(shutil.copytree(baked(maturity_level=level), tmp_path / "my_ml_project"))


@pytest.mark.parametrize(("before", "now"), PAIRS)
def test_an_untouched_project_becomes_the_fresh_one(baked, project, trees, run_template, before, now):
    made = project(before)
    run_template(made, trees[now], maturity_level=now, _down="yes")
    assert everything(made) == everything(baked(maturity_level=now))
    assert modes(made) == modes(baked(maturity_level=now))
    assert not [folder for folder in made.rglob("*") if folder.is_dir() and not any(folder.iterdir())]


def modes(folder: Path) -> dict[str, int]:
    return {path: (folder / path).stat().st_mode for path in everything(folder)}


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize(("before", "now"), PAIRS)
def test_no_byte_of_the_user_is_lost_and_the_same_again_does_nothing(project, trees, run_template, before, now, work):
    made, chance = project(before), random.Random(f"{before} {now} {work}")
    let_people_work(made, chance, trees[now])
    mine, links = contents(made), links_in(made)
    run_template(made, trees[now], maturity_level=now, _down="yes")
    assert {path: path.readlink() for path in links} == links
    for path, data in mine.items():
        check(path, data, trees[before].get(path), trees[now].get(path), made)
    for path in trees[now].keys() - mine.keys():
        absent_before = path in trees[before]
        assert (made / path).exists() != absent_before or blocked(made, path) or homeless(path, mine, trees[before])
    after = times(made)
    run_template(made, trees[now], maturity_level=now, _down="yes")
    assert times(made) == after


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize(("before", "now"), PAIRS)
def test_undone_after_later_work_all_is_as_before_but_for_that_work(project, trees, run_template, before, now, work):
    made, chance = project(before), random.Random(f"undo {before} {now} {work}")
    let_people_work(made, chance, trees[now])
    first, record = contents(made), (made / recorded_base.BASE).read_bytes()
    run_template(made, trees[now], maturity_level=now, _down="yes")
    if (made / recorded_base.BASE).read_bytes() == record:
        assert before == now  # there is nothing to undo
        return
    upgraded = contents(made)
    let_people_work(made, chance, trees[now])
    later, links, folders = contents(made), links_in(made), empty_folders(made)
    run_template(made, {}, _undo="yes")
    undone = contents(made)
    for path in first.keys() | upgraded.keys() | later.keys() | undone.keys():
        changed_since = later.get(path) != upgraded.get(path) or blocked(made, path)
        assert undone.get(path) == (later if changed_since else first).get(path), path
    assert links_in(made) == links and empty_folders(made) <= folders
    assert (made / recorded_base.BASE).read_bytes() == record


def let_people_work(made: Path, chance: random.Random, now: Tree) -> None:
    for _ in range(chance.randint(1, 12)):
        chance.choice(WORK)(made, chance, now)


def links_in(folder: Path) -> dict[Path, Path]:
    return {path: path.readlink() for path in folder.rglob("*") if path.is_symlink()}


def empty_folders(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())}


def homeless(path: str, mine: dict[str, bytes], base: Tree) -> bool:
    """Whether the user has removed all that the template had in one of the folders above a path."""
    folders = [f"{folder.as_posix()}/" for folder in Path(path).parents[:-1]]
    filled = [folder for folder in folders if any(one.startswith(folder) for one in base)]
    return any(not any(one.startswith(folder) for one in mine.keys() & base.keys()) for folder in filled)


def contents(folder: Path) -> dict[str, bytes]:
    """The regular files of a project, but for the template's record."""
    found = {path: data for path, data in everything(folder).items() if not path.startswith(".mlops-template/")}
    return {path: data for path, data in found.items() if not (folder / path).is_symlink()}


def check(path: str, mine: bytes, base: bytes | None, now: bytes | None, made: Path) -> None:
    """One file of the user: where it was edited, it is there as it was, or merged with every line that is theirs."""
    there = (made / path).read_bytes() if (made / path).is_file() else None
    if base is not None and merging.same_text(mine, base):
        wanted = now and merging.with_line_ends_of(mine, now)
        assert there in (wanted, mine), path
    elif there != mine:
        assert kept_before(made)[path] == mine, path
        own = set(merging.lines_of(merging.unix_lines(mine))) - set(merging.lines_of(base if base else b""))
        assert {line.rstrip(b"\n") for line in own} <= set(merging.unix_lines(there).split(b"\n")), path


def blocked(made: Path, path: str) -> bool:
    """Whether something of the user's is in the way of a path."""
    return isinstance(planning.look(made, path), planning.Obstacle)


def some_file(made: Path, chance: random.Random) -> Path | None:
    files = [made / path for path in sorted(contents(made))]
    return chance.choice(files) if files else None


def edit(made: Path, chance: random.Random, _: Tree) -> None:
    path = some_file(made, chance)
    lines = path.read_bytes().split(b"\n")
    at = chance.randrange(len(lines))
    lines[at : at + chance.randint(0, 2)] = [b"edited %d" % chance.randint(0, 99) for _ in range(chance.randint(0, 2))]
    path.write_bytes(b"\n".join(lines))


def append(made: Path, chance: random.Random, _: Tree) -> None:
    with some_file(made, chance).open("ab") as file:
        file.write("mein Zusatz: äöü\n".encode())


def delete(made: Path, chance: random.Random, _: Tree) -> None:
    some_file(made, chance).unlink()


def delete_folder(made: Path, chance: random.Random, _: Tree) -> None:
    if folders := sorted({path.parent for path in map(made.joinpath, contents(made))} - {made}):
        shutil.rmtree(chance.choice(folders))


def rename(made: Path, chance: random.Random, _: Tree) -> None:
    path = some_file(made, chance)
    path.rename(path.with_name(f"renamed {chance.randint(0, 9)} é {path.name}"))


def add(made: Path, chance: random.Random, _: Tree) -> None:
    (made / "mein Ordner").mkdir(exist_ok=True)
    (made / f"mein Ordner/データ {chance.randint(0, 9)}").write_bytes(chance.randbytes(20))


def add_where_the_template_will(made: Path, chance: random.Random, now: Tree) -> None:
    path = made / chance.choice(sorted(now))
    if not path.exists() and not blocked(made, path.relative_to(made).as_posix()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("my own\nlines\n")


def use_windows_line_ends(made: Path, chance: random.Random, _: Tree) -> None:
    path = some_file(made, chance)
    path.write_bytes(merging.unix_lines(path.read_bytes()).replace(b"\n", b"\r\n"))


def make_executable(made: Path, chance: random.Random, _: Tree) -> None:
    some_file(made, chance).chmod(0o755)


def link(made: Path, chance: random.Random, _: Tree) -> None:
    path = some_file(made, chance)
    path.unlink()
    path.symlink_to(chance.choice(["README.md", "nowhere", "/etc/hostname"]))


def put_a_folder_in_the_way(made: Path, chance: random.Random, _: Tree) -> None:
    path = some_file(made, chance)
    path.unlink()
    path.mkdir()
    (path / "mine").write_text("mine")


def make_binary(made: Path, chance: random.Random, _: Tree) -> None:
    path = some_file(made, chance)
    path.write_bytes(b"\0" + path.read_bytes())


WORK = [
    *(edit, append, delete, delete_folder, rename, add, add_where_the_template_will),
    *(use_windows_line_ends, make_executable, link, put_a_folder_in_the_way, make_binary),
]
