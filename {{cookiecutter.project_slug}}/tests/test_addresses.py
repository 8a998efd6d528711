"""An address is shown without its secrets, whoever quotes it, and with all that is none."""

import time

import pytest
from conftest import write_params

from {{cookiecutter.project_slug}}.addresses import LONGEST_NAME, Address, file_name, without_secrets
from {{cookiecutter.project_slug}}.core import storage
from {{cookiecutter.project_slug}}.errors import ProjectError


@pytest.mark.parametrize(
    ("whole", "shown"),
    [
        ("https://me:secret@h:8080/t.csv?sig=secret#secret", "https://h:8080/t.csv"),
        ("HTTPS://secret@h/t.csv", "HTTPS://h/t.csv"),
        ("https:///me:secret@h/t.csv", "https://h/t.csv"),
        ("https://me:sec@ret@h/t.csv", "https://h/t.csv"),
        ("https://h/t.csv?a=secret::secret", "https://h/t.csv"),
        ("https://me:secret", "https://..."),  # as others cut it off
        ("sftp://me:secret@h:22/t.csv", "sftp://me@h:22/t.csv"),
        ("abfs://container:secret@h/t.csv", "abfs://h/t.csv"),
        ("s3://bucket/t#1.csv?X-Amz-Signature=secret", "s3://bucket/t#1.csv"),
        ("zip://t.csv::https://me:secret@h/t.zip?secret", "zip://t.csv::https://h/t.zip"),
        ("simplecache::zip://t.csv::https://h/t.zip?secret", "simplecache::zip://t.csv::https://h/t.zip"),
        ("postgresql+psycopg2://me:secret@h:5432/db?password=secret", "postgresql+psycopg2://h:5432/db"),
        ("postgresql://me:se/cret@h/db", "postgresql://h/db"),
        ("postgresql://me:se#cret@h/db", "postgresql://h/db"),
        ("redis://:secret@h/0", "redis://h/0"),
    ],
)
def test_what_is_secret_is_left_out(whole, shown):
    assert without_secrets(whole) == Address(whole) == shown
    assert Address(whole).whole == whole and Address(whole).has_account == (
        "@" in whole or whole == "https://me:secret"
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://h:8080/package@1.0/t.csv",
        "http://[::1]:5000",
        "az://container@account.blob.core.windows.net/t.csv",
        "gs://bucket/t.csv#123",
        "s3://bucket/t.csv?versionId=a.B-1",
        "hdfs:///data/t@1.csv",
        "hdfs://me@namenode:8020/t.csv",
        "github://org:repo@main/data/t.csv",
        "memory://t.csv",
        "sqlite:////data/a?b/mlflow.db",
        "file:///data/a?b#c@d.csv",
        "/data/a?b#c@d:e.csv",
        "C:\\data\\t.csv",
    ],
)
def test_what_is_none_stays(address):
    assert without_secrets(address) == Address(address) == address and not Address(address).has_account


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("403, message='Forbidden', url='https://h/t.csv?secret'", "403, message='Forbidden', url='https://h/t.csv'"),
        ("no URL('https://me:secret@h/t.csv?secret').", "no URL('https://h/t.csv')."),
        ("{'uri': 'https://h/t.csv?secret', 'rows': 2}", "{'uri': 'https://h/t.csv', 'rows': 2}"),
        ("exceeded with url: /t.csv?secret (Caused by", "exceeded with url: /t.csv (Caused by"),
        ("give sqlite:///FILE or the http:// address", "give sqlite:///FILE or the http:// address"),
        ("What? 3 @ 2: a#b", "What? 3 @ 2: a#b"),
    ],
)
def test_what_others_quote_is_shown_without_secrets(said, shown):
    assert without_secrets(said) == shown == str(ProjectError(said))


def test_a_mistake_in_the_code_is_shown_without_secrets_too(run, monkeypatch):
    def fail(*_):
        raise RuntimeError("no such thing: https://me:secret@h/orders.csv?secret")

    monkeypatch.setattr(storage, "fetch", fail)
    write_params()
    said = run("data")
    assert "Traceback" in said and said.endswith("RuntimeError: no such thing: https://h/orders.csv\n")


@pytest.mark.parametrize("text", ["a" * 10**6, "https://" + ")" * 10**6, "https://" * 10**5, "a::" * 10**5 + "b://"])
def test_a_long_text_costs_no_more_than_its_length(text):
    began = time.process_time()
    without_secrets(text)
    assert time.process_time() - began < 10  # where each letter was looked at from each other, this took hours


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("data/customers.csv", "customers.csv"),
        ("https://me:secret@h/t.csv?secret", "t.csv"),
        ("C:\\data\\my table.csv", "my_table.csv"),
        ("https://h/..", "table"),
        ("https://h/.hidden", "hidden"),
        ("https://h/-rf%00\n.csv", "rf_00_.csv"),
        ("https://h/" + "ü" * 300 + ".csv", "ü" * (LONGEST_NAME - 4) + ".csv"),
    ],
)
def test_a_copy_has_a_harmless_name(address, name):
    assert file_name(address) == name
