"""Merge one file: from what the template wrote last time, what the user made of it and what the template writes now."""

from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import PurePosixPath

import formats

MINE, BASE, NOW, END = b"<<<<<<< yours", b"||||||| template, last time", b"=======", b">>>>>>> template, now"
WITHOUT_MARKS = (".ipynb", ".json")  # a notebook with marks in it does not open at all
MOST_PAIRS = 10**7  # some seconds
BINARY_IN_THE_FIRST = 8000  # where git looks for a zero byte, too


def is_binary(data: bytes) -> bool:
    """Whether lines mean nothing in it."""
    return b"\0" in data[:BINARY_IN_THE_FIRST]


def unix_lines(data: bytes) -> bytes:
    """Text with the line ends of Unix; anything else as it is."""
    return data if is_binary(data) else data.replace(b"\r\n", b"\n")


def with_line_ends_of(model: bytes, data: bytes) -> bytes:
    """Text with the line ends that most lines of the model have."""
    if is_binary(data) or is_binary(model) or model.count(b"\r\n") * 2 <= model.count(b"\n"):
        return data
    return unix_lines(data).replace(b"\n", b"\r\n")


def same_text(one: bytes, other: bytes) -> bool:
    """Whether two files differ in their line ends at most."""
    return unix_lines(one) == unix_lines(other)


def merge(path: str, base: bytes, mine: bytes, theirs: bytes) -> tuple[bytes, bool] | None:
    """The merged file in the line ends of mine, and whether it holds conflict marks.

    None if lines mean nothing in the file, and for JSON and notebooks if there is a conflict or no JSON comes out. What
    can be read in its format before, but not afterwards, is a conflict: of all changes, as it takes two to clash.
    """
    if any(map(is_binary, (base, mine, theirs))) or max(pairs(base, mine), pairs(base, theirs)) > MOST_PAIRS:
        return None
    merged, conflict = merge_lines(base, mine, theirs)
    breaks = is_broken(path, base, mine, theirs)
    if PurePosixPath(path).suffix.lower() in WITHOUT_MARKS:
        return None if conflict or breaks or not formats.is_json(merged) else (merged, False)
    return merge_lines(base, mine, theirs, one_sided_too=True) if breaks else (merged, conflict)


def pairs(one: bytes, other: bytes) -> int:
    """How many pairs of equal lines two texts have: what it takes to compare them."""
    theirs = Counter(other.splitlines())
    return sum(number * theirs[line] for line, number in Counter(one.splitlines()).items())


def is_broken(path: str, base: bytes, mine: bytes, theirs: bytes) -> bool:
    """Whether mine can be read, but not what its lines merge to, whichever side the conflicts are settled for.

    Changes can clash without touching: each side adds the same table to a TOML file, one at the end, one elsewhere.
    """
    if formats.problem(path, mine) is not None:
        return False
    settled = {merge_for_one(side, base, mine, theirs) for side in (1, 2)}
    return all(formats.problem(path, data) is not None for data in settled)


def merge_lines(base: bytes, mine: bytes, theirs: bytes, one_sided_too: bool = False) -> tuple[bytes, bool]:
    """Three-way merge by lines (diff3: Khanna, Kunal and Pierce, 2007), with marks like git's where it conflicts.

    one_sided_too: where only one side has changed something, there are marks as well. Taking the same side of all
    conflicts then gives the file of that side, as it was.
    """
    line_end = b"\r\n" if with_line_ends_of(mine, b"\n") == b"\r\n" else b"\n"
    merged: list[bytes] = []
    conflict = False
    for part in parts(base, mine, theirs):
        lines = undisputed(*part, one_sided_too)
        conflict = conflict or lines is None
        merged += marked(*part, line_end) if lines is None else lines
    return b"".join(merged), conflict


def merge_for_one(side: int, base: bytes, mine: bytes, theirs: bytes) -> bytes:
    """The same merge, with each conflict settled for mine (1) or theirs (2)."""
    merged: list[bytes] = []
    for part in parts(base, mine, theirs):
        lines = undisputed(*part)
        merged += part[side] if lines is None else lines
    return b"".join(merged)


def undisputed(
    base: list[bytes], mine: list[bytes], theirs: list[bytes], one_sided_too: bool = False
) -> list[bytes] | None:
    """What a part of the file becomes; None if that is for a person to say."""
    before, yours, now = ([without_return(line) for line in lines] for lines in (base, mine, theirs))
    if now == yours:
        return mine
    if one_sided_too or before not in (yours, now):
        return None
    return mine if now == before else theirs


def parts(base: bytes, mine: bytes, theirs: bytes) -> Iterator[tuple[list[bytes], list[bytes], list[bytes]]]:
    """The lines of all three, in the line ends of mine, cut where they begin or cease to agree."""
    own = [lines_of(with_line_ends_of(mine, base)), lines_of(mine), lines_of(with_line_ends_of(mine, theirs))]
    alike = [[without_return(line) for line in lines] for lines in own]
    done = (0, 0, 0)
    for start, end in stable_parts(*alike):
        for cut in (zip(own, done, start, strict=True), zip(own, start, end, strict=True)):
            before, yours, now = (lines[i:j] for lines, i, j in cut)
            yield before, yours, now
        done = end


def lines_of(data: bytes) -> list[bytes]:
    """The lines with their ends; only the last can lack one."""
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([rest] if rest else [])


def without_return(line: bytes) -> bytes:
    """The line as it would end on Unix."""
    return line[:-2] + b"\n" if line.endswith(b"\r\n") else line


def stable_parts(base: list, mine: list, theirs: list) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Where all three agree: from and to which line of base, mine and theirs. The last is their common end."""
    in_mine, in_theirs = (
        SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks() for other in (mine, theirs)
    )
    i = j = 0
    while i < len(in_mine) and j < len(in_theirs):
        one, other = in_mine[i], in_theirs[j]
        start, end = max(one.a, other.a), min(one.a + one.size, other.a + other.size)
        if start < end:
            starts = (start, start - one.a + one.b, start - other.a + other.b)
            yield starts, tuple(line + end - start for line in starts)
        if one.a + one.size < other.a + other.size:
            i += 1
        else:
            j += 1
    ends = (len(base), len(mine), len(theirs))
    yield ends, ends


def marked(base: list[bytes], mine: list[bytes], theirs: list[bytes], line_end: bytes) -> list[bytes]:
    """A conflict in diff3 style. Without a base, what both begin and end with alike stays outside the marks."""
    head = tail = 0
    if not base:
        shorter = min(len(mine), len(theirs))
        while head < shorter and mine[head] == theirs[head]:
            head += 1
        while tail < shorter - head and mine[-1 - tail] == theirs[-1 - tail]:
            tail += 1
    sides = [(MINE, mine[head : len(mine) - tail]), (BASE, base), (NOW, theirs[head : len(theirs) - tail])]
    block = mine[:head]
    for mark, lines in sides if base else sides[::2]:
        block += [mark + line_end, *(line if line.endswith(b"\n") else line + line_end for line in lines)]
    return [*block, END + line_end, *mine[len(mine) - tail :]]


def conflicts_in(data: bytes) -> int:
    """How many conflicts, as `marked` writes them, are in a file."""
    lines = [without_return(line).rstrip(b"\n") for line in lines_of(data)]
    found, wanted = 0, MINE
    for line in lines:
        if line == MINE:
            wanted = NOW
        elif line == wanted == NOW:
            wanted = END
        elif line == wanted == END:
            found, wanted = found + 1, MINE
    return found
