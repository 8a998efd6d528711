"""What was typed to start cookiecutter, which drops the words it does not know and tells its hooks nothing of the rest.

It is read from the process that runs the hook. Where that cannot be seen (Windows, or a program that uses cookiecutter
as a library) nothing is known, and nobody may take it for a wish.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SHORT = {"c": "--checkout", "f": "--overwrite-if-exists", "l": "--list-installed", "o": "--output-dir"}
SHORT |= {"s": "--skip-if-file-exists", "v": "--verbose", "V": "--version"}
WITH_VALUE = set("--checkout --directory --output-dir --config-file --replay-file --debug-file --accept-hooks".split())


@dataclass(frozen=True)
class Typed:
    """The answers given as words, key=value, and the options by their long names."""

    answers: dict[str, str]
    options: dict[str, str]


def typed(given: dict) -> Typed | None:
    """What was typed, seeing these answers; None if that cannot be seen."""
    exact = words_of(os.getppid())
    words = after_the_program(told_by_ps(os.getppid()) if exact is None else exact)
    if words is None:
        return None
    found = parse(words)
    return found if exact else Typed(without_parts_of_texts(found.answers, given), found.options)


def words_of(process: int) -> list[str] | None:
    """The words that started a process; None if the system does not tell."""
    try:
        return os.fsdecode(Path(f"/proc/{process}/cmdline").read_bytes()).split("\0")[:-1]
    except OSError:
        return None


def told_by_ps(process: int) -> list[str]:
    """The same where there is only ps, as on macOS, which does not tell a blank in a word from one between two."""
    try:
        told = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(process)], capture_output=True, text=True)
        return told.stdout.split()
    except OSError:
        return []


def without_parts_of_texts(answers: dict[str, str], given: dict) -> dict[str, str]:
    """Of these words those that stand by themselves, and are not part of an answer of several words."""
    texts = [str(value) for value in given.values() if " " in str(value)]
    return {
        key: value
        for key, value in answers.items()
        if given.get(key, value).startswith(value) and not any(f"{key}={value}" in text for text in texts)
    }


def after_the_program(words: list[str]) -> list[str] | None:
    """What follows `cookiecutter`, or `python -m cookiecutter`; None if that is not the program."""
    rest = list(words)
    if rest and Path(rest[0]).stem.lower().startswith(("python", "pypy")):
        rest.pop(0)
        while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c"):
            del rest[: 2 if rest[0] in ("-X", "-W") else 1]
        if rest and rest[0] == "-m":
            rest.pop(0)
    return rest[1:] if rest and Path(rest[0]).stem == "cookiecutter" else None


def parse(words: list[str]) -> Typed:
    """The answers and options among these words, as cookiecutter reads them."""
    options: dict[str, str] = {}
    plain: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            plain += rest
            break
        if word.startswith("--"):
            name, given, value = word.partition("=")
            options[name] = value if given or name not in WITH_VALUE or not rest else rest.pop(0)
        elif word.startswith("-") and len(word) > 1:
            options |= short_options(word[1:], rest)
        else:
            plain.append(word)
    return Typed(dict(word.split("=", 1) for word in plain[1:] if "=" in word), options)  # the first is the template


def short_options(letters: str, rest: list[str]) -> dict[str, str]:
    """Options of one letter, several in a word; the value of the last is in the same word or in the next."""
    options = {}
    for at, letter in enumerate(letters):
        name = SHORT.get(letter, f"-{letter}")
        if name in WITH_VALUE:
            value = letters[at + 1 :].removeprefix("=") or (rest.pop(0) if rest else "")
            return options | {name: value}
        options[name] = ""
    return options
