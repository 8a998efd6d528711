"""Models of every day on their whole way: compared with a champion of another kind, released, asked and reproduced."""

import pytest
from families import FAMILIES
from my_ml_project.core import fitting
from my_ml_project.tracking import registry, runs
from test_training import client, finished, steps_here

__all__ = ["client", "steps_here"]  # fixtures


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # which would take longer to be done
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_another_family_is_compared_released_asked_and_reproduced(
    client, run, steps_here, monkeypatch, family
):
    run("train")
    registry.make_champion(client, registry.challenger(client).sha256)
    monkeypatch.setattr(fitting, "build", lambda params: FAMILIES[family]("binary"))
    assert "is version 2" in run("train", "--note", family)
    verdict = finished(client)[0].data.tags[runs.VERDICT]
    assert "on 50 rows" in verdict
    assert "is released as" in run("publish")
    assert "200 rows" in run("predict", "orders.csv", "--released")
    assert "answer the same on all 200 rows" in run("reproduce")
