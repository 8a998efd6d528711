"""Which texts are dates, and of which day where day and month could change places."""

from datetime import datetime

import pytest

from {{cookiecutter.project_slug}}.core.dates import FORMATS, UnclearError, form_of, read_date, readings


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-12-31", datetime(2024, 12, 31)),
        ("2024-12", datetime(2024, 12, 1)),
        ("2024", datetime(2024, 1, 1)),
        ("2024-12-31T23:59:58", datetime(2024, 12, 31, 23, 59, 58)),
        ("2024-12-31 23:59", datetime(2024, 12, 31, 23, 59)),
        ("2024-12-31T23:59:58.123456789Z", datetime(2024, 12, 31, 23, 59, 58, 123456)),
        ("2024-12-31T23:30:00-01:00", datetime(2025, 1, 1, 0, 30)),
        (" 2024-12-31 ", datetime(2024, 12, 31)),
    ],
)
def test_iso_8601_is_read_whatever_the_format(text, moment):
    assert read_date(text) == read_date(text, "%d.%m.%Y") == moment


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["31.12.2020", "01.02.2021"], "%d.%m.%Y"),
        (["1.2.2020", "2.2.2020"], "%d.%m.%Y"),
        (["31-12-2020", "01-02-2021"], "%d-%m-%Y"),
        (["12-31-2020", "01-02-2021"], "%m-%d-%Y"),
        (["13/02/2024", "01/03/2024"], "%d/%m/%Y"),
        (["02/13/2024", "03/01/2024"], "%m/%d/%Y"),
        (["2020/12/31"], "%Y/%m/%d"),
        (["Jan 02, 2020", "May 31, 2020"], "%b %d, %Y"),
        (["May 02, 2020"], "%b %d, %Y"),
        (["2 January 2020"], "%d %B %Y"),
        (["31-Dec-2020"], "%d-%b-%Y"),
        (["31.12.2020 14:30"], "%d.%m.%Y %H:%M"),
        (["12/31/2020 02:30:15 PM"], "%m/%d/%Y %I:%M:%S %p"),
        (["2020-12-31", "2021-01-01T00:00:00Z"], None),
    ],
)
def test_the_form_is_found(texts, form):
    assert form_of(texts) == form
    assert len(readings(set(texts), form)) == len(texts)


def test_a_few_that_are_no_dates_do_not_hide_the_form_of_the_others():
    assert form_of(["31.12.2020", "30.12.2020", "soon", "2020-12-31"]) == "%d.%m.%Y"


def test_one_clear_day_among_thousands_says_what_the_others_are():
    numbers = range(1, 13)
    unclear = [f"{day:02d}/{month:02d}/{year}" for year in range(1000, 1060) for month in numbers for day in numbers]
    assert form_of([*unclear, "13/01/2024"]) == "%d/%m/%Y"
    assert form_of([*unclear, "01/13/2024"]) == "%m/%d/%Y"


@pytest.mark.parametrize("texts", [["02/03/2024"], ["02/03/2024 10:00"], ["01-02-2024"]])
def test_day_and_month_that_could_change_places_are_not_guessed(texts):
    with pytest.raises(UnclearError, match="day/month and as month/day"):
        form_of(texts)
    assert form_of(texts, day_first=True).startswith("%d")


def test_two_forms_in_equal_parts_are_none():
    with pytest.raises(UnclearError, match="in one known form"):
        form_of(["2023-01-04", "04.01.2023"])


@pytest.mark.parametrize("text", ["soon", "31.02.2024", "2024-13-01", "12", "", "0001-01-01T00:00:00+05:00"])
def test_what_is_no_date_is_none(text):
    assert not any(readings([text], form) for form in FORMATS)
    with pytest.raises(UnclearError, match="in one known form"):
        form_of([text])
