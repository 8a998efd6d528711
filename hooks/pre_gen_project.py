"""Refuse answers that would give a broken project, and hold the template back, before a file is written.

Cookiecutter renders this file and runs it in the project folder, empty or not; under cruft it cannot import its
neighbours, so the checks stand alone. A Python that is too old must still come as far as being refused: 3.8 does.
"""

from __future__ import annotations

import json
import keyword
import os
import re
import sys
from pathlib import Path

ANSWERS = json.loads({{cookiecutter | tojson | tojson}})
FREE_TEXT = ["project_name", "description", "author"]
MAY_BE_EMPTY = ["description"]
MODES = ["_dry_run", "_down", "_undo"]
LONGEST_SLUG, LONGEST_TEXT = 40, 200
OLDEST_COOKIECUTTER, OLDEST_PYTHON = (2, 7), (3, 11)
# What the project installs and imports, directly or through others: a project of the same name would hide it.
INSTALLED = set(
    """
    aiofiles aiohappyeyeballs aiohttp aiokafka aiosignal alembic aniso8601 annotated_doc annotated_types anyio appnope
    argon2 argon2_cffi argon2_cffi_bindings arrow asgiref ast_serialize asttokens async_lru async_timeout attr attrs
    babel beautifulsoup4 bleach blinker brotli bs4 cachetools certifi cffi cfgv charset_normalizer click
    click_option_group cloudpickle colorama comm contourpy cookiecutter coverage cryptography cycler databricks
    databricks_sdk dateutil debugpy defusedxml distlib docker docstring_parser dotenv duckdb execnet executing fastapi
    fastjsonschema filelock flask flask_cors fonttools fqdn frozenlist fsspec gevent geventhttpclient git gitdb
    gitpython google google_api_core google_auth google_cloud_core google_cloud_storage google_crc32c
    google_resumable_media googleapis_common_protos graphene graphql graphql_core graphql_relay greenlet grpc grpcio h11
    httpcore httpx huey hypothesis identify idna importlib_metadata importlib_resources iniconfig ipykernel
    ipykernel_launcher ipython ipython_pygments_lexers isoduration itsdangerous jedi jinja2 joblib json5 jsonpointer
    jsonschema jsonschema_specifications jupyter jupyter_builder jupyter_client jupyter_core jupyter_events jupyter_lsp
    jupyter_server jupyter_server_terminals jupyterlab jupyterlab_pygments jupyterlab_server kfp kfp_pipeline_spec
    kfp_server_api kiwisolver kubernetes lark librt mako markdown_it markdown_it_py markupsafe matplotlib
    matplotlib_inline mdurl mistune ml_dtypes mlflow mlflow_skinny mlserver mpl_toolkits multidict multipart mypy
    mypy_extensions mypyc narwhals nbclient nbconvert nbformat nest_asyncio2 nodeenv notebook notebook_shim numpy
    oauthlib opentelemetry opentelemetry_api opentelemetry_exporter_otlp_common opentelemetry_exporter_otlp_proto_common
    opentelemetry_exporter_otlp_proto_grpc opentelemetry_instrumentation opentelemetry_instrumentation_asgi
    opentelemetry_instrumentation_fastapi opentelemetry_instrumentation_grpc opentelemetry_proto opentelemetry_sdk
    opentelemetry_semantic_conventions opentelemetry_util_http orjson overrides packaging pandas pandas_stubs pandera
    pandocfilters parso pathspec pexpect pillow pip platformdirs pluggy pre_commit prettytable prometheus_client
    prompt_toolkit propcache proto proto_plus protobuf psutil ptyprocess pure_eval py py_grpc_prometheus pyarrow pyasn1
    pyasn1_modules pycparser pydantic pydantic_core pydantic_settings pygments pylab pyparsing pytest pytest_cov
    pytest_xdist python_dateutil python_discovery python_dotenv python_json_logger python_multipart python_rapidjson
    pythonjsonlogger pywinpty pyyaml pyzmq rapidjson referencing requests requests_oauthlib requests_toolbelt
    rfc3339_validator rfc3986_validator rfc3987_syntax rich rpds rpds_py ruff sagemaker scikit_learn scipy send2trash
    setuptools shellingham six sklearn skops smmap soupsieve sqlalchemy sqlparse stack_data starlette starlette_exporter
    tabulate tensorflow terminado tfx threadpoolctl tinycss2 tomli tornado traitlets tritonclient tritonclientutils
    tritongrpcclient tritonhttpclient tritonshmutils typeguard typer types_pyyaml typing_extensions typing_inspect
    typing_inspection tzdata uri_template urllib3 uv uvicorn uvloop virtualenv watchfiles wcwidth webcolors webencodings
    websocket websocket_client werkzeug wheel winpty wrapt xdist yaml yarl zipp zmq zope zope_event zope_interface
    """.split()
)
# Device names of Windows, and names that tools or the project's own folders give a meaning.
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))} | set(
    "build conftest data demo deploy dist docs jenkins models notebooks releases reports setup src test tests".split()
)


def version_problem(cookiecutter: str, python: tuple[int, ...]) -> str | None:
    """What to do where cookiecutter or its Python is too old; None if neither is."""
    number = tuple(int(part) for part in re.findall(r"\d+", cookiecutter)[:2])
    if number >= OLDEST_COOKIECUTTER and python >= OLDEST_PYTHON:
        return None
    return (
        "This template needs cookiecutter 2.7 or newer with Python 3.11 or newer, and this is cookiecutter"
        f" {cookiecutter} with Python {python[0]}.{python[1]}.\n"
        "  For a newer cookiecutter:  pip install --upgrade cookiecutter\n"
        '  For both, with uv:         uvx --python 3.12 "cookiecutter>=2.7,<3" ...  (and the rest of your command)'
    )


def slug_problem(slug: str) -> str | None:
    """What is wrong with the short name, as the end of a sentence; None if nothing is."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", slug):  # fullmatch: with $ a last newline would pass
        return "must be lower-case letters, digits and single _ between them, beginning with a letter, like my_project"
    if len(slug) > LONGEST_SLUG:
        return f"has {len(slug)} characters, and {LONGEST_SLUG} is the most"
    if keyword.iskeyword(slug) or slug in sys.stdlib_module_names:
        return "is a word of Python or a module of its standard library: choose another, like my_" + slug
    if slug in INSTALLED:
        return "is the name of a package that the project needs: choose another, like my_" + slug
    if slug in RESERVED:
        return "has a meaning of its own to tools or operating systems: choose another, like my_" + slug
    return None


def text_problem(key: str, text: str) -> str | None:
    """What is wrong with free text, as the end of a sentence; None if nothing is."""
    if not text.strip() and key not in MAY_BE_EMPTY:
        return "is empty"
    if not text.isprintable():
        return "must be one line without control or invisible characters"
    if text != text.strip():
        return "begins or ends with a space"
    if len(text) > LONGEST_TEXT:
        return f"has {len(text)} characters, and {LONGEST_TEXT} is the most"
    return None


def choice_problem(answer: str, choices: list[str]) -> str | None:
    """What is wrong with a choice; None if nothing is. Cookiecutter itself takes any from a replay file."""
    return None if answer in choices else "must be one of: " + ", ".join(choices)


def all_problems(answers: dict, choices: dict[str, list[str]]) -> list[str]:
    """Every problem with the answers, one line each."""
    if strange := [key for key, value in answers.items() if not key.startswith("_") and not isinstance(value, str)]:
        return [f"{key} {answers[key]!r} must be text, in quotes" for key in strange]
    found = [("project_slug", slug_problem(answers["project_slug"]))]
    found += [(key, text_problem(key, answers[key])) for key in FREE_TEXT]
    found += [(key, choice_problem(answers[key], allowed)) for key, allowed in choices.items()]
    found += [(mode, choice_problem(answers.get(mode, "no"), ["no", "yes"])) for mode in MODES]
    return [f"{key} {answers[key]!r} {problem}" for key, problem in found if problem]


def choices_offered(repo: Path | None) -> dict[str, list[str]]:
    """The questions with fixed answers, from the template's cookiecutter.json; none where that cannot be read."""
    if repo is None:  # under cruft, which has refused other answers by itself
        return {}
    questions = json.loads((repo / "cookiecutter.json").read_text(encoding="utf-8"))
    return {key: value for key, value in questions.items() if isinstance(value, list) and not key.startswith("_")}


def words_dropped(repo: Path | None) -> list[str]:
    """What was typed and is no question, one line each, where that can be seen: cookiecutter itself drops it."""
    if repo is None:
        return []
    import command_line
    import wishes

    return wishes.unknown_words(repo, ANSWERS, command_line.typed(ANSWERS))


def hold_back(repo: Path) -> None:
    """Keep cookiecutter from writing into the project."""
    import private_copy
    import recorded_base
    import refusal

    try:
        recorded_base.refuse_links(Path.cwd())
    except refusal.RefusedError as error:
        refuse(str(error))
    private_copy.hold_back(repo, Path.cwd(), to_read="yes" in (ANSWERS.get("_dry_run"), ANSWERS.get("_undo")))


def refuse(sentence: str) -> None:
    """Stop cookiecutter with this message; a folder that it has made goes away again."""
    sys.exit(f"\n{sentence}\nNothing was written.\n")


def main() -> None:
    """Refuse, or let cookiecutter go on."""
    if sys.stderr:  # none where it is closed
        sys.stderr.reconfigure(errors="backslashreplace")
    repo = Path(ANSWERS["_repo_dir"]) if "_repo_dir" in ANSWERS else None
    has_run_pre_prompt = repo and (repo / ".private-copy").is_file()
    if not has_run_pre_prompt or sys.version_info[:2] < OLDEST_PYTHON:
        from cookiecutter import __version__ as running  # which takes a while

        if problem := version_problem(running, sys.version_info[:2]):
            refuse(problem)
    if repo and not has_run_pre_prompt:
        refuse("This template needs the hooks of cookiecutter 2.7 or newer: pip install --upgrade cookiecutter")
    if repo:
        sys.path.insert(0, str(repo / "hooks"))
    if problems := all_problems(ANSWERS, choices_offered(repo)) + words_dropped(repo):
        refuse("These answers cannot be used:\n  " + "\n  ".join(problems))
    if repo:
        hold_back(repo)
    elif any(os.scandir()):
        refuse(f"The folder {Path.cwd()} is not empty. Choose another project_slug or an empty folder.")


if __name__ == "__main__":
    main()
