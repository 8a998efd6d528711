"""Which rows are held out: the newest, or those that their key or their content puts there, whatever else is there."""

import pandas as pd
import pytest
from conftest import make_settings

from {{cookiecutter.project_slug}}.core.split import place, places_of, split, texts
from {{cookiecutter.project_slug}}.errors import ProjectError

BY_KEY, BY_CONTENT = {"key": "order"}, {"drop": ["order"]}


def held_out(table: pd.DataFrame, data: dict, **sections: dict) -> list[str]:
    """The orders that are held out."""
    return sorted(split(table, make_settings(data=data, **sections))[1]["order"])


def test_the_newest_rows_are_held_out_and_the_test_rows_are_never_trained_on(orders):
    older, newer = split(orders, make_settings(data={"time": "day"}))
    assert len(newer) == 50 and older["day"].max() < newer["day"].min()


@pytest.mark.parametrize("data", [BY_KEY, BY_CONTENT], ids=["key", "content"])
def test_a_row_stays_on_its_side_when_others_come_and_go_and_with_any_seed(orders, data):
    known = held_out(orders, data)
    assert 30 < len(known) < 70
    some = orders.sample(frac=0.6, random_state=1)
    assert held_out(some, data) == [order for order in known if order in set(some["order"])]
    assert held_out(orders[list(orders)[::-1]], data, model={"seed": 7}) == known


def test_a_larger_share_only_adds_to_what_is_held_out(orders):
    shares = [set(held_out(orders, BY_KEY, evaluation={"held_out": share})) for share in (0.1, 0.3, 0.6)]
    assert shares[0] < shares[1] < shares[2]


def test_rows_of_one_key_are_on_one_side(orders):
    orders["order"] = [f"A{n % 60}" for n in range(200)]
    older, newer = split(orders, make_settings(data=BY_KEY))
    assert not set(older["order"]) & set(newer["order"]) and len(older) + len(newer) == 200


def test_rows_that_are_alike_are_told_apart_by_counting_them(orders):
    few = orders[["shop", "returned"]].fillna("none").iloc[[0, 1, 5] * 100].reset_index(drop=True)
    settings = make_settings(target={"positive": few["returned"][0]})
    _, newer = split(few, settings)
    assert 45 < len(newer) < 105 and len(newer.drop_duplicates()) == len(few.drop_duplicates())
    assert sorted(split(few.sample(frac=1), settings)[1].value_counts()) == sorted(newer.value_counts())


def test_a_place_follows_from_the_text_alone_for_ever():
    assert [place(text) for text in ("", "C00000", "ü", "\ud800")] == [
        0.8931675160897363,
        0.4973178996522485,
        0.3357180333125349,
        0.25794173743860327,
    ]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.Series([1, 2**62 + 1]), ["1", "4611686018427387905"]),
        (pd.Series([1, None], dtype="Int64"), ["1", ""]),
        (pd.Series([1.0, 0.1, -0.0, None]), ["1", "0.1", "0", ""]),
        (pd.Series([True, False]), ["True", "False"]),
        (pd.Series([True, None], dtype="boolean"), ["True", ""]),
        (pd.Series(["007", "", None], dtype="str"), ["007", "", ""]),
        (pd.Series(pd.to_datetime(["2024-01-31", None])), ["2024-01-31T00:00:00.000000", ""]),
    ],
)
def test_values_have_one_text_whichever_dtype_holds_them(column, said):
    assert texts(column) == said


def test_the_oldest_rows_are_not_held_out_where_there_are_later_ones(orders):
    older, newer = split(orders.assign(day=[1] * 180 + [2] * 20), make_settings(data={"time": "day"}))
    assert len(older) == 180 and len(newer) == 20


def test_a_split_by_time_that_cannot_be_tested_is_refused(orders):
    orders["returned"] = ["yes"] * 100 + ["no"] * 100
    with pytest.raises(ProjectError, match=r"No row with 'returned' yes is held out.* Empty data\.time"):
        split(orders, make_settings(data={"time": "day"}))


def test_a_class_that_is_missing_on_one_side_is_named_with_the_share_that_would_mend_it(orders):
    places = places_of(orders, "order", [])
    orders["returned"] = ["yes" if where >= 0.4 and row % 2 else "no" for row, where in enumerate(places)]
    with pytest.raises(ProjectError, match=r"No row with 'returned' yes is held out.*held_out to ([0-9.]+)\.") as error:
        split(orders, make_settings(data=BY_KEY))
    share = float(str(error.value).partition("held_out to ")[2].partition(". ")[0])
    assert 0.4 < share < 0.5
    split(orders, make_settings(data=BY_KEY, evaluation={"held_out": share}))


def test_a_key_that_puts_all_on_one_side_is_refused(orders):
    with pytest.raises(ProjectError, match="No share of rows"):
        split(orders.assign(order="A"), make_settings(data=BY_KEY))
