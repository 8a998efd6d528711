"""How dates are written: as ISO 8601 says, or in one of the forms that people use."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

DAYS = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y"),
)
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
FORMATS: list[str | None] = [None, *(day + time for time in TIMES for day in DAYS)]  # None: ISO 8601
MEND = "Write dates like 2024-12-31, or say how they are written: data.read.date_format in params.yaml."
SAMPLE = 500  # texts by which the forms are told that a column cannot be in


class UnclearError(ValueError):
    """Texts that are no dates, or that are one date in one form and another in another."""


def read_date(text: str, form: str | None = None) -> datetime:
    """The moment that this text says in ISO 8601, or else in this form: in UTC, which is not said any more.

    What names no time zone is taken as UTC, a month for its first day, a year for its first month. Raises ValueError
    where it is in neither form.
    """
    try:
        moment = read_exactly(text, None)
    except ValueError:
        if form is None:
            raise
        moment = read_exactly(text, form)
    return moment


def read_exactly(text: str, form: str | None) -> datetime:
    """The same, in this form alone."""
    text = text.strip()
    if form is not None:
        moment = datetime.strptime(text, form)
    elif re.fullmatch(r"\d{4}(-\d\d)?", text, re.ASCII):
        moment = datetime.fromisoformat(f"{text}-01-01"[: len("2000-01-01")])
    else:
        moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def readings(texts: Collection[str], form: str | None) -> dict[str, datetime]:
    """What those of the texts say that are dates in exactly this form."""
    read = {}
    for text in texts:
        try:
            read[text] = read_exactly(text, form)
        except (ValueError, OverflowError):  # the latter: a day of the year 1, in another time zone
            continue
    return read


def is_date(text: str, form: str | None) -> bool:
    """Whether the text is a date in exactly this form."""
    return bool(readings([text], form))


def form_of(texts: Iterable[str], day_first: bool = False, forms: Sequence[str | None] = FORMATS) -> str | None:
    """The form in which most of the texts are dates; None is ISO 8601.

    day_first: which one it is where day and month could change places. Raises UnclearError where there is none, or
    where two forms read as many, and not alike.
    """
    often = Counter(texts)
    different = sorted(often)
    candidates = best(different[:: len(different) // SAMPLE + 1], forms, often)
    if len(candidates) > 1:
        candidates = best(different, candidates, often)
    if not candidates:
        raise UnclearError("does not hold dates in one known form")
    first, *others = (readings(different, form) for form in candidates)
    if all(read == first for read in others):
        return candidates[0]
    if not any(read[text] != first[text] for read in others for text in read.keys() & first.keys()):
        raise UnclearError("does not hold dates in one known form")
    if day_first:
        return next(form for form in candidates if form and form.startswith("%d"))
    raise UnclearError("can be read as day/month and as month/day")


def best(texts: Collection[str], forms: Iterable[str | None], often: Mapping[str, int]) -> list[str | None]:
    """The forms in which most texts are dates; none where no text is one in any. often: how often each text counts."""
    counts = {form: sum(often[text] for text in readings(texts, form)) for form in forms}
    most = max(counts.values(), default=0)
    return [form for form, count in counts.items() if count == most > 0]
