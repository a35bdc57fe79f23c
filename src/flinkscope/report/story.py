"""The first screen in words: what happened, why, what to do, and how sure that is. From facts and findings only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from flinkscope.absent import present
from flinkscope.diagnosis.engine import Diagnosis
from flinkscope.diagnosis.facts import GcFacts, ProcessFacts
from flinkscope.diagnosis.finding import Finding, Fired, NotEvaluated, Remedy, Unclear, Verdict
from flinkscope.report.model import StoryRow
from flinkscope.report.wording import capitalised, one_of, shortened
from flinkscope.units import human_bp, human_bytes, human_ns

_ROLES = {"taskmanager": "TaskManager", "jobmanager": "JobManager", "client": "client", "jvm": "JVM"}
MAX_REMEDIES = 3
MAX_REASONS = 2
MAX_PROCESSES = 4


def story_of(diagnosis: Diagnosis) -> StoryRow:
    """The story of the root cause; of a healthy or undecided case, what was looked at."""
    root = diagnosis.root_cause
    if root is None or not isinstance(root.outcome, Fired):
        return _without_cause(diagnosis)
    process = next((p for p in diagnosis.facts.processes if p.id == root.process), None)
    return StoryRow(
        headline=root.title,
        what=tuple(what_happened(process)) if process else (),
        why=tuple(
            capitalised(t) for t in (root.outcome.summary, *(e.text for e in root.outcome.evidence[:MAX_REASONS]))
        ),
        do=tuple(_in_one_line(r) for r in root.outcome.remedies[:MAX_REMEDIES]),
        certainty_bp=root.certainty_bp,
        certainty_why=_certainty(diagnosis, root, len(root.outcome.evidence)),
    )


def ended(process: ProcessFacts) -> str:
    """How the process ended, in a few words; empty where nothing tells."""
    oom = next((e for e in process.log_events if e.kind.startswith("oom")), None)
    code = "" if process.exit_code is None else f"exit code {process.exit_code}"
    if oom is not None:
        return f"out of memory, {code}" if code else "out of memory"
    return code


def what_happened(process: ProcessFacts) -> Iterator[str]:
    """Sentences on the process, its end and its last minutes, as far as the evidence goes."""
    oom = next((e for e in process.log_events if e.kind.startswith("oom")), None)
    yield _end(process, f"{role_name(process)} {process.id}{_versions(process)}", oom.text if oom else None)
    gc = present(process.gc)
    if gc is not None:
        yield from _gc_sentences(gc)
    checkpoints = present(process.checkpoints)
    if checkpoints is not None and checkpoints.sizes_bytes:
        first, last = checkpoints.sizes_bytes[0], checkpoints.sizes_bytes[-1]
        failed = f", {checkpoints.failed} failed" if checkpoints.failed else ""
        count = one_of(checkpoints.completed, "checkpoint")
        yield f"{count} completed{failed}; their size went from {human_bytes(first)} to {human_bytes(last)}."


def process_story(process: ProcessFacts, fired: Iterable[Finding]) -> Iterator[str]:
    """What happened to the process, then what is wrong with it: its causes, each with its symptoms."""
    yield from what_happened(process)
    own = [f for f in fired if f.process == process.id]
    for finding in own:
        if finding.explained_by is None and isinstance(finding.outcome, Fired):
            symptoms = f" (its symptoms: {', '.join(finding.explains)})" if finding.explains else ""
            yield f"{finding.rule}: {finding.title}{symptoms}. {capitalised(finding.outcome.summary)}."
    if not own:
        yield "Nothing was found wrong with it."


def role_name(process: ProcessFacts) -> str:
    """The role as people write it."""
    return _ROLES.get(process.role, process.role)


def _versions(process: ProcessFacts) -> str:
    parts = []
    if process.flink_version:
        parts.append(f"Flink {process.flink_version}")
    if process.java_version:
        parts.append(f"Java {process.java_version}")
    gc = present(process.gc)
    if gc is not None:
        parts.append(gc.collector)
    return f" ({', '.join(parts)})" if parts else ""


def _end(process: ProcessFacts, who: str, oom: str | None) -> str:
    gc = present(process.gc)
    after = f" after {human_ns(gc.duration_ns)}" if gc is not None and gc.duration_ns else ""
    code = "" if process.exit_code is None else f" with exit code {process.exit_code}"
    if oom is not None:
        return f"{who} ran out of memory{after}{f' and ended{code}' if code else ''}: {shortened(oom, 160)}"
    if process.exit_code is not None:
        return f"{who} came to its end{code}{after}."
    if gc is not None and gc.duration_ns:
        return f"{who} was observed for {human_ns(gc.duration_ns)}."
    return f"{who} left no record of its end."


def _gc_sentences(gc: GcFacts) -> Iterator[str]:
    limit = present(gc.max_heap_bytes)
    live = present(gc.live_set_last_bytes)
    if live is not None:
        bound = "at most " if gc.live_set_is_upper_bound else ""
        of = f" of the heap's {human_bytes(limit)}" if limit else ""
        yield f"After the last full collection {bound}{human_bytes(live)}{of} was still in use."
    if gc.consecutive_full_gcs >= 2:
        worst = present(gc.gc_share_worst_minute_bp)
        spent = "" if worst is None else f"; in the worst minute {human_bp(worst)} of the time was GC"
        yield (
            f"{gc.consecutive_full_gcs} full collections came in a row, {gc.fruitless_full_gcs} of them freed less "
            f"than 10 % of the heap{spent}."
        )


def _in_one_line(remedy: Remedy) -> str:
    changes = ", ".join(f"{c.key}: {c.new}" if c.new is not None else f"remove {c.key}" for c in remedy.options)
    gap = "" if remedy.cures else " (only buys time)"
    return f"{remedy.title}{gap}" + (f" → {changes}" if changes else "")


def _certainty(diagnosis: Diagnosis, root: Finding, pieces: int) -> str:
    same = [f for f in diagnosis.findings if f.process == root.process and f is not root]
    ruled_out = sum(f.verdict is Verdict.RULED_OUT for f in same)
    open_ones = sum(f.verdict in (Verdict.UNCLEAR, Verdict.NOT_EVALUATED) for f in same)
    texts = [f"{one_of(pieces, 'piece')} of evidence"]
    texts += [f"{one_of(ruled_out, 'other cause')} ruled out"] if ruled_out else []
    texts += [f"{open_ones} not decided"] if open_ones else []
    return ", ".join(texts)


def _without_cause(diagnosis: Diagnosis) -> StoryRow:
    told = [p for p in diagnosis.facts.processes if _has_a_story(p)] or list(diagnosis.facts.processes)
    what = tuple(sentence for p in told[:MAX_PROCESSES] for sentence in what_happened(p))
    counts = {v: sum(f.verdict is v for f in diagnosis.findings) for v in Verdict}
    open_ones = counts[Verdict.UNCLEAR] + counts[Verdict.NOT_EVALUATED]
    if not diagnosis.facts.processes:
        return StoryRow("Nothing to diagnose: no process was recognised in the input", what)
    if diagnosis.fired:
        return _only_symptoms(diagnosis, what)
    why: tuple[str, ...] = ()
    if counts[Verdict.RULED_OUT]:
        why += (f"{one_of(counts[Verdict.RULED_OUT], 'rule')} looked and found nothing wrong.",)
    if open_ones:
        why += (f"{one_of(open_ones, 'rule')} could not decide; what to collect for them stands below.",)
    seen = any(present(p.gc) is not None for p in diagnosis.facts.processes)
    if counts[Verdict.UNCLEAR] or not seen or any(ended_badly(p) for p in diagnosis.facts.processes):
        return StoryRow("No cause found with this evidence", what, why)
    return StoryRow("Nothing is wrong, as far as the evidence goes", what, why)


def ended_badly(process: ProcessFacts) -> bool:
    """Whether the process ran out of memory or ended with a code that is not 0."""
    return process.exit_code not in (None, 0) or any(e.kind.startswith("oom") for e in process.log_events)


def _has_a_story(process: ProcessFacts) -> bool:
    return present(process.gc) is not None or process.exit_code is not None or ended_badly(process)


def _only_symptoms(diagnosis: Diagnosis, what: tuple[str, ...]) -> StoryRow:
    """Something is wrong, and the evidence does not tell why: say what would."""
    found = [f.outcome.summary for f in diagnosis.fired if isinstance(f.outcome, Fired)]
    open_causes = [f.outcome for f in diagnosis.findings if f.process == diagnosis.fired[0].process and f.explains]
    missing = [absent.how_to_get for o in open_causes if isinstance(o, NotEvaluated) for absent in o.missing]
    unclear = [o.collect for o in open_causes if isinstance(o, Unclear)]
    asked = Counter(text for text in (*missing, *unclear) if text)  # what most causes wait for goes first
    do = tuple(f"To find the cause, collect: {text}" for text, _ in asked.most_common(MAX_REMEDIES))
    return StoryRow(
        f"{diagnosis.fired[0].title}: a symptom; this evidence does not tell the cause", what, tuple(found), do
    )
