"""# R25 · Python workers take memory that nobody gave them

**Symptom.** The container is killed although heap and native parts of the JVM are within their limits; or a Python
function fails with `Could not allocate … bytes, only … bytes are remaining`.

**Why it happens.** A PyFlink UDF runs in Python processes beside the JVM, one or more a slot. The container counts
them. They are bound only by the PYTHON share of managed memory, and only in bundles' buffers: what the function itself
imports and keeps comes on top.

**Evidence.** The allocation text of the managed memory; or a Python worker that the kernel killed; or `python.*`
options, or Python processes in the container, and a kill by the container.

**Remedy.** `python.fn-execution.memory.managed: true` with a weight for PYTHON; smaller bundles; thread mode, where
the function runs inside the JVM; more `jvm-overhead` for what remains.

**Not this when** no job uses Python.

**Sources.** Flink docs, Python configuration; PythonOptions (1.10 – 2.3), FLINK-21306.
"""

from __future__ import annotations

from flinkscope.absent import present
from flinkscope.diagnosis.facts import LogEvent, ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Severity, Unclear
from flinkscope.diagnosis.remedies.options import option_remedy, options_of
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said
from flinkscope.diagnosis.split import version_of
from flinkscope.flink.memory_options import parse_version

RULE = Rule(
    id="R25",
    title="Python workers take memory that nobody gave them",
    severity=Severity.CRITICAL,
    needs=(("log", "config"),),
    explains=("R20", "R28"),
    roles=("taskmanager",),
    proved_on="PyFlink 1.20.3 on Java 17 in a memory cgroup (corpus R25-python-killed); recorded texts",
)

_WEIGHTS = "taskmanager.memory.managed.consumer-weights"


def check(facts: ProcessFacts) -> Outcome:
    """Fires on the allocation text, or on a container that was killed with Python workers in it."""
    events = said(facts, "python_memory")
    killed, workers = said(facts, "container_killed"), said(facts, "python_killed")
    python = _python(facts)
    if workers and not events:
        return _worker_killed(facts, workers, python)
    if not events and not python:
        return RuledOut("nothing tells of Python workers")
    if not events and not killed:
        return RuledOut("Python workers run, and nothing was killed")
    if not events and any(e.kind.startswith("oom_") for e in facts.log_events):
        return RuledOut("the JVM itself ran out of memory first")
    if not events and present(facts.native) is None and not _children(facts):
        what = "the container was killed with Python workers in it; whose memory it was nothing tells"
        collect = "ps -o pid,rss,args in the container, and jcmd PID VM.native_memory summary"
        return Unclear(what, collect, (*python, *as_evidence(killed)))
    return Fired(
        summary="Python workers need more memory than is set aside for them",
        evidence=(*as_evidence(events), *python, *as_evidence(killed)),
        remedies=_remedies(facts),
        certainty_bp=9_000 if events else 7_000,
    )


def _worker_killed(facts: ProcessFacts, workers: tuple[LogEvent, ...], python: tuple[Evidence, ...]) -> Outcome:
    """The kernel takes the largest process of the group: it was no JVM that grew."""
    evidence = (*as_evidence(workers), *python)
    if not python:
        return Unclear("the kernel killed a Python process; nothing tells whether it was this job's", _WHOSE, evidence)
    return Fired("the kernel killed a Python worker for the container's memory", evidence, _remedies(facts), 9_000)


_WHOSE = "ps -o pid,rss,args in the container: workers run pyflink.fn_execution"


def _python(facts: ProcessFacts) -> tuple[Evidence, ...]:
    """What tells that Python workers run: options, the log, or processes beside the JVM."""
    config, container = present(facts.config), present(facts.container)
    keys = [key for key in options_of(facts) if key.startswith("python.")]
    told = said(facts, "python_worker")
    found = list(as_evidence(told[:1]))
    if config is not None and keys:
        place = config.places.get(keys[0], config.place)
        found.append(Evidence(f"Python is configured: {keys[0]}: {config.options[keys[0]]}", place))
    if container is not None and _children(facts):
        text = f"{container.processes} threads and processes are in the container"
        found.append(Evidence(text, container.place, {"processes": container.processes or 0}))
    return tuple(found) if keys or told else ()


def _children(facts: ProcessFacts) -> bool:
    """Whether the container runs more than the JVM's own threads."""
    container, threads = present(facts.container), present(facts.threads)
    if container is None or container.processes is None or threads is None:
        return False
    return container.processes > 2 * threads.threads


def _remedies(facts: ProcessFacts) -> tuple[Remedy, ...]:
    managed = Remedy(
        id="python-from-managed",
        title="Give Python workers their share of managed memory",
        effect="their buffers are bounded, and counted in process.size",
        cost="that share is taken from the state backend and from batch operators",
        verify="resident memory of the Python processes stays below the share",
    )
    weight = "OPERATOR:70,STATE_BACKEND:70,PYTHON:60"
    if parse_version(version_of(facts)) < (1, 13):
        weight = "DATAPROC:70,PYTHON:60"
    threads = Remedy(
        id="thread-mode",
        title="Run the function inside the JVM, and in smaller bundles",
        effect="no Python process a slot; at most 10,000 records wait for the function",
        cost="thread mode needs a Python that allows subinterpreters, and is not for all functions",
        verify="no Python process beside the JVM",
    )
    room = Remedy(
        id="room-for-python",
        title="Leave room for what the functions themselves keep",
        effect="the container does not kill what the JVM does not count",
        cost="that much less heap and managed memory in the same container",
        verify="the container's peak stays below its limit",
        cures=False,
        code=(CodeChange("bash", "", "ps -o pid,rss,args --sort=-rss   # in the container: how much is it?"),),
    )
    changes: dict[str, str | None] = {"python.fn-execution.memory.managed": "true", _WEIGHTS: weight}
    thread: dict[str, str | None] = {"python.execution-mode": "thread", "python.fn-execution.bundle.size": "10000"}
    overhead: dict[str, str | None] = {
        "taskmanager.memory.jvm-overhead.min": "512m",
        "taskmanager.memory.jvm-overhead.max": "2g",
    }
    modern = parse_version(version_of(facts)) >= (1, 15)
    return (
        *option_remedy(facts, managed, changes),
        *(option_remedy(facts, threads, thread) if modern else ()),
        *option_remedy(facts, room, overhead),
    )
