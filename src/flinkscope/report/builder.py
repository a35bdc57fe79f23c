"""From a diagnosis to the report: the one place that chooses what is shown, in which order and how much of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from flinkscope import __version__
from flinkscope.absent import Absent
from flinkscope.diagnosis.engine import Diagnosis
from flinkscope.diagnosis.facts import Facts, ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Finding, Fired, NotEvaluated, Remedy, Unclear, Verdict
from flinkscope.place import Place
from flinkscope.report.figures import figures_of
from flinkscope.report.model import (
    MAX_PICTURED,
    MAX_ROWS_A_RULE,
    AbsentRow,
    ArtifactRow,
    ChangeRow,
    EvidenceRow,
    FindingRow,
    MemoryBarRow,
    PlaceRow,
    ProcessRow,
    QuantityRow,
    RemedyRow,
    Report,
    RuleRow,
    SegmentRow,
    SnippetRow,
    StepRow,
)
from flinkscope.report.pictures import heap_row, loaders_row, state_row
from flinkscope.report.story import ended, process_story, role_name, story_of
from flinkscope.report.timeline import process_timeline
from flinkscope.report.wording import capitalised, cleaned, shortened
from flinkscope.sources.case import Artifact, Case

# the same part has the same colour in every bar; parts of a newer Flink fall back to the last
_HUES = {
    "framework_heap": 1,
    "task_heap": 1,
    "jvm_heap": 1,
    "heap": 1,
    "managed": 3,
    "network": 4,
    "framework_off_heap": 5,
    "task_off_heap": 5,
    "off_heap": 5,
    "metaspace": 6,
    "jvm_metaspace": 6,
    "overhead": 7,
    "jvm_overhead": 7,
}


def build_report(diagnosis: Diagnosis, case: Case | None = None) -> Report:
    """The report of a diagnosis. ``case`` adds how and when each artifact was taken. Cost: milliseconds."""
    facts = diagnosis.facts
    fired = diagnosis.fired
    others = [f for f in diagnosis.findings if f.verdict is not Verdict.FIRED]
    root = diagnosis.root_cause
    report = Report(
        title=facts.title or (case.title if case else "") or "Diagnosis",
        case=case.name if case else "",
        created_at=case.created_at if case else "",
        made_by=f"flinkscope {__version__}",
        story=story_of(diagnosis),
        root_cause=root.rule if root else None,
        findings=tuple(_finding(f) for f in fired),
        ruled_out=tuple(_together(_rule(f) for f in others if f.verdict is Verdict.RULED_OUT)),
        unclear=tuple(_together(_rule(f) for f in others if f.verdict is Verdict.UNCLEAR)),
        not_evaluated=tuple(_together(_rule(f) for f in others if f.verdict is Verdict.NOT_EVALUATED)),
        processes=tuple(_processes(facts, fired, root.process if root else "")),
        artifacts=tuple(_artifacts(facts, case)),
        absent=tuple(_absences(facts, case)),
        redaction=_redaction(case),
    )
    return cleaned(report)


def place_row(place: Place) -> PlaceRow:
    """A place as data."""
    return PlaceRow(shortened(str(place)), shortened(place.source), place.line, place.address, place.key)


def _evidence(evidence: Evidence) -> EvidenceRow:
    figures = tuple(QuantityRow(name, int(value)) for name, value in evidence.figures.items())
    return EvidenceRow(capitalised(evidence.text), place_row(evidence.place), figures)


def _remedy(remedy: Remedy) -> RemedyRow:
    return RemedyRow(
        id=remedy.id,
        title=remedy.title,
        effect=remedy.effect,
        cost=remedy.cost,
        verify=remedy.verify,
        cures=remedy.cures,
        changes=tuple(ChangeRow(c.key, c.old, c.new) for c in remedy.options),
        snippets=tuple(SnippetRow(c.language, "", c.old, c.new) for c in remedy.code),
        steps=tuple(StepRow(s.label, s.formula, s.result_bytes) for s in remedy.arithmetic),
    )


def _finding(finding: Finding) -> FindingRow:
    outcome = finding.outcome
    if not isinstance(outcome, Fired):
        raise TypeError(f"{finding.rule} did not fire")
    return FindingRow(
        rule=finding.rule,
        title=finding.title,
        severity=finding.severity.value,
        certainty_bp=outcome.certainty_bp,
        verdict="fired",
        summary=capitalised(outcome.summary),
        process=finding.process,
        explained_bytes=outcome.explained_bytes,
        evidence=tuple(_evidence(e) for e in outcome.evidence),
        remedies=tuple(_remedy(r) for r in outcome.remedies),
        attempts=outcome.attempts,
        explains=finding.explains,
        explained_by=finding.explained_by,
    )


def _rule(finding: Finding) -> RuleRow:
    outcome = finding.outcome
    if isinstance(outcome, Fired):
        raise TypeError(f"{finding.rule} fired")
    if isinstance(outcome, NotEvaluated):
        missing = tuple(str(a) for a in outcome.missing)
        commands = tuple(dict.fromkeys(a.how_to_get for a in outcome.missing if a.how_to_get))
        why = "needs what was not there: " + "; ".join(missing)
        return RuleRow(finding.rule, finding.title, "not_evaluated", finding.process, why, missing, commands)
    commands = (outcome.collect,) if isinstance(outcome, Unclear) and outcome.collect else ()
    return RuleRow(
        rule=finding.rule,
        title=finding.title,
        verdict="unclear" if isinstance(outcome, Unclear) else "ruled_out",
        process=finding.process,
        why=outcome.why,
        commands=commands,
        evidence=tuple(_evidence(e) for e in outcome.evidence),
    )


def _together(rows: Iterable[RuleRow]) -> Iterator[RuleRow]:
    """Rows that say the same of several processes as one; of each rule at most MAX_ROWS_A_RULE, the last for the rest.

    A cluster of hundreds of processes would else fill the report with what is not wrong.
    """
    alike: dict[tuple[str, str, tuple[str, ...]], list[RuleRow]] = {}
    for row in rows:
        alike.setdefault((row.rule, row.why, row.commands), []).append(row)
    groups: dict[str, list[list[RuleRow]]] = {}
    for (rule, _, _), same in alike.items():
        groups.setdefault(rule, []).append(same)
    for several in groups.values():
        if len(several) > MAX_ROWS_A_RULE:
            rest = [row for same in several[MAX_ROWS_A_RULE - 1 :] for row in same]
            several = [*several[: MAX_ROWS_A_RULE - 1], rest]
        yield from (replace(same[0], process=_names([row.process for row in same])) for same in several)


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3:,} more"


def _processes(facts: Facts, fired: tuple[Finding, ...], guilty: str) -> Iterator[ProcessRow]:
    """The process of the root cause first, then those of which most is known.

    Checkpoints belong to the job: a chart of their own only where no process shows them beside its heap.
    """
    beside_a_heap = any(not isinstance(p.gc, Absent) for p in facts.processes)
    troubled = {f.process for f in fired}
    order = sorted(
        facts.processes, key=lambda p: (p.id != guilty, p.id not in troubled, isinstance(p.gc, Absent), p.id)
    )
    for number, process in enumerate(order):
        row = _process(process, fired)
        if number >= MAX_PICTURED:
            row = replace(row, timeline=None, memory=(), heap=None, state=None, loaders=None)
        alone = isinstance(process.gc, Absent) and beside_a_heap
        yield replace(row, timeline=None) if alone else row


def _process(process: ProcessFacts, fired: tuple[Finding, ...]) -> ProcessRow:
    return ProcessRow(
        id=process.id,
        role=process.role,
        role_title=role_name(process),
        flink=process.flink_version,
        java=process.java_version,
        collector=None if isinstance(process.gc, Absent) else process.gc.collector,
        ended=ended(process),
        story=tuple(process_story(process, fired)),
        figures=tuple(figures_of(process)),
        timeline=process_timeline(process),
        memory=tuple(_memory_bars(process, fired)),
        heap=None if isinstance(process.heap, Absent) else heap_row(process.heap),
        state=None if isinstance(process.state, Absent) else state_row(process.state),
        loaders=None if isinstance(process.loaders, Absent) else loaders_row(process.loaders, _dump_of(process)),
    )


def _dump_of(process: ProcessFacts) -> str:
    return "" if isinstance(process.heap, Absent) else str(process.heap.place)


def _memory_bars(process: ProcessFacts, fired: tuple[Finding, ...]) -> Iterator[MemoryBarRow]:
    """The split as it is, then as each remedy of this process that changes memory would make it."""
    now = None if isinstance(process.config, Absent) or isinstance(process.config.memory, Absent) else process.config
    if now is not None and not isinstance(now.memory, Absent):
        yield _memory_bar(f"now ({now.memory.source})", now.memory.parts)
    outcomes = [f.outcome for f in fired if f.process == process.id]
    remedies = [r for outcome in outcomes if isinstance(outcome, Fired) for r in outcome.remedies if r.memory_after]
    if now is None and remedies and remedies[0].memory_before:
        yield _memory_bar("now", remedies[0].memory_before)
    shown: set[str] = set()
    for remedy in remedies:
        if remedy.title not in shown:
            shown.add(remedy.title)
            yield _memory_bar(f"after: {remedy.title}", remedy.memory_after)


def _memory_bar(title: str, parts: Mapping[str, int]) -> MemoryBarRow:
    names = {key: key.removesuffix("_bytes") for key in parts}
    segments = tuple(SegmentRow(name.replace("_", " "), parts[key], _HUES.get(name, 8)) for key, name in names.items())
    heap = sum(parts[key] for key, name in names.items() if _HUES.get(name) == 1)
    return MemoryBarRow(title, sum(parts.values()), heap, segments)


def _artifacts(facts: Facts, case: Case | None) -> Iterator[ArtifactRow]:
    known: dict[str, Artifact] = {a.path: a for a in case.artifacts} if case else {}
    missing = {m.kind for m in case.missing} if case else set()  # told under what is not known
    for taken in facts.taken:
        if not taken.used and taken.name == taken.kind and taken.kind in missing:
            continue
        origin = known.get(taken.name)
        yield ArtifactRow(
            name=taken.name,
            kind=taken.kind,
            process=taken.process,
            used=taken.used,
            note=taken.note,
            how=origin.how if origin else "",
            collected_at=(origin.collected_at or "") if origin else "",
            redacted=origin.redacted if origin else False,
        )


def _absences(facts: Facts, case: Case | None) -> Iterator[AbsentRow]:
    for process in facts.processes:
        for fact in (process.heap, process.state, process.gc, process.config, process.log, process.checkpoints):
            if isinstance(fact, Absent):
                yield AbsentRow(fact.what, fact.kind.value, fact.reason, fact.how_to_get, process.id)
    for missing in case.missing if case else ():
        yield AbsentRow(missing.kind.replace("_", " "), "not collected", missing.why, "", missing.process)


def _redaction(case: Case | None) -> str:
    count = sum(a.redacted for a in case.artifacts) if case else 0
    if count:
        return f"Secrets were taken out of {count} of {len(case.artifacts) if case else 0} artifacts when collected."
    return (
        "Passwords, tokens and keys are taken out of this report. It holds class, thread, state and file names and "
        "option values, but no contents of the heap; read it before you pass it on."
    )
