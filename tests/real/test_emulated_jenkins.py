"""The emulation of Jenkins is strict, and ends as Jenkins would: else a Jenkinsfile that passes it proves nothing."""

import os
import re
import string
from pathlib import Path

import pytest
from emulation import jenkins
from support import run

pytestmark = pytest.mark.real


def pipeline(*stages: str, first: str = "agent any", last: str = "") -> str:
    """A Jenkinsfile with the bodies of its stages, which are called A, B and so on."""
    named = [f"stage('{name}') {{\n{body}\n}}" for name, body in zip(string.ascii_uppercase, stages, strict=False)]
    return "pipeline {\n" + "\n".join([first, "stages {", *named, "}", last]) + "\n}\n"


def steps(*lines: str) -> str:
    return "\n".join(["steps {", *lines, "}"])


def after(projects: str) -> str:
    return f"agent any\ntriggers {{ upstream(upstreamProjects: {projects}) }}"


@pytest.fixture
def build(tmp_path):
    """build(jenkinsfile): how its build of the branch `main` ends, in a new checkout in `workspace`."""

    def commit_and_build(text: str, **credentials: dict) -> jenkins.Result:
        workspace = tmp_path / "workspace"
        workspace.mkdir()
        (workspace / "Jenkinsfile").write_text(text, encoding="utf-8")
        run("git", "init", "-q", cwd=workspace)
        run("git", "add", "-A", cwd=workspace)
        run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "first", cwd=workspace)
        return jenkins.run(
            workspace / "Jenkinsfile",
            workspace,
            branch="main",
            environment={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            credentials=credentials,
            archive=tmp_path / "archive",
        )

    return commit_and_build


REFUSED = {
    "line 2: `pipeline` does not know `agnt`": pipeline(steps("echo 'x'"), first="agnt any"),
    "line 2: No such property: anyy": pipeline(steps("echo 'x'"), first="agent anyy"),
    "`pipeline` needs `agent`": pipeline(steps("echo 'x'"), first=""),
    "`stage` needs `steps` or `stages`": pipeline("agent any"),
    "line 5: `stage` does not know `stepz`": pipeline("stepz { echo 'x' }"),
    "line 5: `when` does not know `brunch`": pipeline("when { brunch 'main' }\n" + steps("echo 'x'")),
    "`options` does not know `timestamp`": pipeline(steps("echo 'x'"), first="agent any\noptions { timestamp() }"),
    "`steps` does not know `mial`": pipeline(steps("echo 'x'"), last="post { failure { mial 'x' } }"),
    "line 6: `steps` does not know `returnStdOut` of `sh`": pipeline(steps("sh script: 'x', returnStdOut: true")),
    "line 6: `steps` cannot take `if (env.X)": pipeline(steps("if (env.X) { echo 'x' }")),
    "line 3: No such property: SUCESS": pipeline(
        steps("echo 'x'"), first=after("'a', threshold: hudson.model.Result.SUCESS")
    ),
    "line 3: `triggers` does not know `limit` of `upstream`": pipeline(
        steps("echo 'x'"), first=after("'a', limit: 'x'")
    ),
    "Jenkinsfile: 6: Unexpected character": pipeline(steps("echo 'x")),
}


@pytest.mark.parametrize("complaint", REFUSED)
def test_what_is_not_declarative_is_refused_before_anything_runs(build, tmp_path, complaint):
    with pytest.raises(jenkins.RefusedError, match=re.escape(complaint)):
        build(REFUSED[complaint])
    assert (tmp_path / "workspace" / "Jenkinsfile").exists()


def test_a_failure_stops_what_follows_and_post_sections_run_by_result(build):
    sections = (
        "cleanup { echo 'end %s' }",
        "failure { echo 'bad %s' }",
        "success { echo 'good %s' }",
        "always { echo '%s' }",
    )
    post = "\n".join(["", "post {", *sections, "}"])
    a, b, whole = (post.replace("%s", name) for name in ("A", "B", "of all"))
    made = build(pipeline(steps("echo 'x'") + a, steps("sh 'exit 3'", "echo 'y'") + b, steps("echo 'z'"), last=whole))
    assert made.result == "FAILURE" and made.stages == {"A": "SUCCESS", "B": "FAILURE", "C": "NOT_BUILT"}
    assert [line for line in made.log.splitlines() if not line.startswith(("[Pipeline]", "+"))] == [
        *("x", "A", "good A", "end A"),
        *("ERROR: script returned exit code 3", "B", "bad B", "end B"),
        'Stage "C" skipped due to earlier failure(s)',
        *("of all", "bad of all", "end of all", "Finished: FAILURE"),
    ]


def test_a_stage_runs_when_all_its_conditions_hold(build):
    conditions = {
        "branch 'main'": "SUCCESS",
        "branch 'release/*'": "SKIPPED",
        "branch 'main'; expression { env.WANTED }": "SKIPPED",
        "branch 'm*'; environment name: 'CI', value: 'true'": "SUCCESS",
        "not { branch 'main' }": "SKIPPED",
        "triggeredBy 'BranchEventCause'": "SUCCESS",
        "not { triggeredBy 'TimerTrigger' }": "SUCCESS",
        "triggeredBy 'TimerTrigger'": "SKIPPED",
        "beforeAgent true; anyOf { branch 'dev'; allOf { branch 'main'; expression { params.SURE } } }": "SUCCESS",
    }
    stages = [f"when {{ {condition} }}\n" + steps("echo 'x'") for condition in conditions]
    made = build(pipeline(*stages, first="agent any\nparameters { booleanParam(name: 'SURE', defaultValue: true) }"))
    assert made.result == "SUCCESS" and list(made.stages.values()) == list(conditions.values())


def test_stages_in_a_stage_share_its_conditions_and_its_end(build):
    inner = "stages {\nstage('%s1') { steps { sh '%s' } }\nstage('%s2') { steps { echo 'x' } }\n}"
    a, b, c = ((inner % (name, command, name)) for name, command in (("A", "true"), ("B", "true"), ("C", "false")))
    made = build(pipeline("when { branch 'dev' }\n" + a, b, c + "\npost { failure { echo 'told' } }"))
    assert made.stages == {
        **dict.fromkeys(("A", "A1", "A2"), "SKIPPED"),
        **dict.fromkeys(("B", "B1", "B2"), "SUCCESS"),
        **{"C": "FAILURE", "C1": "FAILURE", "C2": "NOT_BUILT"},
    }
    assert "\ntold\nFinished: FAILURE" in made.log


def test_the_environment_is_what_jenkins_gives_and_each_stage_adds_its_own(build, monkeypatch, tmp_path):
    monkeypatch.setenv("OF_THE_TESTS", "leaks")
    monkeypatch.setenv("UV_INDEX", "of-this-machine")
    of_all = "agent any\nenvironment { ONE = '1'; TWO = \"${ONE}2 on ${env.BRANCH_NAME}\" }"
    of_a = "environment { ONE = 'one'; THREE = \"$TWO 3\" }\n"
    show = "sh 'echo \"$ONE|$TWO|$THREE|$OF_THE_TESTS\"'"
    facts = "sh 'echo $CI $UV_INDEX $BUILD_NUMBER $HOME $WORKSPACE $PWD $GIT_BRANCH $GIT_COMMIT; git rev-parse HEAD'"
    made = build(pipeline(of_a + steps(show), steps(show, "withEnv(['THREE=iii']) {", show, "}", facts), first=of_all))
    log = made.log.splitlines()
    assert [line for line in log if "|" in line and line[0] != "+"] == [
        *("one|12 on main|12 on main 3|", "1|12 on main||", "1|12 on main|iii|")
    ]
    workspace, commit = tmp_path / "workspace", log[-2]
    assert f"true of-this-machine 1 {tmp_path} {workspace} {workspace} main {commit}" in log and len(commit) == 40


def test_credentials_are_bound_in_their_scope_alone_and_masked(build, tmp_path):
    (tmp_path / "key").write_text("the key\n", encoding="utf-8")
    bound = "environment { TOKEN = credentials('token'); KEY = credentials('key'); USER = credentials('user') }\n"
    use = [
        "sh 'test $TOKEN = s3cret && grep \"the key\" $KEY && test $USER = $USER_USR:$USER_PSW'",
        "sh 'echo $TOKEN $USER_USR $USER_PSW $KEY; stat -c %a $KEY; echo $KEY > where'",
    ]
    gone = "sh 'test -z \"$TOKEN$KEY$USER\" && test ! -e $(cat where)'"
    with_step = "withCredentials([string(credentialsId: 'token', variable: 'T')]) { sh 'test $T = s3cret; echo $T' }"
    made = build(
        pipeline(bound + steps(*use), steps(gone, with_step, gone)),
        token={"type": "text", "value": "s3cret"},
        key={"type": "file", "path": tmp_path / "key"},
        user={"type": "userpass", "username": "ann", "password": "pa55word"},
    )
    assert made.result == "SUCCESS", made.log
    assert "\n**** ann **** ****\n" in made.log and "\n+ test **** = ****\n" in made.log and "\n400\n" in made.log
    assert "s3cret" not in made.log and "pa55word" not in made.log


def test_git_is_told_who_it_is_where_a_step_says_so_and_nowhere_else(build):
    ask = 'sh \'test "$($GIT_ASKPASS Username)/$($GIT_ASKPASS Password)" = "ann/pa55 word"\''
    alone = "sh 'test -z \"$GIT_ASKPASS$GIT_PASSWORD\"'"
    bound = f"withCredentials([gitUsernamePassword(credentialsId: 'git')]) {{ {ask} }}"
    made = build(
        pipeline(steps(alone, bound, alone), steps("sh 'git symbolic-ref HEAD'")),
        git={"type": "userpass", "username": "ann", "password": "pa55 word"},
    )
    assert made.stages == {"A": "SUCCESS", "B": "FAILURE"}, made.log
    assert "HEAD is not a symbolic ref" in made.log and "pa55 word" not in made.log


def test_a_credential_that_is_not_there_fails_its_stage(build):
    made = build(pipeline(steps("echo 'x'"), "environment { TOKEN = credentials('token') }\n" + steps("echo 'y'")))
    assert made.stages == {"A": "SUCCESS", "B": "FAILURE"} and "ID 'token'" in made.log and "\ny\n" not in made.log


def test_a_script_of_several_lines_is_one_shell_that_stops_at_the_first_failure(build):
    made = build(
        pipeline(steps("sh '''", "    mkdir deep", "    cd deep", "    pwd", "    false", "    echo on", "'''"))
    )
    assert made.result == "FAILURE" and "/workspace/deep\n" in made.log and "echo on" not in made.log


def test_a_script_block_gets_what_a_shell_says(build):
    made = build(
        pipeline(
            steps(
                "script {",
                "    def said = sh(script: 'echo out; echo err >&2', returnStdout: true).trim()",
                "    def status = sh(script: 'exit 4', returnStatus: true)",
                '    echo "said ${said}, ended with ${status}"',
                "}",
                "retry(2) { sh 'test -e tried || { touch tried; false; }' }",
            ),
            steps('echo "${said}"'),
        )
    )
    assert made.stages == {"A": "SUCCESS", "B": "FAILURE"} and "\nsaid out, ended with 4\n" in made.log
    assert "No such property: said" in made.log


def test_artifacts_are_kept_and_none_is_a_failure(build, tmp_path):
    keep = "archiveArtifacts artifacts: 'dist/*.txt', fingerprint: true"
    made = build(pipeline(steps("sh 'mkdir dist; touch dist/a.txt dist/b.csv'", keep), steps("deleteDir()", keep)))
    assert made.stages == {"A": "SUCCESS", "B": "FAILURE"} and "No artifacts found" in made.log
    kept = [path for path in (tmp_path / "archive").rglob("*") if path.is_file()]
    assert kept == [tmp_path / "archive" / "dist" / "a.txt"]


def test_an_agent_starts_with_the_checkout_and_no_agent_with_nothing(build):
    makes = steps("sh 'test -e Jenkinsfile; echo built > it'", "stash name: 'it', includes: 'it'")
    takes = steps("sh 'test -e Jenkinsfile; test ! -e it'", "unstash 'it'", "sh 'test -e it'")
    made = build(
        pipeline("agent { label 'one' }\n" + makes, "agent any\n" + takes, steps("sh 'true'"), first="agent none")
    )
    assert made.stages == {"A": "SUCCESS", "B": "SUCCESS", "C": "FAILURE"} and "needs an agent" in made.log


def test_the_checkout_can_wait_for_its_step(build):
    late = steps("sh 'test ! -e Jenkinsfile'", "checkout scm", "sh 'test -e Jenkinsfile'", "cleanWs()", "checkout scm")
    made = build(pipeline(late, first="agent any\noptions { skipDefaultCheckout() }"))
    assert made.result == "SUCCESS", made.log


def test_a_failed_test_in_a_report_makes_the_build_unstable(build):
    report = "<testsuite><testcase><failure/></testcase></testsuite>"
    made = build(pipeline(steps(f"sh 'echo \"{report}\" > report.xml'", "junit 'report.xml'"), steps("echo 'x'")))
    assert made.result == "UNSTABLE" and made.stages == {"A": "UNSTABLE", "B": "SUCCESS"}


def test_what_a_step_leaves_running_neither_holds_up_the_build_nor_outlives_it(build, tmp_path):
    made = build(pipeline(steps("sh 'sleep 600 & echo $! > pid'")))
    state = Path("/proc") / (tmp_path / "workspace" / "pid").read_text().strip() / "stat"
    assert made.result == "SUCCESS"
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_the_linter_takes_what_is_well_formed_and_nothing_else(tmp_path):
    written = {"good": "sh 'x'", "cut off": "sh 'x", "careless": "script { def unused = 1 }"}
    for name, step in written.items():
        (tmp_path / name).write_text(pipeline(steps(step)), encoding="utf-8")
    expected = {"good": [], "cut off": ["NglParseError"], "careless": ["UnusedVariable"]}
    assert jenkins.lint(tmp_path, *written) == expected
