"""The emulation of GitHub is strict and right, tried on workflows of a few lines."""

import base64
import re
import subprocess
from pathlib import Path

import pytest
from emulation import github, hub
from support import files_below, run

pytestmark = pytest.mark.real
PIN = "0123456789" * 4
CHECKOUT = f"{{uses: actions/checkout@{PIN}, with: {{persist-credentials: false}}}}"
SIGNED = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost"]


def job(*steps: str, **keys: str) -> str:
    """A job in one line."""
    more = "".join(f"{key}: {value}, " for key, value in keys.items())
    return f"{{runs-on: ubuntu-24.04, {more}steps: [{', '.join(steps)}]}}"


def step(script: str, **keys: str) -> str:
    """A step in one line, with the name that it has in the result."""
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"{{run: '{script}'{more}}}"


def action(which: str, **inputs: str) -> str:
    """A step that uses an action."""
    given = ", ".join(f'{key.replace("_", "-")}: "{value}"' for key, value in inputs.items())
    return f"{{uses: {which}@{PIN}, with: {{{given}}}}}"


def upload(**inputs: str) -> str:
    return action("actions/upload-artifact", name="dist", if_no_files_found="error", **inputs)


def download(**inputs: str) -> str:
    return action("actions/download-artifact", name="dist", **inputs)


@pytest.fixture
def clone(tmp_path) -> Path:
    """A clone with a branch beside main, and with files that git does not know or ignores."""
    folder = tmp_path / "clone"
    run("git", "init", "-q", "--bare", tmp_path / "owner" / "project.git", cwd=tmp_path)
    run("git", "init", "-q", "-b", "main", folder, cwd=tmp_path)
    run("git", "remote", "add", "origin", tmp_path / "owner" / "project.git", cwd=folder)
    (folder / ".gitignore").write_text("ignored\n", encoding="utf-8")
    (folder / ".env").write_text("LEAK=leak\n", encoding="utf-8")
    run("git", "add", ".gitignore", ".env", cwd=folder)
    run(*SIGNED, "commit", "-qm", "first", cwd=folder)
    for name in ("ignored", "untracked", ".actrc"):
        (folder / name).write_text("--env LEAK=leak\n", encoding="utf-8")
    return folder


@pytest.fixture
def emulate(clone, tmp_path):
    """emulate(jobs): what becomes of a workflow with these jobs, committed to `feature` and merged into main."""

    def emulated(
        jobs: dict[str, str], on: str = "[push, pull_request]", event: str = "push", branch: str = "main", **given: dict
    ) -> github.Result:
        lines = [f"on: {on}", "defaults: {run: {shell: bash}}", "jobs:", *(f"  {i}: {job}" for i, job in jobs.items())]
        path = clone / ".github" / "workflows" / "ci.yml"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines), encoding="utf-8")
        run("git", "checkout", "-qb", "feature", cwd=clone)
        run("git", "add", ".github", cwd=clone)
        run(*SIGNED, "commit", "-qm", "second", cwd=clone)
        run("git", "branch", "-f", "main", "feature~" if event == "pull_request" else "feature", cwd=clone)
        if "hub" in given:
            run("git", "push", "-q", given["hub"].repository, "main", cwd=clone)
        given = {"secrets": {}, "variables": {}, "environment": {}} | given
        return github.run(clone, "ci.yml", event=event, branch=branch, artifacts=tmp_path / "artifacts", **given)

    return emulated


def test_a_failing_job_stops_those_that_need_it_and_no_other(emulate):
    result = emulate(
        {
            "test": job(step("exit 3")),
            "deploy": job(step("true"), needs="build"),
            "build": job(step("true"), needs="test"),
            "other": job(step("true")),
            "after": job(step("true"), needs="other"),
        }
    )
    assert not result.success
    assert list(result.jobs) == ["test", "deploy", "build", "other", "after"]
    assert list(result.jobs.values()) == ["failure", "skipped", "skipped", "success", "success"]


def test_steps_after_a_failure_run_only_if_they_say_so(emulate):
    steps = [step("false | true"), step("echo no"), step("echo failed", **{"if": "failure()"})]
    steps.append(step("echo always", **{"if": "always()"}))
    keys = {"environment": "production", "concurrency": "{group: production}", "permissions": "{}"}
    result = emulate({"test": job(*steps, **keys)})
    assert [outcome for _, _, outcome in result.steps] == ["failure", "skipped", "success", "success"]
    assert result.steps[2] == ("test", "echo failed", "success")


def test_a_step_has_no_terminal_may_leave_a_service_and_is_heard_to_the_end(emulate):
    steps = [step("[[ ! -t 0 && ! -t 1 && ! -t 2 ]]"), step("(: > /dev/tty) 2> /dev/null && exit 1 || true")]
    steps += [step("sleep 60 & echo $! > service"), step("kill $(cat service)")]
    steps += [step("seq 30000; printf unended; exit 1")]
    result = emulate({"test": job(*steps)})
    assert [outcome for _, _, outcome in result.steps] == [*["success"] * 4, "failure"], result.log
    assert "[test] 30000\n[test] unended\n" in result.log


def test_a_job_sees_its_own_checkout_and_nothing_else(emulate, clone, monkeypatch):
    monkeypatch.setenv("OF_THE_CALLER", "leak")
    monkeypatch.chdir(clone)
    empty = step("[[ -d $TMPDIR ]]; find . ~ $TMPDIR -type f | grep . && exit 1; env | grep leak && exit 1; true")
    look = step("git status --porcelain --ignored; ls -A1; touch mine ~/mine $TMPDIR/mine; exit 1")
    result = emulate({"one": job(empty, CHECKOUT, look), "two": job(empty, CHECKOUT, look)})
    assert [outcome for _, _, outcome in result.steps] == ["success", "success", "failure"] * 2, result.log
    seen = [line for line in result.log.splitlines() if re.match(r"\[two\] (\S+$|\?\?|!!)", line)]
    assert seen == [f"[two] {name}" for name in (".env", ".git", ".github", ".gitignore")]


def test_what_the_environment_names_reaches_the_job(emulate, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "of-this-machine")
    environment = {"UV_CACHE_DIR": "cache of packages"}
    assert emulate(
        {"test": job(step('[[ "$UV_CACHE_DIR $PIP_INDEX_URL" == "cache of packages of-this-machine" ]]'))},
        environment=environment,
    ).success


def test_the_checkout_is_the_commit_alone_and_cannot_push(emulate):
    result = emulate(
        {
            "shallow": job(
                CHECKOUT, step("[[ $(git rev-list --count HEAD) == 1 && $(git branch --show-current) == main ]]")
            ),
            "deep": job(
                action("actions/checkout", fetch_depth="0", persist_credentials="false"),
                step("[[ $(git rev-list --count HEAD) == 2 && $(git rev-parse origin/feature) == $GITHUB_SHA ]]"),
                step("git push"),
            ),
            "with-credentials": job(action("actions/checkout")),  # to push to a folder, which asks nobody
        }
    )
    assert [outcome for _, _, outcome in result.steps] == [*["success"] * 4, "failure", "failure"]


def test_a_pull_request_runs_what_main_would_become(emulate):
    about = "$GITHUB_EVENT_NAME $GITHUB_REF $GITHUB_BASE_REF $GITHUB_HEAD_REF $GITHUB_REPOSITORY"
    result = emulate(
        {
            "test": job(CHECKOUT, step(f"echo {about}"), step("git log -1 --format=%s; git symbolic-ref HEAD")),
            "deploy": job(step("true"), **{"if": "github.ref == 'refs/heads/main'"}),
        },
        event="pull_request",
        branch="feature",
    )
    assert "[test] pull_request refs/pull/1/merge main feature owner/project\n" in result.log
    assert "[test] Merge\n" in result.log and result.steps[2][2] == "failure"
    assert result.jobs == {"test": "failure", "deploy": "skipped"}


@pytest.mark.parametrize(
    ("on", "event", "branch"),
    [
        ("{push: {branches: [main]}, pull_request: }", "push", "feature"),
        ("{pull_request: {branches: [other]}}", "pull_request", "feature"),
        ("push", "pull_request", "feature"),
        ("{workflow_run: {workflows: [Other]}}", "workflow_run", "main"),
        ("{workflow_run: {workflows: [Train], branches: [main]}}", "workflow_run", "feature"),
    ],
)
def test_what_does_not_start_on_github_does_not_start(emulate, on, event, branch):
    with pytest.raises(AssertionError, match="does not start"):
        emulate({"test": job(step("true"))}, on=on, event=event, branch=branch)


@pytest.mark.parametrize(("how", "outcome"), [("success", "success"), ("skipped", "skipped")])
def test_a_workflow_follows_another_on_main_and_knows_how_that_ended(emulate, how, outcome):
    look = step("[[ $GITHUB_EVENT_NAME == workflow_run && $GITHUB_REF == refs/heads/main ]]")
    following = job(look, **{"if": "github.event.workflow_run.conclusion == 'success'"})
    on = "{workflow_run: {workflows: [CI], types: [completed], branches: [feature]}}\nname: CI"
    result = emulate({"test": following}, on=on, event="workflow_run", branch="feature", after=("CI", how))
    assert result.jobs == {"test": outcome}, result.log


def test_what_follows_a_workflow_that_is_not_there_is_refused(emulate):
    with pytest.raises(AssertionError, match="there is no Train"):
        emulate({"test": job(step("true"))}, on="{workflow_run: {workflows: [Train]}}", after=("Train", "success"))


@pytest.fixture
def served(clone, tmp_path):
    """A hub that serves what the clone is a clone of, and takes a key."""
    with hub.running(tmp_path / "served" / "owner" / "project.git", **{"deploy-key": "emulated-key"}) as running:
        run("git", "remote", "set-url", "origin", running.address, cwd=clone)
        yield running


COMMIT = "git -c user.name=t -c user.email=t@localhost commit -q --allow-empty -m third"
PUSH = "git push -q origin HEAD:main"
PERSISTED = {"persist_credentials": "true", "ref": "main"}


@pytest.mark.parametrize(("key", "started"), [("", []), ("emulated-key", [("ci.yml", "push")])])
def test_a_push_starts_workflows_unless_the_token_of_one_has_made_it(emulate, served, key, started):
    checkout = action("actions/checkout", ssh_key="${{ secrets.KEY }}", **PERSISTED)
    pushing = job(checkout, step(COMMIT), step(PUSH), permissions="{contents: write}")
    result = emulate({"push": pushing}, secrets={"KEY": key}, hub=served)
    assert result.success, result.log
    assert served.git("log", "-1", "--format=%s", "main").strip() == "third" and served.started == started
    assert github.TOKEN not in result.log and "emulated-key" not in result.log


def test_a_token_may_what_its_workflow_says_and_no_more(emulate, served):
    checkout = action("actions/checkout", **PERSISTED)
    result = emulate({"push": job(checkout, step(COMMIT), step(PUSH), permissions="{contents: read}")}, hub=served)
    assert [outcome for _, _, outcome in result.steps] == ["success", "success", "failure"]
    assert "The requested URL returned error: 403" in result.log
    assert served.git("log", "-1", "--format=%s", "main").strip() == "second"


def test_a_checkout_of_a_branch_gives_what_it_is_now(emulate, served, clone):
    def push_meanwhile() -> None:
        run(*SIGNED, "commit", "-q", "--allow-empty", "-m", "meanwhile", cwd=clone)
        run("git", "push", "-q", served.repository, "HEAD:main", cwd=clone)

    checkout = action("actions/checkout", **PERSISTED)
    served.interruption = push_meanwhile
    first, anew = step(COMMIT), step("git fetch -q; git log -1 --format=%s origin/main")
    may = {"permissions": "{contents: write}"}
    refused = job(checkout, first, step(f"{PUSH} && exit 1 || true"), anew, **may)
    after = job(checkout, step("git log -1 --format=%s"), needs="refused", **may)
    result = emulate({"refused": refused, "anew": after}, hub=served)
    assert result.success and "[refused] meanwhile\n" in result.log and "[anew] meanwhile\n" in result.log, result.log


@pytest.mark.parametrize(
    ("on", "asked", "token", "may", "status"),
    [
        ("[push, workflow_dispatch]", "ci.yml", github.TOKEN, "write", 204),
        ("[push, workflow_dispatch]", "ci.yml", github.TOKEN, "read", 403),
        ("[push, workflow_dispatch]", "ci.yml", "another", "write", 401),
        ("[push, workflow_dispatch]", "cd.yml", github.TOKEN, "write", 404),
        ("push", "ci.yml", github.TOKEN, "write", 422),
    ],
)
def test_a_workflow_is_started_where_github_would_start_it(emulate, served, on, asked, token, may, status):
    asking = (
        f"curl --silent --output said --write-out %{{http_code}} --header @- --data @body "
        f"$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/actions/workflows/{asked}/dispatches "
        f'<<< "Authorization: Bearer {token}"'
    )
    body = step('echo {\\"ref\\": \\"main\\"} > body')
    steps = (body, step(f"[[ $({asking}) == {status} ]]"))
    result = emulate({"start": job(*steps, permissions=f"{{actions: {may}}}")}, on=on, hub=served)
    assert result.success, result.log
    assert served.started == ([("ci.yml", "workflow_dispatch")] if status == 204 else [])


@pytest.mark.parametrize(
    ("branch", "variables", "outcome"),
    [
        ("main", {"DEPLOY_HOST": "host"}, "success"),
        ("main", {}, "skipped"),
        ("feature", {"DEPLOY_HOST": "host"}, "skipped"),
    ],
)
def test_a_variable_and_the_branch_decide_on_a_job(emulate, branch, variables, outcome):
    gate = "github.ref == 'refs/heads/main' && vars.DEPLOY_HOST != ''"
    deploy = job(step("[[ ${{ vars.DEPLOY_HOST }} == host ]]"), **{"if": gate})
    result = emulate({"deploy": deploy}, branch=branch, variables=variables)
    assert result.jobs == {"deploy": outcome} and result.success


def test_a_secret_reaches_only_the_step_that_names_it_and_no_log(emulate):
    key = 'line "1" \N{KEY}\nline $2\n'
    others = step("env | grep KEY= && exit 1 || true")
    env = "{KEY: '${{ secrets.KEY }}', WORD: '${{ secrets.WORD }}'}"
    named = step('printf %s "$KEY" | base64 -w0; echo " and $WORD"', env=env)
    result = emulate({"test": job(others, named, others)}, secrets={"KEY": key, "WORD": "s3cret"})
    assert result.success, result.log
    assert f"[test] {base64.b64encode(key.encode()).decode()} and ***\n" in result.log
    assert "s3cret" not in result.log


ARTIFACTS = {
    "one file": ("made/here/a.txt", ["a.txt"]),
    "a folder": ("made", ["b.txt", "here/a.txt"]),
    "a pattern": ("made/**/*.txt", ["b.txt", "here/a.txt"]),
    "several": ("made/here/a.txt\\nmade/*.txt", ["b.txt", "here/a.txt"]),
    "all but one": ("made\\n!made/b.txt", ["here/a.txt"]),
}


@pytest.mark.parametrize("search", ARTIFACTS)
def test_an_artifact_passes_from_job_to_job_with_the_layout_of_the_real_action(emulate, tmp_path, search):
    path, files = ARTIFACTS[search]
    make = step("mkdir -p made/here made/.hidden; echo a | tee made/here/a.txt made/b.txt made/.c made/.hidden/d")
    result = emulate(
        {
            "build": job(make, upload(path=path, retention_days="7", compression_level="0")),
            "deploy": job(download(path="there"), step("cd there; find . -type f"), needs="build"),
        }
    )
    assert result.success, result.log
    assert list(files_below(tmp_path / "artifacts" / "dist")) == files
    assert sorted(line for line in result.log.splitlines() if "./" in line) == [f"[deploy] ./{file}" for file in files]


BROKEN = {
    "no such artifact": [download()],
    "nothing to keep": [upload(path="absent")],
    "kept twice": [step("touch a"), upload(path="a"), upload(path="a")],
    "a name that no artifact holds": [step("touch a:b"), upload(path="a:b")],
    "no such number of days": [step("touch a"), upload(path="a", retention_days="365")],
    "no such value": [action("astral-sh/setup-uv", enable_cache="yes")],
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_fails_on_github_fails(emulate, broken):
    result = emulate({"test": job(*BROKEN[broken])})
    assert result.jobs == {"test": "failure"}
    assert {outcome for _, _, outcome in result.steps[:-1]} <= {"success"} and "::error::" in result.log


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (action("actions/setup-python"), "nothing stands in for actions/setup-python"),
        (action("other/setup-uv"), "nothing stands in for other/setup-uv"),
        (upload(path="a", overwrite="true"), "does not know ['overwrite']"),
        (upload(), "needs ['path']"),
    ],
)
def test_what_the_emulation_does_not_know_is_refused(emulate, refused, message):
    with pytest.raises(AssertionError) as error:
        emulate({"test": job(refused)})
    assert message in str(error.value)


@pytest.mark.parametrize("key", ["container: debian", "services: {}", "strategy: {matrix: {a: [1]}}"])
def test_a_job_that_needs_more_than_the_emulation_is_refused(emulate, key):
    with pytest.raises(AssertionError, match="not emulated"):
        emulate({"test": job(step("true"), **dict([key.split(": ", 1)]))})


def test_setup_uv_gives_the_python_and_the_version_asked_for(emulate):
    asked = action("astral-sh/setup-uv", version="0.9.5", python_version="3.11", enable_cache="auto")
    look = step('[[ $(uv --version) == "uv 0.9.5"* && $UV_PYTHON == 3.11 ]]')
    assert emulate({"test": job(asked, look)}).success


def test_a_workflow_that_act_cannot_read_is_no_result(emulate):
    with pytest.raises(AssertionError, match="act could not run"):
        emulate({"test": job(step("true"), needs="absent")})


def test_a_job_has_the_time_that_it_says(emulate):
    with pytest.raises(subprocess.TimeoutExpired):
        emulate({"test": job(step("true"), **{"timeout-minutes": "0"})})
