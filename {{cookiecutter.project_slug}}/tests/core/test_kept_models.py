"""Models are kept in folders named by their digest, whoever keeps how many at once and whatever dies on the way."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from {{cookiecutter.project_slug}}.core.kept_models import LATEST, keep, latest_model, write_model
from {{cookiecutter.project_slug}}.core.model_folder import MODEL, open_folder
from {{cookiecutter.project_slug}}.core.predict import predict
from {{cookiecutter.project_slug}}.errors import ProjectError


def test_a_model_comes_back_and_answers_the_same(make_model, tmp_path):
    made = make_model()
    model, files = made.load(), {name: (made.place / name).read_bytes() for name in made.record.files if name != MODEL}
    kept = write_model(model, made.record, files, tmp_path / "kept")
    again = latest_model(tmp_path / "kept")
    pd.testing.assert_frame_equal(predict(again.load(), again.example()), predict(model, made.example()))
    assert again == kept and kept.sha256.startswith(kept.place.name)
    assert {path.name for path in (tmp_path / "kept").iterdir()} - {".lock"} == {kept.place.name, LATEST}


def test_many_may_keep_the_same_model_at_once(make_model, tmp_path):
    models = [make_model(), make_model(rows=150)]
    with ThreadPoolExecutor(8) as pool:
        kept = [pool.submit(keep, models[number % 2], tmp_path / "kept") for number in range(40)]
    assert [one.result().sha256 for one in kept] == [models[number % 2].sha256 for number in range(40)]
    assert latest_model(tmp_path / "kept").sha256 in [one.sha256 for one in models]
    for one in models:
        assert open_folder(tmp_path / "kept" / one.sha256[:12]).sha256 == one.sha256
    assert not list((tmp_path / "kept").glob(".writing-*"))


def test_a_folder_that_is_damaged_is_replaced_by_the_whole_one(make_model, tmp_path):
    folder = make_model()
    keep(folder, tmp_path / "kept")
    place = tmp_path / "kept" / folder.sha256[:12]
    (place / ".writing-of-a-publish-that-was-killed").mkdir()
    keep(folder, tmp_path / "kept")
    assert open_folder(place).sha256 == folder.sha256


@pytest.mark.parametrize("name", ["", "../elsewhere", "/etc", "0" * 12, "no name"])
def test_a_pointer_at_no_model_says_what_to_do(make_model, tmp_path, name):
    folder = make_model()
    shutil.copytree(folder.place, tmp_path / "elsewhere")
    (folder.place.parent / LATEST).write_text(name)
    with pytest.raises(ProjectError, match="which is not there: train again"):
        latest_model(folder.place.parent)


def test_a_model_in_the_place_of_another_is_not_taken_for_it(make_model):
    one, other = make_model(), make_model(rows=150)
    shutil.rmtree(other.place)
    shutil.copytree(one.place, other.place)
    with pytest.raises(ProjectError, match="not what it is named by"):
        latest_model(other.place.parent)


def test_no_model_yet_is_said_so(tmp_path):
    with pytest.raises(ProjectError, match="train one first"):
        latest_model(tmp_path)
