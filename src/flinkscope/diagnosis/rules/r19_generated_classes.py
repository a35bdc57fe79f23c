"""# R19 · Code is compiled over and over, each time as new classes

**Symptom.** Metaspace grows while the same jobs run, without any new submission; `OutOfMemoryError: Metaspace` or
`Compressed class space` in the end.

**Why it happens.** A script engine, an expression compiler (Janino, Groovy, MVEL), a proxy or a serializer generator
is called for every record or every query and makes a class each time. As long as its loader is referenced the classes
stay.

**Evidence.** From the heap dump: thousands of classes that are generated (by their names), or loaders of generated
code; from `VM.classloader_stats` or a class histogram: hundreds of such loaders.

**Remedy.** Compile once and keep the result (in `open()`, in a bounded cache); prepare SQL once; fewer SQL sessions.

**Not this when** closed loaders of Flink's own user code are kept (R14, R16): then the generated classes go with them.

**Sources.** Janino ByteArrayClassLoader; Flink CompileUtils (its cache is bounded since 1.13); FLINK-23372.
"""

from __future__ import annotations

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import CodeChange, Evidence, Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.gather.user_holds import GENERATED_LOADERS
from flinkscope.diagnosis.leaked_loaders import leaked_of
from flinkscope.diagnosis.rule import Rule, Threshold
from flinkscope.diagnosis.said import as_evidence, said
from flinkscope.place import Place
from flinkscope.units import human_count

RULE = Rule(
    id="R19",
    title="Code is compiled over and over, each time as new classes",
    severity=Severity.CRITICAL,
    needs=(("heap", "census"),),
    explains=("R15", "R18", "R32"),
    thresholds={
        "generated_classes": Threshold(
            5_000, "classes", "Flink with SQL jobs loads up to 3,500 generated ones (dumps)"
        ),
        "loaders": Threshold(500, "class loaders", "one a compiled expression; a job compiles tens"),
    },
    proved_on="Java 17 (corpus R19-classes-again-and-again)",
)

_OLD = "Object result = compiler.compile(expression).evaluate(record);   // for each record"
_NEW = """\
private transient Map<String, Compiled> compiled;                        // filled once an expression
compiled.computeIfAbsent(expression, compiler::compile).evaluate(record);"""


def check(facts: ProcessFacts) -> Outcome:
    """Fires on masses of generated classes, or of loaders of such, without a leak of user class loaders."""
    counts, place = _counts(facts)
    worst = max(counts, key=lambda kind: counts[kind], default="")
    loaders = _loaders(facts)
    many = loaders >= RULE.thresholds["loaders"].value
    if sum(counts.values()) < RULE.thresholds["generated_classes"].value and not many:
        return RuledOut(f"{human_count(sum(counts.values()))} generated classes, {loaders} loaders of such")
    leaked = leaked_of(facts)
    if leaked:
        return RuledOut(f"{len(leaked)} user class loaders are leaked, and their generated classes with them")
    events = said(facts, "oom_metaspace", "oom_class_space")
    shown = [Evidence(f"{human_count(n)} classes of {kind}", place, {"classes": n}) for kind, n in counts.items()]
    if loaders:
        shown.append(Evidence(f"{human_count(loaders)} class loaders of generated code", place, {"loaders": loaders}))
    remedy = Remedy(
        id="compile-once",
        title="Compile once, keep the result",
        effect="as many classes as there are different expressions, not as records",
        cost="a bounded cache in the function",
        verify="the number of loaded classes is flat (jcmd PID VM.classloader_stats, flinkscope gcutil)",
        code=(CodeChange("java", _OLD, _NEW),),
    )
    what = f"{human_count(loaders)} loaders of generated code" if many else f"{human_count(counts[worst])} {worst}"
    return Fired(
        summary=f"{what} are loaded: something compiles again and again",
        evidence=(*as_evidence(events), *shown),
        remedies=(remedy,),
        certainty_bp=9_000 if events else 7_000,
    )


def _counts(facts: ProcessFacts) -> tuple[dict[str, int], Place]:
    heap, census = present(facts.heap), present(facts.census)
    if heap is not None:
        return dict(heap.generated), heap.place
    return {}, census.place if census else Place(facts.id)


def _loaders(facts: ProcessFacts) -> int:
    """Loaders of generated code, by whoever counts most."""
    heap, census = present(facts.heap), present(facts.census)
    rows = [(row.class_name, row.objects) for row in (*heap.histogram, *heap.retained)] if heap else []
    rows += [(row.class_name, row.objects) for row in census.rows] if census else []
    found = max((objects for name, objects in rows if GENERATED_LOADERS.search(name)), default=0)
    return max(found, facts.generated_loaders or 0)
