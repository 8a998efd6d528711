"""params.yaml is checked as a whole, and a misspelt name is answered with the right one."""

import pytest

from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.settings import PARAMS, load_settings

SMALLEST = "data: {uri: t.csv}\ntarget: {column: y, task: regression}\n"


def write(folder, text):
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_projects_own_settings_are_right():
    assert load_settings(PARAMS).target.column


def test_what_is_left_out_has_a_default(tmp_path):
    settings = load_settings(write(tmp_path, SMALLEST))
    assert settings.evaluation.held_out == 0.25 and settings.state.models == "models"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALLEST + "modle: {seed: 1}\n", "modle: no such setting. Did you mean model?"),
        (SMALLEST + "model: {sede: 1}\n", r"model\.sede: no such setting\. Did you mean seed\?"),
        (SMALLEST.replace("regression", "clustering"), r"target\.task: .*'binary', 'multiclass' or 'regression'"),
        (SMALLEST + "evaluation: {held_out: 2}\n", r"evaluation\.held_out: .*less than 1 \(it is 2\)"),
        (SMALLEST.replace("regression", "binary, threshold: 1"), r"target\.threshold: .*less than 1 \(it is 1\)"),
        (SMALLEST + "evaluation: {replace_when: equal}\n", r"evaluation\.replace_when: .*'better' or 'not_worse'"),
        ("data: {uri: t.csv}\n", "target: field required"),
        ("", "the file: "),
        (SMALLEST.replace("t.csv", "'https://me:secret@h/t.csv'"), r"data\.uri: there is an account in it\."),
        (SMALLEST.replace("t.csv", "'sftp://me:secret@h/t.csv'"), r"data\.uri: there is an account in it\."),
        (SMALLEST.replace("t.csv", "'https://h/a table.csv?secret'"), r"data\.uri: there are blanks in it\."),
        (SMALLEST + "state: {releases: 's3://me:secret@bucket/releases'}", r"state\.releases: there is an account"),
        (SMALLEST + "state: {releases: 'https://h/releases?secret'}", r"state\.releases: there is a query"),
        (SMALLEST + "state: {tracking: 'postgresql://me:secret@h/db'}", r"state\.tracking: there is an account"),
        (SMALLEST.replace("t.csv", "t.csv, read: {storage_options: {key: secret}}"), r"data\.read: storage_options"),
        ("data: 'https://me:secret@h/t.csv'", r"data: .*it is 'https://h/t\.csv'"),
        ("data: [", "is not YAML"),
    ],
)
def test_mistakes_are_named_by_their_place(tmp_path, text, message):
    with pytest.raises(ProjectError, match=message) as error:
        load_settings(write(tmp_path, text))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "uri",
    [
        "abfs://container@account.dfs.core.windows.net/t.csv",
        "github://org:repo@main/t.csv",
        "hdfs://me@host/t.csv",
        "sftp://me@host:22/t.csv",
        "simplecache::s3://bucket/t.csv",
        "s3://bucket/t#1.csv?versionId=3",
        "my data/t @ 1?#:2.csv",
        "C:\\data\\t.csv",
        "file:///data/t?.csv",
    ],
)
def test_an_address_without_a_secret_is_taken_and_recorded_as_it_is(tmp_path, uri):
    data = load_settings(write(tmp_path, SMALLEST.replace("t.csv", f"'{uri}'"))).data
    assert data.uri == data.uri.whole == data.model_dump()["uri"] == uri


def test_the_query_of_a_table_is_for_its_reader_alone(tmp_path):
    settings = load_settings(write(tmp_path, SMALLEST.replace("t.csv", "'https://h/t.csv?secret'")))
    assert settings.data.uri.whole == "https://h/t.csv?secret" and str(settings.data.uri) == "https://h/t.csv"
    for shown in (f"{settings.data.uri}", repr(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert "https://h/t.csv" in shown and "secret" not in shown


def test_every_mistake_is_named_at_once(tmp_path):
    with pytest.raises(ProjectError, match=r"2 mistakes:(?s:.*)modle(?s:.*)target\.task|2 mistakes"):
        load_settings(write(tmp_path, SMALLEST.replace("regression", "x") + "modle: {}\n"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProjectError, match="Run this in the project's folder"):
        load_settings(tmp_path / "params.yaml")
