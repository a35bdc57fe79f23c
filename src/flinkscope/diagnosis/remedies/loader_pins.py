"""Ways out of a class-loader leak: where main() runs, what it cleans up, which jars the parent loads."""

from __future__ import annotations

from collections.abc import Sequence

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Remedy
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.split import split_of
from flinkscope.flink.loaders import PinGroup
from flinkscope.flink.pin_library import package_of

_ADDITIONAL = "classloader.parent-first-patterns.additional"
_SHARED_KINDS = frozenset({"jdbc_driver", "security_provider", "thread_context_loader"})
_MOST_CODE = 6

# kind → (what leaks, what does not)
_SNIPPETS = {
    "shutdown_hook": (
        "Runtime.getRuntime().addShutdownHook(hook);",
        "// none in a job: free it in RichFunction.close(); or, where a library registered it:\n"
        "Runtime.getRuntime().removeShutdownHook(hook);",
    ),
    "thread": ("new Thread(work).start();", "worker.interrupt();\nworker.join();   // in close()"),
    "thread_local": ("LOCAL.set(value);", "try { … } finally { LOCAL.remove(); }   // on the same thread"),
    "thread_context_loader": (
        "// a pool that others own grew while user code ran",
        "thread.setContextClassLoader(before);   // or start the pool before, from a class in lib/",
    ),
    "jdbc_driver": ('Class.forName("…Driver");', "DriverManager.deregisterDriver(driver);   // or its jar in lib/"),
    "mbean": ("server.registerMBean(bean, name);", "server.unregisterMBean(name);"),
    "security_provider": ("Security.addProvider(provider);", "Security.removeProvider(provider.getName());"),
    "system_property": ("System.getProperties().put(key, object);", "System.getProperties().remove(key);"),
    "jul_handler": ('Logger.getLogger("").addHandler(handler);', 'Logger.getLogger("").removeHandler(handler);'),
    "timer": ("new Timer(true).schedule(task, …);", "timer.cancel();"),
    "executor": ("Executors.newFixedThreadPool(n);", "pool.shutdownNow();"),
    "http_client": ("static HttpClient client = …;", "client.close();   // Java 21+; else no static"),
    "cleaner": ("Cleaner.create().register(object, action);", "cleanable.clean();"),
    "uncaught_exception_handler": (
        "Thread.setDefaultUncaughtExceptionHandler(handler);",
        "Thread.setDefaultUncaughtExceptionHandler(before);",
    ),
    "log4j_appender": ("rootLogger.addAppender(appender);", "configuration.removeAppender(appender.getName());"),
}  # fmt: skip
_RELEASE = (
    'getRuntimeContext().registerUserCodeClassLoaderReleaseHookIfAbsent("clean up", () -> {\n'
    "  // what the pins above name: stop threads, shut pools down, deregister\n});"
)


def client_submission() -> Remedy:
    """main() in a JVM of its own: measured flat with hooks, threads and nacos (0.1 MB a submission, no loader)."""
    return Remedy(
        id="submit-from-a-client",
        title="Submit from a client: main() then runs in a JVM that ends with it",
        effect="the JobManager loads none of the job's classes for main(); its hooks and threads end with the client",
        cost="whoever submits needs Flink's client and a JVM of the same version (about 3 s of CPU)",
        verify="flinkscope heap loaders --leaked: no new leaked loader; metaspace after full GC stays flat",
        code=(
            CodeChange(
                "bash",
                "curl -X POST $JOBMANAGER/jars/$ID/run   # or the web page's Submit and Show Plan",
                "flink run --detached -c MAIN_CLASS job.jar",
            ),
        ),
    )


def application_mode() -> Remedy:
    """One main() a process."""
    return Remedy(
        id="application-mode",
        title="Application mode: one JobManager for each job",
        effect="main() runs once in a process, which ends with its job; what it leaves ends too",
        cost="a JobManager for each job",
        verify="the JobManager's process ends when the job does",
        code=(
            CodeChange(
                "bash", "", "flink run --target kubernetes-application …   # or bin/standalone-job.sh start -j MAIN"
            ),
        ),
    )


def no_web_submission(facts: ProcessFacts) -> tuple[Remedy, ...]:
    """So that nobody does it again; nothing where it is off."""
    if options_of(facts).get("web.submit.enable", "true").lower() == "false":
        return ()
    remedy = Remedy(
        id="no-web-submission",
        title="Turn web submission off",
        effect="/jars is gone: nobody runs main() inside the JobManager again",
        cost="no upload over the web page",
        verify="GET /config answers features.web-submit: false",
        cures=False,
    )
    return option_remedy(facts, remedy, {"web.submit.enable": "false"})


def fix_code(groups: Sequence[PinGroup], role: str) -> tuple[Remedy, ...]:
    """The clean-up for each kind of pin that is there; all of them together cure."""
    if not groups:
        return ()
    kinds = list(dict.fromkeys(g.kind for g in groups if g.kind in _SNIPPETS))[:_MOST_CODE]
    changes = [CodeChange("java", *_SNIPPETS[kind]) for kind in kinds]
    if role == "taskmanager" or not changes:
        changes.append(CodeChange("java", "", _RELEASE))
    words = "; ".join(
        dict.fromkeys(f"{g.example.title} ({g.library}): {g.example.remedy}" for g in groups[:_MOST_CODE])
    )
    return (
        Remedy(
            id="clean-up",
            title="Clean up what the job leaves behind: all of it, one pin alone keeps the loader",
            effect=words,
            cost="a change of the job, or of the library's set-up",
            verify="flinkscope heap loaders --leaked after three more submissions names none of these pins",
            code=tuple(changes),
        ),
    )


def shared_libraries(facts: ProcessFacts, groups: Sequence[PinGroup]) -> tuple[Remedy, ...]:
    """Libraries whose registries are the JVM's belong into lib/, and parent-first where a job bundles them too."""
    packages = sorted({f"{package_of(g.code)}." for g in groups if g.kind in _SHARED_KINDS and g.code})
    if not packages:
        return ()
    present = options_of(facts).get(_ADDITIONAL, "")
    wanted = ";".join(dict.fromkeys([*filter(None, present.split(";")), *packages]))
    remedy = Remedy(
        id="libraries-into-lib",
        title="Put these libraries into Flink's lib/ and make them parent-first",
        effect="the JVM's registries then hold classes of the parent loader, which lives anyway",
        cost="one version for all jobs of the cluster; a restart",
        verify="as above",
    )
    return option_remedy(facts, remedy, {_ADDITIONAL: wanted})


def more_metaspace(facts: ProcessFacts, *, cures: bool) -> tuple[Remedy, ...]:
    """Twice the metaspace: a cure where it was simply too small, else a delay."""
    key = f"{facts.role}.memory.jvm-metaspace.size"
    now = options_of(facts).get(key)
    limit = _bytes_of(facts)
    remedy = Remedy(
        id="more-metaspace",
        title="More metaspace",
        effect="room for twice the classes" if cures else "only postpones: as many more submissions fit again",
        cost="that much less heap in the same process size, or a larger process",
        verify="metaspace after full GC (GC log, flinkscope gcutil) stays below 70 % of the limit",
        cures=cures,
    )
    wanted_bytes = max(2 * limit, 512 << 20)
    changes: dict[str, str | None] = {key: f"{wanted_bytes >> 20}m"}
    if now == changes[key]:
        return ()
    inside = option_remedy(facts, remedy, changes)
    size = f"{facts.role}.memory.process.size"
    if inside or size not in options_of(facts):
        return inside
    larger = (_process_bytes(facts) + wanted_bytes - limit) >> 20  # no room for it in the present process
    return option_remedy(facts, remedy, {**changes, size: f"{larger}m"})


def _process_bytes(facts: ProcessFacts) -> int:
    memory = split_of(facts)
    return memory.process_bytes if memory else 0


def _bytes_of(facts: ProcessFacts) -> int:
    memory = split_of(facts)
    return memory.metaspace_bytes if memory else 256 << 20
