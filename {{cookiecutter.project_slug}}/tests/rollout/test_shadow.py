"""What clients have asked lately is asked again of a candidate, and held against what the model in use answers."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from conftest import make_orders, make_settings
from logs import answered

from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.monitoring.parts import Parts
from {{cookiecutter.project_slug}}.monitoring.predictions import as_rows
from {{cookiecutter.project_slug}}.rollout import latency
from {{cookiecutter.project_slug}}.rollout.latency import check_latency
from {{cookiecutter.project_slug}}.rollout.policy import Shadow
from {{cookiecutter.project_slug}}.rollout.shadow import (
    Replayed,
    check_columns,
    check_shadow,
    distance,
    replay,
    rows_asked,
)
from {{cookiecutter.project_slug}}.serving.client import SMOKE_TEST

POLICY = Shadow(rows_at_least=1, refused_at_most=0.02, changed_at_most=0.2, distance_at_most=0.2)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "monitoring.yaml").write_text("{}")
    return make_settings()


def test_the_newest_rows_of_the_log_are_asked_but_for_smoke_tests(settings):
    log, now = Parts("predictions"), datetime.now(UTC)
    for name, ids in (("b", ["1", "2", SMOKE_TEST]), ("a", ["3", "4", "5"])):
        at = now - timedelta(seconds=10 - int(ids[0]))
        rows = as_rows(answered(*ids, at=at, weight=[float(id) if id.isdigit() else 99.0 for id in ids]))
        log.add(now.date(), name, rows)
    assert rows_asked(settings, POLICY)["weight"].tolist() == [1, 2, 3, 4, 5]
    assert rows_asked(settings, Shadow(rows_at_most=2))["weight"].tolist() == [4, 5]
    assert list(rows_asked(settings, POLICY)) == ["weight", "label"]
    assert len(rows_asked(make_settings(state={"predictions": "elsewhere"}), POLICY)) == 0


def some_rows(make_model, count: int = 100) -> tuple:
    model = make_model()
    orders = make_orders()
    rows = orders.assign(gift=orders["days"] > 7)[list(model.record.features)]
    rows = pd.concat([rows] * (count // 200 + 1), ignore_index=True).head(count)
    return model, rows.assign(label=pd.Series([None] * count, dtype=object))


def test_rows_that_are_refused_are_counted_one_by_one_and_all_others_are_answered(make_model):
    model, rows = some_rows(make_model)

    def ask(some: pd.DataFrame) -> pd.DataFrame:
        if 42 in some.index:
            raise ProjectError("not this one")
        return predict(model.load(), some).reset_index(drop=True)

    found = replay(rows, model.record.features, ask, 1)
    assert found.refusals == ["not this one"] and sorted({*range(100)} - {*found.answers.index}) == [42]
    assert found.answers.index.equals(found.answered.index)
    expected = predict(model.load(), found.answered[list(model.record.features)])
    pd.testing.assert_frame_equal(found.answers, expected)


def test_of_what_is_refused_all_no_more_is_asked_than_is_needed_to_say_so(make_model):
    model, rows = some_rows(make_model, 500)
    asked = []

    def ask(some: pd.DataFrame) -> pd.DataFrame:
        asked.append(len(some))
        raise ProjectError("no")

    assert len(replay(rows, model.record.features, ask, 0.01).refusals) == 100 and len(asked) == 101


@pytest.mark.parametrize(
    ("change", "outcome", "said"),
    [
        (lambda answers: answers, "pass", "0.0% of the classes are others; stability index of the answers 0.000"),
        (lambda answers: answers.assign(prediction="yes"), "fail", "of the classes are others"),
        (lambda answers: shifted(answers), "fail", "stability index of the answers"),
    ],
)
def test_answers_that_are_all_too_different_fail(make_model, settings, change, outcome, said):
    model, rows = some_rows(make_model)
    answers = change(predict(model.load(), rows[list(model.record.features)]))
    check = check_shadow(Replayed(rows, rows, answers, []), model, settings, POLICY, "0" * 64)
    assert check.outcome == outcome and said in check.said


def shifted(answers: pd.DataFrame) -> pd.DataFrame:
    """The same classes with quite other probabilities."""
    names = [name for name in answers if name != "prediction"]
    return answers.assign(**{name: answers[name] ** 3 for name in names})


@pytest.mark.parametrize(("refused", "outcome"), [(2, "pass"), (3, "fail")])
def test_so_many_refusals_are_allowed_and_no_more(make_model, settings, refused, outcome):
    model, rows = some_rows(make_model)
    kept = rows.tail(100 - refused)
    answers = predict(model.load(), kept[list(model.record.features)])
    check = check_shadow(Replayed(rows, kept, answers, ["no"] * refused), model, settings, POLICY, "0" * 64)
    assert check.outcome == outcome and f"{refused}.0% of them not answered; the first: no" in check.said


def test_a_model_in_use_that_cannot_answer_such_rows_is_in_nobody_s_way(make_model, settings):
    model, rows = some_rows(make_model)
    answers = predict(model.load(), rows[list(model.record.features)])
    check = check_shadow(Replayed(rows, rows.drop(columns="weight"), answers, []), model, settings, POLICY, "0" * 64)
    assert check.outcome == "pass" and "the model in use cannot answer them: KeyError" in check.said


def test_where_it_is_known_what_came_true_a_worse_candidate_fails(make_model, settings, orders):
    model = make_model()
    rows = orders.assign(gift=orders["days"] > 7)[[*model.record.features, "returned"]].rename(
        columns={"returned": "label"}
    )
    good = predict(model.load(), rows[list(model.record.features)])
    names = [name for name in good if name != "prediction"]
    rng = np.random.default_rng(0)
    bad = good.assign(**{name: rng.permutation(good[name]) for name in names})  # the same answers to other rows
    lenient = Shadow(changed_at_most=1, distance_at_most=9)
    for answers, outcome in ((good, "pass"), (bad, "fail")):
        check = check_shadow(Replayed(rows, rows, answers, []), model, settings, lenient, "0" * 64)
        assert check.outcome == outcome and "where it is known what came true: roc_auc" in check.said


def test_a_column_that_nobody_sends_is_said(make_model, settings):
    model = make_model()
    rows = model.example()
    assert check_columns(model, None, rows).outcome == "pass"
    assert check_columns(model, None, rows.assign(label="yes")).outcome == "pass"
    assert check_columns(model, None, pd.DataFrame()).outcome == "pass"  # the first: nobody asks yet
    check = check_columns(model, None, rows.assign(more=1))
    assert check.outcome == "fail" and "clients send ['more'], for which the candidate would refuse them" in check.said
    check = check_columns(model, None, rows.drop(columns="weight"))
    assert check.outcome == "fail" and "nobody sends ['weight']" in check.said


def test_the_index_is_that_of_the_formula():
    one, other = pd.DataFrame({"x": [0.0] * 30 + [1.0] * 70}), pd.DataFrame({"x": [0.0] * 50 + [1.0] * 50})
    shares = np.array([[30.5, 70.5], [50.5, 50.5]]) / 101
    expected = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
    assert distance(one.replace({0.0: "a", 1.0: "b"}), other.replace({0.0: "a", 1.0: "b"})) == pytest.approx(expected)
    numbers = pd.DataFrame({"x": np.arange(1000.0)})
    classes = numbers.assign(prediction=0)  # a class that is a number is no reason to say nothing
    assert distance(classes, classes) == 0
    assert distance(numbers.head(49) + 500, numbers.head(49)) is None  # too few to say anything
    assert distance(numbers, numbers) == 0 and distance(numbers + 500, numbers) > 2


def test_the_same_answers_with_other_last_digits_are_the_same():
    generator = np.random.default_rng(0)
    often = pd.DataFrame({"x": np.repeat(generator.uniform(size=60), 50)})  # each many times: all change bins, or none
    one, other = (often + generator.normal(scale=1e-15, size=often.shape) for _ in range(2))
    assert other["x"].nunique() > 60 and distance(one, other) == 0
    assert distance(*(side[side["x"] <= side["x"].median()] for side in (one, other))) is None  # of 30 different ones


@pytest.mark.parametrize("far", [1e15, np.inf])
def test_one_answer_that_is_far_off_hides_no_shift(far):
    numbers = pd.DataFrame({"x": [*np.arange(1000.0), far]})
    assert distance(numbers, numbers) == 0 and distance(numbers + 500, numbers) > 2


def test_a_candidate_that_takes_longer_fails_and_the_first_has_nobody_to_be_slower_than(make_model, monkeypatch):
    model, slow = make_model(), make_model(rows=150)
    assert check_latency(model, None, pd.DataFrame(), 2).outcome == "pass"
    seconds = {model.sha256: 0.001, slow.sha256: 0.003}
    taken = []

    def timed(folder, rows):
        taken.append(seconds[folder])

    monkeypatch.setattr(latency, "predict", timed)
    monkeypatch.setattr(type(model), "load", lambda self: self.sha256)
    monkeypatch.setattr(latency.time, "perf_counter", lambda: sum(taken))
    assert check_latency(model, model, pd.DataFrame(), 2).outcome == "pass"
    check = check_latency(slow, model, pd.DataFrame(), 2)
    assert check.outcome == "fail" and check.said.startswith("times as long as the model in use: 3.00 for 1 rows")
    assert check_latency(slow, model, pd.DataFrame(), 4).outcome == "pass"


def test_what_clients_ask_is_what_is_timed(make_model, monkeypatch):
    model, asked = make_model(), []
    monkeypatch.setattr(latency, "predict", lambda folder, rows: asked.append(rows["weight"].tolist()))
    rows = pd.concat([model.example()] * 8, ignore_index=True).assign(weight=range(40))
    check_latency(model, model, rows, 2)
    assert asked[0] == [0] and asked[2] == [1] and asked[-1][:3] == [20, 21, 22] and len(asked[-1]) == 100
    monkeypatch.setattr(latency, "predict", lambda folder, rows: 1 / int(rows["weight"].iloc[0] != 7))
    assert check_latency(model, model, rows, 9).outcome == "pass"  # that it cannot answer one is for the shadow to say
    monkeypatch.setattr(latency, "predict", lambda folder, rows: 1 / 0)
    check = check_latency(model, model, rows, 2)
    assert check.outcome == "fail" and "ZeroDivisionError" in check.said
