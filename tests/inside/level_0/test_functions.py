"""The notebook's functions, one by one: what they refuse, and what their pictures really show."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import cells
from sklearn import metrics

LOAD = cells()["load"]
HAND_OVER = cells()["hand-over"].partition("\n")[2]  # without the line that starts another Python


@pytest.fixture
def fitted(notebook):
    """The sample, split and learned from as the notebook does it."""
    table = notebook.load(notebook.DATA, notebook.TARGET, notebook.TIME, notebook.DROP)
    rows = notebook.prepare(table, notebook.TARGET, notebook.TASK, notebook.TIME, notebook.DROP, notebook.SEED)
    X_train, y_train, X_test, y_test = rows
    how = (notebook.TASK, notebook.POSITIVE, notebook.THRESHOLD, notebook.SEED)
    model, baseline = notebook.train(X_train, y_train, *how)
    return table, model, baseline, X_test, y_test


def write(folder, **columns):
    path = folder / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_a_missing_column_is_named(notebook, tmp_path):
    path = write(tmp_path, a=[1], b=[2])
    for call in ({"target": "c"}, {"target": "a", "time": "c"}, {"target": "a", "drop": ["c"]}):
        with pytest.raises(ValueError, match=r"has no column \['c'\]\. It has \['a', 'b'\]"):
            notebook.load(path, **call)


def test_a_table_of_another_make_is_read_as_told(notebook, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("größe;y\n1,5;2\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"DATA: .*table.csv cannot be read .*READ"):
        notebook.load(path, "y")
    table = notebook.load(path, "y", sep=";", decimal=",", encoding="latin-1")
    assert table.to_dict("list") == {"größe": [1.5], "y": [2]}


def test_a_file_that_is_missing_or_empty_or_runs_together_is_named(notebook, tmp_path):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "together.csv").write_text("a;y\n1;2\n")
    for name, message in [("none", "cannot be read"), ("empty", "cannot be read"), ("together", "together. Set READ")]:
        with pytest.raises(ValueError, match=rf"{name}.csv .*(?i:{message})"):
            notebook.load(tmp_path / f"{name}.csv", "y")


@pytest.mark.parametrize("drop", ["a", None, ["y"]])
def test_columns_to_drop_come_as_a_list_without_the_target(notebook, tmp_path, drop):
    with pytest.raises(ValueError, match="DROP must be a list"):
        notebook.load(write(tmp_path, a=[1], y=[2]), "y", drop=drop)


@pytest.mark.parametrize("how", [{}, {"dtype_backend": "numpy_nullable"}, {"keep_default_na": False}])
@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([True, False, None], [False, True]),
        ([0, 1, None], [0, 1]),
        (["0.0", "1.0", "1.0"], [0, 1]),
        (["no", "yes", None], ["no", "yes"]),
    ],
)
def test_the_classes_are_what_is_in_the_table_whether_it_has_gaps_or_not(notebook, tmp_path, values, classes, how):
    path = write(tmp_path, x=range(60), y=pd.Series(values * 20, dtype=object))
    table = notebook.load(path, "y", **how)
    for positive in classes:
        notebook.check(table, "y", "binary", positive)
    assert notebook.train(table[["x"]], table["y"], "multiclass")[0].classes_.tolist() == classes
    assert [type(value) for value in table["y"].unique().tolist()] == [type(classes[0])] * 2


def test_a_target_of_fractions_or_of_huge_numbers_stays_as_it_is(notebook, tmp_path):
    for values in ([0.5, 1.0], [1e300, 2.0]):
        assert list(notebook.load(write(tmp_path, y=[*values, None], x=1), "y")["y"]) == values


@pytest.mark.parametrize("kind", [float, "Float64"])
def test_infinite_values_are_named_by_their_column(notebook, kind):
    table = pd.DataFrame({"fine": [1.0, 2.0] * 9, "far": [None, np.inf] * 9, "low": [1, -np.inf] * 9}, dtype=kind)
    with pytest.raises(ValueError, match=r"\['far', 'low', 'y'\] hold infinite values. Mend them"):
        notebook.check(table.assign(y=table["far"].fillna(1)), "y", "regression")


def test_a_table_without_rows_is_refused(notebook):
    with pytest.raises(ValueError, match="no rows"):
        notebook.check(pd.DataFrame({"y": []}), "y", "regression")


def test_rows_without_target_or_time_are_left_out_and_counted(notebook, tmp_path, capsys):
    path = write(tmp_path, day=["2024-01-01", None, "2024-01-03"], y=[1, 2, None], x=[None, 1, 1])
    assert list(notebook.load(path, "y", time="day")["y"]) == [1]
    assert "2 rows without y or day are left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "task", "positive", "message"),
    [
        (["a", "b"] * 9, "clustering", None, "Choose one of .*binary.*multiclass.*regression"),
        (["a", "b"] * 9, "regression", None, "does not hold numbers"),
        (["a"] * 18, "binary", "a", "fewer than two different values"),
        ([1.5] * 18, "regression", None, "fewer than two different values"),
        ([1.5, 2.5], "regression", None, "2 rows with a known 'y' are too few"),
        ([True, False] * 9, "regression", None, "does not hold numbers"),
        (["a", "b", "c"] * 9, "binary", "a", "Set TASK = 'multiclass'"),
        (["a", "b"] * 9, "binary", "yes", "POSITIVE is 'yes', but 'y' holds"),
        ([0, 1] * 9, "binary", "1", r"POSITIVE is '1', but 'y' holds \[0, 1\]: numbers have no quotes"),
        ([0, 1] * 9, "binary", True, r"POSITIVE is True, but 'y' holds \[0, 1\]: .* True is not 1"),
        ([True, False] * 9, "binary", 1, r"POSITIVE is 1, but 'y' holds \[True, False\]"),
        ([True, False] * 9, "binary", "True", r"POSITIVE is 'True', but 'y' holds \[True, False\]"),
        ([0.5, 1] * 9, "binary", 0.5, r"'y' holds fractions.* TASK = 'regression'.* READ = .*\{'y': 'str'\}"),
        (["a"] * 18 + ["b"], "binary", "b", "'y' is b in only 1 rows, too few"),
        (list(range(20)), "multiclass", None, "set TASK = 'regression'"),
    ],
)
def test_a_target_that_does_not_fit_the_task_is_refused(notebook, values, task, positive, message):
    with pytest.raises(ValueError, match=message):
        notebook.check(pd.DataFrame({"y": values}), "y", task, positive)


@pytest.mark.parametrize(
    ("values", "task", "positive"),
    [
        (["no", "yes"] * 9, "binary", "yes"),
        ([0, 1] * 9, "binary", 1),
        ([0, 1] * 9, "binary", 1.0),
        ([True, False] * 9, "binary", True),
        (["a", "b", "c"] * 9, "multiclass", None),
        ([0.5, 1.5] * 9, "regression", None),
    ],
)
def test_a_target_that_fits_is_taken(notebook, values, task, positive):
    notebook.check(pd.DataFrame({"y": values}), "y", task, positive)


@pytest.mark.parametrize("threshold", [0, 0.0, 1, 1.0, -0.5, 50, "0.5", None, True, float("nan")])
def test_a_threshold_that_is_not_between_0_and_1_is_refused_where_it_is_used(notebook, threshold):
    table = pd.DataFrame({"y": [0, 1] * 9})
    with pytest.raises(ValueError, match=rf"THRESHOLD is {threshold!r}\. Choose a number above 0 and below 1"):
        notebook.check(table, "y", "binary", 1, threshold)
    for task in ("multiclass", "regression"):
        notebook.check(table, "y", task, None, threshold)
    for fine in (0.001, 0.5, 0.999):
        notebook.check(table, "y", "binary", 1, fine)


def test_the_notebook_stops_at_a_wrong_threshold_before_it_learns(notebook):
    with pytest.raises(ValueError, match=r"THRESHOLD is 50\."):
        exec(LOAD, vars(notebook) | {"THRESHOLD": 50})


def test_the_newest_quarter_is_held_out(notebook):
    table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=40)[::-1].astype(str), "y": range(40)})
    older, newer = notebook.split(table, "y", "regression", time="day")
    assert len(newer) == 10 and older["day"].max() < newer["day"].min()


def test_months_are_never_cut_in_two(notebook, fitted):
    table = fitted[0]
    older, newer = notebook.split(table, notebook.TARGET, notebook.TASK, notebook.TIME)
    assert not set(older["month"]) & set(newer["month"])


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2023-12-31", "2024-01-01"),
        ("2023-12", "2024-01"),
        ("2024-01-01T10:00:00+02:00", "2024-01-01T10:00:00+01:00"),
        ("2024-01-01T09:00Z", "2024-01-01 09:30:00.5"),
        ("2023-12", "2024-01-01"),
        ("2023/12/31", "2024/01/01"),
        (pd.Timestamp("2023-12-31"), pd.Timestamp("2024-01-01")),
        (pd.Timestamp("2024-01-01", tz="Asia/Tokyo"), pd.Timestamp("2024-01-01", tz="Asia/Tokyo") + pd.Timedelta("1s")),
        ("31.01.2024", "01.02.2024"),
        ("02/13/2024", "03/01/2024"),
        ("13/02/2024", "01/03/2024"),
        ("13-02-2024", "1-3-2024"),
        ("31 Jan 2024", "01 Feb 2024"),
        ("2 January 2024", "1 February 2024"),
        ("Jan 02, 2024", "Feb 1, 2024"),
        ("January 02, 2024", "February 01, 2024"),
        ("01 May 2024", "02 May 2024"),  # by its short name and by its long one
        ("May 01, 2024", "May 02, 2024"),
        (9, 10),
        (202312, 202401),
    ],
)
def test_moments_of_one_clear_form_are_put_in_order(notebook, older, newer):
    when = notebook.moments(pd.Series([newer, older]))
    assert when[0] > when[1]


DAYS = ["2024-01-31", "2024/01/31", "31.01.2024", "31/01/2024", "01/31/2024", "31-01-2024", "31 Jan 2024"]


@pytest.mark.parametrize("day", [*DAYS, "31 January 2024", "Jan 31, 2024", "January 31, 2024"])
def test_a_time_of_day_may_stand_behind_any_date(notebook, day):
    when = notebook.moments(pd.Series([day, f"{day} 00:01", f"{day} 09:59:59", f"{day} 10:00"]))
    assert list((when - when[0]) / pd.Timedelta("1s")) == [0, 60, 35999, 36000]


@pytest.mark.parametrize("text", ["02/03/2024", "02-03-2024", "02/03/2024 10:00", "31.01.2024 25:00", "week 12"])
def test_moments_that_are_unclear_are_refused_not_guessed(notebook, text):
    with pytest.raises(ValueError, match=r"TIME: 'when' .* Write dates like 2024-12-31"):
        notebook.moments(pd.Series([text, text], name="when"))


def test_without_time_a_random_quarter_is_held_out_and_the_seed_decides_which(notebook):
    table = pd.DataFrame({"y": ["a", "b"] * 50})
    one, again, other = (notebook.split(table, "y", "binary", seed=seed)[1].index for seed in (1, 1, 2))
    assert len(one) == 25 and list(one) == list(again) and list(one) != list(other)


def test_a_split_by_time_that_cannot_be_tested_is_refused(notebook):
    table = pd.DataFrame({"day": ["2024-01-01", "2024-01-02"] * 10, "y": ["a", "b"] * 10})
    with pytest.raises(ValueError, match="Set TIME = None"):
        notebook.split(table, "y", "binary", time="day")


def test_nothing_left_to_learn_from_is_refused(notebook):
    with pytest.raises(ValueError, match="shorten DROP"):
        notebook.prepare(pd.DataFrame({"x": [1], "y": [1]}), "y", "regression", drop=["x"])


def test_neither_target_nor_time_nor_dropped_columns_are_features(notebook, fitted):
    assert not set(fitted[3]) & {notebook.TARGET, notebook.TIME, *notebook.DROP}


def receive(notebook, monkeypatch):
    """What the last cell makes of the files in models/: the rows that it reads, and the answers."""
    monkeypatch.setattr(sys, "argv", ["-", str(notebook.MODEL), str(notebook.EXAMPLE)])
    names = {}
    exec(HAND_OVER, names)
    return names["rows"], names["answers"]


@pytest.mark.parametrize(
    ("written", "how"),
    [
        (["late", "", "soon", ""], {}),
        (["01234", "04567", "01234", "00012"], {"dtype": {"f": "str"}}),
        (["1234", "", "1", ""], {"dtype": {"f": "str"}}),
        (["1e5", "1", "True", "x"], {}),
        (["TRUE", "FALSE", "TRUE", ""], {}),
        (["True", "", "False", ""], {"dtype_backend": "numpy_nullable"}),
        (["2024-01-31", "2024-02-28", "2023-12-31", ""], {"parse_dates": ["f"]}),
        (["2024-01-31T10:00Z", "2024-02-28T01:00Z", "2023-12-31T12:30Z", ""], {"parse_dates": ["f"]}),
        (["3", "", "1", "2"], {}),
        (["3", "", "1", "2"], {"dtype": {"f": "Int64"}}),
        (["NA", "None", "nan", "NA"], {"keep_default_na": False}),
        (["NA", "None", "", "NA"], {"na_filter": False}),
        (['a "b"', "a,b", "{PYTHON}", "$x$"], {"dtype": {"f": "category"}}),
        (["9007199254740993", "9007199254740992", "18446744073709551615", "1"], {}),
        ([""] * 4, {}),
    ],
)
def test_the_receiver_reads_the_example_as_the_model_was_trained_and_gaps_in_any_column(
    notebook, tmp_path, monkeypatch, written, how
):
    """The last of what is written is in each row of the example; then nothing is in any."""
    lines = [f'{n},"{written[n % 3].replace(chr(34), chr(34) * 2)}",{n % 3 + n / 100}' for n in range(60)]
    last = '"{}"'.format(written[3].replace('"', '""'))
    (tmp_path / "table.csv").write_text("\n".join(["n,f,y", *lines, *[f"{n},{last},1" for n in range(60, 80)]]))
    table = notebook.load(tmp_path / "table.csv", "y", "n", **how)
    X_train, y_train, X_test, _ = notebook.prepare(table, "y", "regression", "n")
    model, _ = notebook.train(X_train, y_train, "regression")
    row = {"task": "regression", "target": "y", "positive": ""}
    notebook.save(model, X_test.tail(5), row)
    rows, answers = receive(notebook, monkeypatch)
    kinds = X_train.dtypes.replace({np.dtype("int64"): np.dtype(float), np.dtype("uint64"): np.dtype(float)})
    pd.testing.assert_frame_equal(rows, X_test.tail(5).reset_index(drop=True).astype(kinds))
    assert answers["prediction"].tolist() == model.predict(X_test.tail(5)).tolist()
    notebook.save(model, X_test.tail(5).reindex([-1]), row)
    rows, answers = receive(notebook, monkeypatch)
    assert rows.isna().all(axis=None) and np.isfinite(answers["prediction"]).all()


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("classes", [["no", "yes"], [0, 1], [False, True]])
@pytest.mark.parametrize("place", [0, 1])
def test_the_receiver_too_is_answered_by_the_threshold(notebook, monkeypatch, threshold, classes, place):
    X, positive = pd.DataFrame({"x": np.arange(80.0)}), classes[place]
    y = pd.Series([classes[n + n * 7 % 40 > 60] for n in range(80)])
    model, _ = notebook.train(X, y, "binary", positive, threshold)
    notebook.save(model, X, {"task": "binary", "target": "y", "positive": positive})
    _, answers = receive(notebook, monkeypatch)
    wanted = model.estimator_.predict_proba(X)[:, place] >= threshold
    assert 0 < wanted.sum() < 80
    assert answers["prediction"].tolist() == [classes[place if hit else 1 - place] for hit in wanted]
    assert answers.columns.tolist() == ["prediction", *(f"probability of {one}" for one in classes)]


def test_a_boolean_means_the_same_in_whatever_type_it_comes(notebook):
    X = pd.DataFrame({"lift": [True, False, None] * 20, "garden": [True, False] * 30})
    X_train, y_train, _, _ = notebook.prepare(X.assign(y=range(60)), "y", "regression")
    model, _ = notebook.train(X_train, y_train, "regression")
    rows = pd.DataFrame({"lift": [True, True, False], "garden": [False, False, True]})
    gaps = rows.assign(lift=[True, None, None])
    wanted = model.predict(gaps.astype("boolean"))
    for kind in (bool, object, float):
        assert model.predict(rows.astype(kind)).tolist() == model.predict(rows.astype("boolean")).tolist()
    for kind in (object, float):
        assert model.predict(gaps.where(gaps.notna(), np.nan).astype(kind)).tolist() == wanted.tolist()
    assert model.predict(gaps.assign(lift=np.nan))[1:].tolist() == wanted[1:].tolist()


def test_a_date_is_a_number_of_days_to_the_model(notebook):
    born = pd.Series(pd.to_datetime(["1970-01-02 00:00", "1969-12-31 12:00", None]))
    table = pd.DataFrame({"born": born, "here": born.dt.tz_localize("Asia/Tokyo"), "y": [1, 2, 3]})
    days = pd.concat(notebook.prepare(table, "y", "regression")[::2]).sort_index()
    np.testing.assert_allclose(days, [[1, 1 - 9 / 24], [-0.5, -0.5 - 9 / 24], [np.nan, np.nan]])


def test_dates_and_booleans_with_gaps_are_looked_at_as_the_model_sees_them(notebook):
    days = pd.date_range("1970-01-01", periods=60)
    table = pd.DataFrame({"born": days, "lift": [True, False, None] * 20, "y": range(60)})
    assert notebook.all_different(table) == []
    notebook.look(table, "y", "regression", ignore=[None])
    panels = {axis.get_title(): axis for axis in notebook.drawn["feature_relations"].axes}
    labels = {name: [label.get_text() for label in axis.get_xticklabels()] for name, axis in panels.items()}
    assert labels["born"][0] == "0 to 5" and len(labels["born"]) == 10
    assert labels["lift"] == ["False", "True", "missing"]


def test_the_model_takes_unseen_categories_and_missing_values(fitted):
    _, model, _, X_test, _ = fitted
    odd = X_test.head(3).assign(contract="weekly", payment=None, age=np.nan)
    assert np.isfinite(model.predict_proba(odd)).all()


def test_the_picture_of_the_target_shows_its_counts(notebook, fitted):
    table = fitted[0]
    notebook.look(table, notebook.TARGET, notebook.TASK, notebook.POSITIVE, [*notebook.DROP, notebook.TIME])
    heights = [bar.get_height() for bar in notebook.drawn["target_balance"].axes[0].patches]
    assert heights == list(table[notebook.TARGET].value_counts())


def test_the_pictures_of_the_features_show_the_share_of_the_positive_value(notebook, fitted):
    table = fitted[0]
    notebook.look(table, notebook.TARGET, notebook.TASK, notebook.POSITIVE, [*notebook.DROP, notebook.TIME])
    panels = {axis.get_title(): axis for axis in notebook.drawn["feature_relations"].axes}
    assert set(panels) == set(table) - {notebook.TARGET, notebook.TIME, *notebook.DROP}
    for feature in ("contract", "support_calls"):
        names = [label.get_text() for label in panels[feature].get_xticklabels()]
        wanted = (table[notebook.TARGET] == notebook.POSITIVE).groupby(table[feature].astype(str)).mean()
        assert dict(zip(names, panels[feature].lines[0].get_ydata(), strict=True)) == pytest.approx(wanted.to_dict())
    assert len(panels["contract"].lines[1].get_xdata()) == 0  # categories have no order to join
    assert len(panels["support_calls"].lines[1].get_xdata()) == 10


def test_groups_are_named_by_what_is_in_them_and_missing_is_one(notebook):
    numbers = notebook.groups(pd.Series([*np.arange(100.0), np.nan]))
    few = notebook.groups(pd.Series([3, 1, 2, 1]))
    words = notebook.groups(pd.Series([*"abcdefghij", None]), most=3)
    assert list(numbers.cat.categories[[0, 9, 10]]) == ["0 to 9", "90 to 99", "missing"]
    assert list(few.cat.categories) == [1, 2, 3]
    assert set(words) == {"a", "b", "c", "other", "missing"}
    assert list(notebook.groups(pd.Series(["missing", "here", None]))) == ["missing", "here", "missing"]
    assert notebook.groups(pd.Series(1e9 + np.arange(100) / 1e3)).nunique() == 10


def test_columns_in_which_all_text_differs_are_found(notebook, fitted):
    assert notebook.all_different(fitted[0]) == ["customer_id"]


def test_many_features_are_drawn_up_to_a_limit_that_is_said(notebook, capsys):
    table = pd.DataFrame(np.eye(40), columns=[f"x{n}" for n in range(40)]).assign(y=range(40))
    notebook.look(table, "y", "regression")
    assert "The first 30 of 40 features are drawn." in capsys.readouterr().out
    assert len(notebook.drawn["feature_relations"].axes) == 30


def test_a_table_of_nothing_but_doubtful_columns_is_still_looked_at(notebook):
    notebook.look(pd.DataFrame({"id": ["a", "b"], "y": [1, 2]}), "y", "regression", ignore=["id"])
    assert "feature_relations" in notebook.drawn


def test_the_curves_and_the_matrix_are_those_of_the_model(notebook, fitted):
    _, model, baseline, X_test, y_test = fitted
    scores = notebook.evaluate(model, baseline, X_test, y_test, notebook.TASK, notebook.POSITIVE, notebook.SEED)
    truth, probability = y_test == notebook.POSITIVE, model.predict_proba(X_test)[:, 1]
    roc, precision_recall, calibration, confusion, *_ = notebook.drawn["evaluation"].axes
    wrong, right, _ = metrics.roc_curve(truth, probability)
    np.testing.assert_allclose(roc.lines[0].get_xydata(), np.column_stack([wrong, right]))
    precision, recall, _ = metrics.precision_recall_curve(truth, probability)
    np.testing.assert_allclose(precision_recall.lines[0].get_xydata(), np.column_stack([recall, precision]))
    bins = calibration.lines[-1].get_xydata()
    assert len(bins) == 8 and np.abs(bins[:, 0] - bins[:, 1]).max() < 0.15
    cells = [int(text.get_text()) for text in confusion.texts]
    assert cells == list(metrics.confusion_matrix(y_test, model.predict(X_test)).flat)
    assert scores.loc["model", "roc_auc"] == metrics.roc_auc_score(truth, probability)
    assert scores.loc["baseline", "roc_auc"] == 0.5


def test_precision_and_recall_are_those_at_the_threshold(notebook):
    y, X = pd.Series(["yes", "yes", "yes", "no", "no"]), pd.DataFrame(index=range(5))
    yes = np.array([0.9, 0.6, 0.2, 0.7, 0.1])
    model = SimpleNamespace(classes_=np.array(["no", "yes"]), predict_proba=lambda _: np.column_stack([1 - yes, yes]))
    for threshold, precision, recall in [(0.65, 1 / 2, 1 / 3), (0.15, 3 / 4, 1), (0.95, 0, 0)]:
        model.predict = lambda _, threshold=threshold: np.where(yes >= threshold, "yes", "no")
        scores = notebook.score(model, X, y, "binary", "yes")
        assert list(scores) == ["roc_auc", "average_precision", "brier_score", "precision", "recall"]
        assert (scores["precision"], scores["recall"]) == (precision, recall)


@pytest.mark.parametrize("threshold", [0.1, 0.7])
def test_another_threshold_changes_the_predictions_and_the_matrix_and_nothing_else(notebook, fitted, threshold):
    _, _, baseline, X, y = fitted
    (usual, _), (model, _) = (notebook.train(X, y, "binary", "yes", one) for one in (0.5, threshold))
    truth, probability = (y == "yes").to_numpy(), usual.predict_proba(X)[:, 1]
    said = probability >= threshold
    assert said.sum() != (probability >= 0.5).sum()
    assert list(model.predict(X)) == list(np.where(said, "yes", "no"))
    assert list(model.predict_proba(X)[:, 1]) == list(probability)
    scores = notebook.evaluate(model, baseline, X, y, "binary", "yes").loc["model"]
    confusion = notebook.drawn["evaluation"].axes[3]
    drawn = [int(text.get_text()) for text in confusion.texts]
    assert drawn == [(~truth & ~said).sum(), (~truth & said).sum(), (truth & ~said).sum(), (truth & said).sum()]
    assert confusion.get_xlabel() == f"predicted: yes from a probability of {threshold} on"
    assert scores["precision"] == drawn[3] / (drawn[1] + drawn[3])
    assert scores["recall"] == drawn[3] / (drawn[2] + drawn[3])
    assert scores["roc_auc"] == metrics.roc_auc_score(truth, probability)


def test_the_picture_shows_what_other_thresholds_would_give(notebook, fitted):
    _, model, _, X, y = fitted
    notebook.draw_classes(model, X, y, "binary", "yes")
    *_, scores, shares = notebook.drawn["evaluation"].axes
    truth, probability = (y == "yes").to_numpy(), model.predict_proba(X)[:, 1]
    precision, recall, at = scores.lines
    assert precision.get_drawstyle() == recall.get_drawstyle() == "steps-pre"  # up to a threshold, not towards it
    for threshold in (0.2, 0.5):
        said = probability >= threshold
        place = np.searchsorted(precision.get_xdata(), threshold)
        assert precision.get_ydata()[place] == (truth & said).sum() / said.sum()
        assert recall.get_ydata()[place] == (truth & said).sum() / truth.sum()
    assert [line.get_label() for line in scores.lines] == ["precision", "recall", "threshold 0.5"]
    assert list(at.get_xdata()) == list(shares.lines[0].get_xdata()) == [0.5, 0.5]
    for label, some in [("yes", probability[truth]), ("others", probability[~truth])]:
        (outline,) = [patch for patch in shares.patches if patch.get_label() == label]
        heights, _ = np.histogram(some, np.linspace(0, 1, 31), density=True)
        np.testing.assert_allclose(outline.get_xy()[1:-1:2, 1], heights)


def said_of(notebook, capsys, table, y, task, positive=None):
    """What the notebook prints when it learns from the first three quarters of the rows and is judged by the rest."""
    cut = len(y) * 3 // 4
    model, baseline = notebook.train(table[:cut], y[:cut], task, positive)
    notebook.evaluate(model, baseline, table[cut:], y[cut:], task, positive)
    return capsys.readouterr().out


def test_a_model_that_is_no_better_than_the_baseline_is_said_to_have_learned_nothing(notebook, fitted, capsys):
    _, model, baseline, X, y = fitted
    notebook.evaluate(model, baseline, X, y, "binary", "yes")
    assert capsys.readouterr().out == ""
    shuffled = pd.Series(y.sample(frac=1, random_state=3).to_numpy(), y.index)
    said = said_of(notebook, capsys, X, shuffled, "binary", "yes")
    assert said.startswith("The model has learned nothing: its roc_auc is not above that of the baseline. Look ")


@pytest.mark.parametrize(
    ("task", "values", "name"),
    [
        ("binary", ["a", "b"], "roc_auc"),
        ("multiclass", ["a", "b", "c"], "balanced_accuracy"),
        ("regression", [1.0, 2.0], "r2"),
    ],
)
def test_not_better_is_not_enough_and_better_is(notebook, capsys, task, values, name):
    y = pd.Series(values * 20)
    level, telling = pd.DataFrame({"x": [1.0] * len(y)}), pd.DataFrame({"x": y})
    assert f"learned nothing: its {name} is not above" in said_of(notebook, capsys, level, y, task, values[0])
    assert said_of(notebook, capsys, telling, y, task, values[0]) == ""


def test_the_curves_of_several_classes_are_each_their_own(notebook):
    X = pd.DataFrame({"x": [*range(60)]})
    y = pd.Series(["low"] * 20 + ["middle, of a long long name"] * 20 + ["high"] * 20)
    model, _ = notebook.train(X, y, "multiclass")
    notebook.draw_classes(model, X, y, "multiclass")
    roc, _, _, confusion = notebook.drawn["evaluation"].axes
    assert confusion.get_xlabel() == "predicted: the most probable"
    for line, one in zip(roc.lines, ["high", "low", "middle, of a long long name"], strict=False):
        wrong, right, _ = metrics.roc_curve(y == one, model.predict_proba(X)[:, list(model.classes_).index(one)])
        np.testing.assert_allclose(line.get_xydata(), np.column_stack([wrong, right]))
        assert line.get_label().startswith(one[:18])
    assert [label.get_text() for label in confusion.get_xticklabels()] == ["high", "low", "middle, of a long "]


def test_no_more_classes_are_drawn_than_can_be_told_apart(notebook):
    values = pd.Series([n for n in range(12) for _ in range(n + 1)])
    assert notebook.most_frequent(values) == list(range(2, 12))


def test_what_the_pictures_average(notebook):
    words, numbers = pd.Series(["a", "b", "a"]), pd.Series([1.0, 2.0, 3.0], name="y")
    assert notebook.outcomes(words, "binary", "b").to_dict("list") == {"share of b": [0, 1, 0]}
    assert notebook.outcomes(words, "multiclass").to_dict("list") == {"share of a": [1, 0, 1], "share of b": [0, 1, 0]}
    assert notebook.outcomes(numbers, "regression").to_dict("list") == {"mean y": [1, 2, 3]}


def test_the_table_of_columns_says_what_is_in_them(notebook):
    found = notebook.describe(pd.DataFrame({"a": [None, 2.0, 2.0, 3.0], "b": ["x"] * 4}))
    assert found.values.tolist() == [["float64", "25.0%", 2, 2.0], ["str", "0.0%", 1, "x"]]


def test_missing_numbers_get_the_median_and_are_scaled_and_an_empty_column_is_kept(notebook):
    X = pd.DataFrame({"x": [0.0, 1.0, 100.0, np.nan], "none": [np.nan] * 4})
    model, _ = notebook.train(X, pd.Series([0.0, 1.0, 2.0, 3.0]), "regression")
    table = model[0].transform(X)
    assert table.shape == (4, 2)
    assert (
        table[3, 0] == table[1, 0] and table[:, 0].mean() == pytest.approx(0) and table[:, 0].std() == pytest.approx(1)
    )


def test_the_importance_is_ordered_and_finds_what_the_sample_was_made_with(notebook, fitted):
    _, model, _, X_test, y_test = fitted
    notebook.draw_importance(model, X_test, y_test, "roc_auc", most=8)
    axis = notebook.drawn["importance"].axes[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    falls = [bar.get_width() for bar in axis.patches]
    assert falls == sorted(falls) and len(falls) == 8  # of nine features
    assert names[-1] == "contract" and {"region", "age"} & set(names) <= set(names[:3])  # these two play no part


def test_numbers_are_drawn_as_predicted_against_true_and_as_residuals(notebook):
    X = pd.DataFrame({"x": np.arange(20.0)})
    y = 3 * X["x"] + np.sin(X["x"])
    model, _ = notebook.train(X, y, "regression")
    notebook.draw_numbers(model, X, y)
    truth, rest = (axis.collections[0].get_offsets() for axis in notebook.drawn["evaluation"].axes)
    np.testing.assert_allclose(truth, np.column_stack([model.predict(X), y]))
    np.testing.assert_allclose(rest, np.column_stack([model.predict(X), y - model.predict(X)]))


def test_the_history_grows_by_a_line_and_keeps_what_was_written_by_hand(notebook, fitted):
    model, example = fitted[1], pd.DataFrame({"a": [1]})
    row = {"date": "2024-01-01T00:00:00", "note": "NA", "task": "binary", "target": "y", "positive": "yes"}
    notebook.save(model, example, row | {"roc_auc": 0.5})
    by_hand = notebook.HISTORY.read_text(encoding="utf-8").replace("0.5", "0.6250")
    notebook.HISTORY.write_text(by_hand, encoding="utf-8")
    for other in ({"task": "regression", "r2": 0.1}, {"target": "z"}, {"positive": "no"}):
        notebook.save(model, example, row | {"roc_auc": 0.1} | other)
    history = notebook.save(model, example, row | {"roc_auc": 0.75})
    written = notebook.HISTORY.read_text(encoding="utf-8").splitlines()
    assert [line.rstrip(",") for line in written[:2]] == [by_hand.splitlines()[0] + ",r2", by_hand.splitlines()[1]]
    assert [path.name for path in notebook.HISTORY.parent.iterdir()] == [notebook.HISTORY.name]
    notebook.draw_history(history, row)
    (line,) = notebook.drawn["score_history"].axes[0].lines
    assert list(line.get_ydata()) == [0.625, 0.75]
