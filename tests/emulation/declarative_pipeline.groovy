/**
 * Runs a Jenkinsfile on this machine as Jenkins' Declarative Pipeline would: an emulation, not Jenkins.
 *
 * It knows the public methods of the classes below and nothing else. Grammar compares the file with them before
 * anything runs, and refuses one that says more, with exit code 2. Triggers, time limits and retention are read, but
 * not acted on.
 */

import groovy.ant.AntBuilder
import groovy.json.*
import groovy.transform.*
import groovy.xml.XmlSlurper
import java.lang.reflect.Method
import java.nio.file.*
import java.util.concurrent.TimeUnit
import org.apache.tools.ant.types.selectors.SelectorUtils
import org.codehaus.groovy.ast.*
import org.codehaus.groovy.ast.builder.AstBuilder
import org.codehaus.groovy.ast.expr.*
import org.codehaus.groovy.ast.stmt.*
import org.codehaus.groovy.control.*

Map order = new JsonSlurper().parse(new File(args[0]))
String jenkinsfile = new File(order.jenkinsfile).text
Top top = new Top()
try {
    CompilerConfiguration delegating = new CompilerConfiguration(scriptBaseClass: DelegatingScript.name)
    DelegatingScript script = new GroovyShell(delegating).parse(jenkinsfile, 'Jenkinsfile')
    new AstBuilder().buildFromString(CompilePhase.CONVERSION, true, jenkinsfile)*.visit(new Grammar())
    script.setDelegate(top)
    script.run()
} catch (Exception problem) {
    Integer line = problem.stackTrace.find { it.fileName == 'Jenkinsfile' }?.lineNumber
    System.err.println((line ? "line $line: " : '') + problem.message)
    System.exit(2)
}
Map<String, File> folders = order.folders.collectEntries { name, path -> [name, new File(path)] }
new File(args[1]).text = JsonOutput.toJson(top.declared.run(new Build(order.build + folders)))

/** Allows in a block only the methods of the class that the block is for, with the arguments that they name. */
class Grammar extends CodeVisitorSupport {
    private Class block = Top

    @Override
    void visitBlockStatement(BlockStatement body) {
        if (block != Code && body.empty) refuse('is empty', body)
        body.statements.each { if (block != Code && !fits(it)) refuse("cannot take `$it.text`", it) }
        super.visitBlockStatement(body)
        if (block in [Top, Pipeline, Stage, Post]) checkSections(body)
    }

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        Class outer = block
        if (call.implicitThis) {
            List<Method> known = block.methods.findAll { it.name == call.methodAsString && it.declaringClass != Object }
            if (!known) refuse("does not know `$call.methodAsString`", call)
            checkArguments(call, known*.parameters.flatten()*.getAnnotation(NamedParams).findAll()*.value().flatten())
            block = known*.parameters.flatten()*.getAnnotation(DelegatesTo).findResult { it?.value() } ?: outer
        }
        super.visitMethodCallExpression(call)
        block = outer
    }

    private boolean fits(Statement statement) {
        Expression expression = statement instanceof ExpressionStatement ? statement.expression : null
        if (block == Environment) return expression?.class == BinaryExpression && assignsText(expression)
        expression instanceof MethodCallExpression && expression.implicitThis
    }

    private boolean assignsText(BinaryExpression expression) {
        Expression value = expression.rightExpression
        boolean text = value.type in [ClassHelper.STRING_TYPE, ClassHelper.GSTRING_TYPE]
        expression.operation.text == '=' && expression.leftExpression instanceof VariableExpression &&
            (text || value instanceof MethodCallExpression)
    }

    private void checkSections(BlockStatement body) {
        List<String> names = body.statements*.expression*.methodAsString
        block.NEEDS.each { if (names.disjoint(it)) refuse("needs `${it.join('` or `')}`", body) }
        names.countBy { it }.each { name, count -> if (count > 1) refuse("has `$name` more than once", body) }
    }

    private void checkArguments(MethodCallExpression call, List<NamedParam> allowed) {
        List<Expression> given = call.arguments.expressions.findAll { !(it instanceof ClosureExpression) }
        if (given.size() > 1) refuse("takes no second argument without a name in `$call.text`", call)
        if (!(given[0] instanceof MapExpression)) return
        List<String> names = given[0].mapEntryExpressions*.keyExpression*.text
        (names - allowed*.value()).each { refuse("does not know `$it` of `$call.methodAsString`", call) }
        (allowed.findAll { it.required() }*.value() - names).each { refuse("needs `$it` in `$call.text`", call) }
    }

    private void refuse(String problem, ASTNode node) {
        throw new Exception("line $node.lineNumber: `${block.simpleName.uncapitalize()}` $problem")
    }
}

class Top {
    protected static final List<List<String>> NEEDS = [['pipeline']]
    protected final Pipeline declared = new Pipeline()

    void pipeline(@DelegatesTo(Pipeline) Closure body) { declared.tap(body) }
}

/** What a pipeline and a stage have in common. */
abstract class Section {
    final String any = 'any', none = 'none'
    protected boolean ownAgent
    protected Closure assignments = { }
    protected final Post afterwards = new Post()

    void agent(String kind) { ownAgent = kind == any }
    void agent(@DelegatesTo(Agent) Closure body) { ownAgent = new Agent().tap(body) }
    void environment(@DelegatesTo(Environment) Closure body) { assignments = body }
    void post(@DelegatesTo(Post) Closure body) { afterwards.tap(body) }
}

class Agent {
    void label(String expression) { }
}

class Pipeline extends Section {
    protected static final List<List<String>> NEEDS = [['agent'], ['stages']]
    protected final Options settings = new Options()
    protected final Parameters inputs = new Parameters()
    protected final Stages parts = new Stages()

    void options(@DelegatesTo(Options) Closure body) { settings.tap(body) }
    void triggers(@DelegatesTo(Triggers) Closure body) { new Triggers().tap(body) }
    void parameters(@DelegatesTo(Parameters) Closure body) { inputs.tap(body) }
    void stages(@DelegatesTo(Stages) Closure body) {
        parts.tap(body).all()*.name.countBy { it }.each { name, count ->
            if (count > 1) throw new Exception("$count stages are called '$name'")
        }
    }

    protected Map run(Build build) {
        build.workspace.deleteDir() // an agent has nothing before it checks out
        build.checksOut = settings.checksOut
        build.parameters = inputs.values
        build.stages = parts.all().collectEntries { [it.name, 'NOT_BUILT'] }
        Map<String, String> entered = inputs.values.collectEntries { name, value -> [name, value as String] }
        Scope outer = new Scope(build: build, variables: build.environment + entered)
        boolean finished = false
        Throwable problem = outer.attempt {
            (ownAgent ? outer.onAgent(build.workspace) : outer).inEnvironment(assignments) { Scope inner ->
                Throwable first = parts.run(inner)
                finished = true
                afterwards.run(inner, first)
            }
        }
        String result = build.result(finished ? problem : afterwards.run(outer, problem))
        outer.log("Finished: $result")
        [result: result, stages: build.stages]
    }
}

class Stages {
    private final List<Stage> declared = []

    void stage(String name, @DelegatesTo(Stage) Closure body) { declared << new Stage(name: name).tap(body) }

    protected List<Stage> all() { declared.collectMany { [it] + it.parts.all() } }

    /** The first problem. */
    protected Throwable run(Scope scope) { declared.inject(null) { earlier, stage -> stage.run(scope, earlier) } }
}

class Stage extends Section {
    protected static final List<List<String>> NEEDS = [['steps', 'stages']]
    protected String name
    protected final When conditions = new When()
    protected final Stages parts = new Stages()
    protected Closure work

    void options(@DelegatesTo(StageOptions) Closure body) { new StageOptions().tap(body) }
    void when(@DelegatesTo(When) Closure body) { conditions.tap(body) }
    void stages(@DelegatesTo(Stages) Closure body) { parts.tap(body) }
    void steps(@DelegatesTo(Steps) Closure body) { work = body }

    /** The first problem that there was, up to this stage and in it. */
    protected Throwable run(Scope outer, Throwable earlier) {
        outer.log("[Pipeline] { ($name)")
        if (earlier) {
            skip(outer, 'NOT_BUILT', 'earlier failure(s)')
            return earlier
        }
        Build build = outer.build
        boolean wasUnstable = build.unstable
        build.stages[name] = 'SUCCESS'
        Throwable problem = outer.attempt {
            // It may be another machine: what it needs of earlier stages must be unstashed.
            Scope own = ownAgent ? outer.onAgent(build.newFolder('workspace')) : outer
            if (conditions.hold(conditions.early ? outer : own)) {
                return own.inEnvironment(assignments) { afterwards.run(it, work ? it.steps(work) : parts.run(it)) }
            }
            skip(outer, 'SKIPPED', 'when conditional')
            null
        }
        if (build.unstable && !wasUnstable) build.stages[name] = 'UNSTABLE'
        if (problem) build.stages[name] = 'FAILURE'
        problem
    }

    protected void skip(Scope scope, String verdict, String reason) {
        scope.build.stages[name] = verdict
        scope.log("Stage \"$name\" skipped due to $reason")
        parts.declared*.skip(scope, verdict, reason)
    }
}

class StageOptions {
    void timestamps() { }
    @NamedVariant(coerce = true) void timeout(int time, TimeUnit unit = TimeUnit.MINUTES) { }
}

class Options extends StageOptions {
    protected boolean checksOut = true

    void skipDefaultCheckout(boolean wanted = true) { checksOut = !wanted }
    void disableConcurrentBuilds() { }
    void buildDiscarder(boolean rotator) { }
    @NamedVariant boolean logRotator(String numToKeepStr = '', String artifactNumToKeepStr = '') { true }
}

class Triggers {
    final Map hudson = [model: [Result: Result]]

    void cron(String times) { }
    void pollSCM(String times) { }
    @NamedVariant void upstream(String upstreamProjects, Result threshold = Result.SUCCESS) { }
}

enum Result { SUCCESS, UNSTABLE, FAILURE, NOT_BUILT, ABORTED }

/** The values of a build for which nobody has entered others. */
class Parameters {
    protected final Map<String, Object> values = [:]

    @NamedVariant void string(String name, String defaultValue = '', String description = '') {
        values[name] = defaultValue
    }
    @NamedVariant void booleanParam(String name, boolean defaultValue = false, String description = '') {
        values[name] = defaultValue
    }
    @NamedVariant void choice(String name, List<String> choices, String description = '') { values[name] = choices[0] }
}

class When {
    protected final List<Closure<Boolean>> conditions = []
    protected boolean early

    void beforeAgent(boolean wanted) { early = wanted }
    void branch(String pattern) { conditions << { SelectorUtils.matchPath(pattern, it.variables.BRANCH_NAME) } }
    @NamedVariant void environment(String name, String value) { conditions << { it.variables[name] == value } }
    void triggeredBy(String cause) { conditions << { it.build.cause == cause } }
    void expression(@DelegatesTo(Code) Closure body) { conditions << { new Code(it).with(body) as boolean } }
    void not(Closure body) { conditions << { !new When().tap(body).hold(it) } }
    void allOf(Closure body) { conditions << { new When().tap(body).hold(it) } }
    void anyOf(Closure body) { conditions << { Scope scope -> new When().tap(body).conditions.any { it(scope) } } }

    protected boolean hold(Scope scope) { conditions.every { it(scope) } }
}

/** What runs at the end, in the order in which Jenkins looks at the conditions. */
class Post {
    protected static final List<List<String>> NEEDS = []
    private final Map<Integer, List<Closure>> inOrder = new TreeMap()

    void always(@DelegatesTo(Steps) Closure body) { inOrder[1] = [{ true }, body] }
    void changed(@DelegatesTo(Steps) Closure body) { inOrder[2] = [{ true }, body] } // there is no earlier build
    void success(@DelegatesTo(Steps) Closure body) { inOrder[3] = [{ it == 'SUCCESS' }, body] }
    void unsuccessful(@DelegatesTo(Steps) Closure body) { inOrder[4] = [{ it != 'SUCCESS' }, body] }
    void unstable(@DelegatesTo(Steps) Closure body) { inOrder[5] = [{ it == 'UNSTABLE' }, body] }
    void failure(@DelegatesTo(Steps) Closure body) { inOrder[6] = [{ it == 'FAILURE' }, body] }
    void cleanup(@DelegatesTo(Steps) Closure body) { inOrder[7] = [{ true }, body] }

    /** The first problem, which may be in these steps. */
    protected Throwable run(Scope scope, Throwable problem) {
        inOrder.values().inject(problem) { first, section ->
            def (applies, body) = section
            Throwable later = applies(scope.build.result(first)) ? scope.steps(body) : null
            first ?: later
        }
    }
}

/** What can be named in values and steps. */
@TupleConstructor(includeFields = true, includes = 'scope')
abstract class Names {
    protected Scope scope

    Map<String, String> getEnv() { scope.variables }
    Map<String, Object> getParams() { scope.build.parameters.asImmutable() }
    Object propertyMissing(String name) {
        if (!(name in scope.variables.keySet())) throw new MissingPropertyException("No such property: $name")
        scope.variables[name]
    }
}

/** Takes `NAME = 'text'` and `NAME = credentials('id')`, one after the other. */
@InheritConstructors
class Environment extends Names {
    Map credentials(String id) { [id: id] }

    void propertyMissing(String name, Object value) {
        scope = value instanceof Map
            ? scope.bind(value.id, [secret: name, user: name + '_USR', password: name + '_PSW'])
            : scope.copyWith(variables: scope.variables + [(name): value as String])
    }
}

@InheritConstructors
class Steps extends Names {
    String getScm() { 'where the Jenkinsfile comes from' }

    @NamedVariant
    Object sh(String script, String label = '', boolean returnStatus = false, boolean returnStdout = false) {
        scope.log(label ? "[Pipeline] sh ($label)" : '[Pipeline] sh')
        scope.shell(script, returnStatus, returnStdout)
    }

    void echo(String message) { scope.log(message) }
    void error(String message) { throw new Exception(message) }
    void checkout(String source) { scope.checkOut() }
    void deleteDir() { scope.folder.deleteDir() }
    void cleanWs() { deleteDir() }

    @NamedVariant
    void archiveArtifacts(String artifacts, boolean fingerprint = false) {
        if (scope.copy(artifacts, scope.folder, scope.build.archive)) return
        error("No artifacts found that match the file pattern \"$artifacts\". Configuration error?")
    }

    @NamedVariant
    void junit(String testResults) {
        List<File> reports = scope.matching(testResults, scope.folder)
        if (!reports) error('No test report files were found. Configuration error?')
        boolean failures = reports.any { new XmlSlurper().parse(it).'**'.any { it.name() in ['failure', 'error'] } }
        if (failures) scope.build.unstable = true
    }

    @NamedVariant
    void stash(String name, String includes = '**') {
        File kept = new File(scope.build.temporary, "stash/$name")
        kept.deleteDir()
        if (!scope.copy(includes, scope.folder, kept)) error("No files included in stash '$name'")
    }

    @NamedVariant
    void unstash(String name) {
        File kept = new File(scope.build.temporary, "stash/$name")
        if (!kept.directory) error("No such saved stash '$name'")
        scope.copy('**', kept, scope.folder)
    }

    Object script(@DelegatesTo(Code) Closure body) { new Code(scope).with(body) }

    Object dir(String path, Closure body) {
        new Steps(scope.copyWith(place: scope.folder.toPath().resolve(path).toFile())).with(body)
    }

    Object withEnv(List<String> pairs, Closure body) {
        Map<String, String> added = pairs.collectEntries { it.split('=', 2) as List }
        new Steps(scope.copyWith(variables: scope.variables + added)).with(body)
    }

    @NamedVariant(coerce = true)
    Object timeout(@NamedParam(required = true) int time, @NamedParam TimeUnit unit = TimeUnit.MINUTES, Closure body) {
        with(body)
    }

    Object retry(int count, Closure body) {
        try {
            with(body)
        } catch (Exception problem) {
            if (count < 2) throw problem
            scope.log("ERROR: $problem.message\nRetrying")
            retry(count - 1, body)
        }
    }

    Object withCredentials(List<Closure<Scope>> bindings, Closure body) {
        scope.withSecretFiles { inner -> new Steps(bindings.inject(inner) { bound, bind -> bind(bound) }).with(body) }
    }

    @NamedVariant Closure<Scope> string(String credentialsId, String variable) {
        return { it.bind(credentialsId, [secret: variable], 'text') }
    }
    @NamedVariant Closure<Scope> file(String credentialsId, String variable) {
        return { it.bind(credentialsId, [secret: variable], 'file') }
    }
    @NamedVariant Closure<Scope> usernamePassword(
        String credentialsId, String usernameVariable, String passwordVariable
    ) {
        return { it.bind(credentialsId, [user: usernameVariable, password: passwordVariable], 'userpass') }
    }
    @NamedVariant Closure<Scope> gitUsernamePassword(String credentialsId, String gitToolName = 'Default') {
        return { it.bind(credentialsId, [user: 'GIT_USERNAME', password: 'GIT_PASSWORD'], 'userpass').forGit() }
    }
    @NamedVariant Closure<Scope> sshUserPrivateKey(
        String credentialsId, String keyFileVariable, String usernameVariable = '', String passphraseVariable = ''
    ) {
        Map names = [secret: keyFileVariable, user: usernameVariable, password: passphraseVariable].findAll { it.value }
        return { it.bind(credentialsId, names, 'ssh') }
    }
}

/** Steps among any other Groovy. */
@InheritConstructors
class Code extends Steps { }

/** What the whole of a build shares. */
class Build {
    File workspace, source, archive, temporary
    String commit, cause
    Map<String, String> environment, stages
    Map<String, Map> credentials
    Map<String, Object> parameters
    boolean checksOut, unstable

    String result(Throwable problem) { problem ? 'FAILURE' : unstable ? 'UNSTABLE' : 'SUCCESS' }
    File newFolder(String purpose) { Files.createTempDirectory(temporary.toPath(), purpose).toFile() }
}

/** Where a step is, what its variables are, and what of them the log must not show. */
@Immutable(copyWith = true, knownImmutableClasses = [Build])
class Scope {
    Build build
    File place, secretFiles
    Map<String, String> variables
    List<String> secrets = []

    File getFolder() {
        if (!place) throw new Exception('this step needs an agent, and has none')
        place.mkdirs()
        place
    }

    void log(String text) {
        List<String> longestFirst = secrets.findAll { it.size() > 2 }.sort { -it.size() }
        text.eachLine { println longestFirst.inject(it) { line, secret -> line.replace(secret, '****') } }
    }

    /** What the body throws or, if it throws nothing, what it returns. */
    Throwable attempt(Closure<Throwable> body) {
        try {
            body()
        } catch (Throwable problem) {
            log("ERROR: ${problem.message ?: problem}")
            problem
        }
    }

    Throwable steps(Closure body) {
        attempt {
            new Steps(this).with(body)
            null
        }
    }

    Scope onAgent(File workspace) {
        Scope there = copyWith(place: workspace, variables: variables + [WORKSPACE: workspace.path])
        if (!build.checksOut) return there
        there.checkOut()
        there.copyWith(variables: there.variables + [GIT_COMMIT: build.commit, GIT_BRANCH: variables.BRANCH_NAME])
    }

    void checkOut() { assert ['cp', '-a', "$build.source/.", folder].execute().waitFor() == 0 }

    Throwable inEnvironment(Closure assignments, Closure<Throwable> body) {
        withSecretFiles { Scope inner ->
            Environment environment = new Environment(inner)
            Closure own = assignments.rehydrate(environment, null, null)
            own.resolveStrategy = Closure.DELEGATE_ONLY // or what goes wrong in it is tried again outside, in silence
            own()
            body(environment.scope)
        }
    }

    Object withSecretFiles(Closure body) {
        File files = build.newFolder('secretFiles')
        try {
            body(copyWith(secretFiles: files))
        } finally {
            files.deleteDir()
        }
    }

    /** The same, with the parts of a credential in the variables of these names. */
    Scope bind(String id, Map<String, String> names, String type = null) {
        Map credential = build.credentials[id]
        if (!credential) throw new Exception("Could not find credentials entry with ID '$id'")
        if (type && type != credential.type) throw new Exception("'$id' is of type '$credential.type', not '$type'")
        Map<String, String> bound = partsOf(credential).subMap(names.keySet())
        copyWith(variables: variables + bound.collectEntries { part, value -> [names[part], value] },
                 secrets: secrets + bound.findAll { it.key != 'user' }.values())
    }

    /** The same, with a program that tells git who it is. */
    Scope forGit() {
        if (!place) throw new Exception('what git asks needs an agent, and has none')
        File program = Files.createTempFile(secretFiles.toPath(), 'auth', '.sh').toFile()
        program.text = '#!/bin/sh\ncase $1 in Username*) echo "$GIT_USERNAME" ;; *) echo "$GIT_PASSWORD" ;; esac\n'
        program.executable = true
        copyWith(variables: variables + [GIT_ASKPASS: program.path, GIT_TERMINAL_PROMPT: 'false'])
    }

    private Map<String, String> partsOf(Map credential) {
        credential.with {
            switch (type) {
                case 'text': return [secret: value]
                case 'file': return [secret: copyOf(path)]
                case 'ssh': return [secret: copyOf(path), user: username, password: passphrase ?: '']
                case 'userpass': return [secret: "$username:$password" as String, user: username, password: password]
            }
        }
    }

    private String copyOf(String path) {
        if (!place) throw new Exception('a secret file needs an agent, and has none')
        File copy = Files.createTempFile(secretFiles.toPath(), 'file', '').toFile()
        copy.bytes = new File(path).bytes
        copy.setReadOnly()
        copy.path
    }

    /** Runs a script, with its output in files: what it leaves running would keep a pipe open. */
    Object shell(String script, boolean returnStatus, boolean returnStdout) {
        File files = build.newFolder('sh')
        File file = new File(files, 'script.sh'), console = new File(files, 'log'), output = new File(files, 'output')
        file.text = script
        file.executable = true
        ProcessBuilder shell = new ProcessBuilder(script.startsWith('#!') ? [file.path] : ['sh', '-xe', file.path])
        shell.environment().tap { clear() }.putAll(variables)
        shell.directory(folder).redirectInput(new File('/dev/null')).redirectErrorStream(!returnStdout)
            .redirectError(console).redirectOutput(returnStdout ? output : console)
        int status = shell.start().waitFor()
        log(console.text)
        if (returnStatus) return status
        if (status != 0) throw new Exception("script returned exit code $status")
        returnStdout ? output.text : null
    }

    List<File> matching(String patterns, File below) {
        new AntBuilder().fileScanner { fileset(dir: below, includes: patterns) }.iterator().toList()
    }

    /** How many files there were to copy. */
    int copy(String patterns, File from, File to) {
        matching(patterns, from).each { File file ->
            Path copy = to.toPath().resolve(from.toPath().relativize(file.toPath()))
            Files.createDirectories(copy.parent)
            Files.copy(file.toPath(), copy, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES)
        }.size()
    }
}
