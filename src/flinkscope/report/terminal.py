"""The report as text for a terminal: one screen with the story first, then the details. At most ``width`` columns.

Reads the same with and without colour and when piped; holds no judgement, only layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flinkscope.report.language import in_spoken_language, say, speaking
from flinkscope.report.model import FindingRow, ProcessRow, RemedyRow, Report, RuleRow
from flinkscope.report.terminal_tables import chart_lines, figure_lines, heap_lines, memory_lines, state_lines
from flinkscope.report.terminal_text import Ink, bullets, code_lines, columns_of, fitted, heading, indented
from flinkscope.report.wording import cleaned, first_sentence
from flinkscope.units import human_bp, human_bytes

WIDTH = 100
_SEVERITY_INK = {"critical": "bad", "error": "bad", "warning": "warn", "info": "quiet"}


def render_terminal(
    report: Report, *, width: int = WIDTH, colour: bool = False, details: bool = True, language: str = "en"
) -> str:
    """The whole text, without a line feed at its end. ``details=False``: the first screen only."""
    with speaking(language):
        report, ink = in_spoken_language(cleaned(report)), Ink(colour)
        lines = [*_first_screen(report, ink, width)]
        if details:
            lines += _details(report, ink, width)
    return "\n".join(lines)


def _first_screen(report: Report, ink: Ink, width: int) -> Iterator[str]:
    story = report.story
    root = next((f for f in report.findings if f.rule == report.root_cause), None)
    head = indented(story.headline, width, "")
    if root is None:
        yield ink.strong(head[0])
    else:
        pill = ink.of(_SEVERITY_INK[root.severity], f"● {say(root.severity).upper()}")
        room = width - columns_of(say(root.severity)) - len(root.rule) - 8
        yield f"{pill}  {ink.strong(fitted(root.title, room))}  ({fitted(root.rule, 12)})"
    yield ink.quiet(_identity(report, width))
    yield from _paragraphs(say("WHAT HAPPENED"), story.what, ink, width)
    yield from _paragraphs(say("WHY"), story.why, ink, width)
    if root is not None and root.remedies:
        yield from heading(say("DO THIS"), ink, width)
        for number, remedy in enumerate(root.remedies[:3], 1):
            yield from _remedy_in_short(number, remedy, first_sentence(remedy.effect), ink, width)
    elif root is None:
        yield from _paragraphs(say("DO THIS"), story.do, ink, width)
    if story.certainty_bp is not None:
        yield from heading(say("HOW SURE"), ink, width)
        yield from indented(say("{0}: {1}", human_bp(story.certainty_bp), story.certainty_why), width)


def _identity(report: Report, width: int) -> str:
    parts = [report.title, report.case, report.created_at]
    return fitted(" · ".join(dict.fromkeys(p for p in parts if p)), width)


def _paragraphs(title: str, sentences: Iterable[str], ink: Ink, width: int) -> Iterator[str]:
    sentences = tuple(sentences)
    if sentences:
        yield from heading(title, ink, width)
        yield from bullets(sentences, width)


def _remedy_in_short(number: int, remedy: RemedyRow, effect: str, ink: Ink, width: int) -> Iterator[str]:
    gap = "" if remedy.cures else f" ({say('buys time, no cure')})"
    yield from indented(f"{number}. {remedy.title}{gap}", width, "  ", "     ")
    if effect:
        yield from indented(effect, width, "     ")
    yield from _diff(remedy, ink, width)


def _diff(remedy: RemedyRow, ink: Ink, width: int) -> Iterator[str]:
    for change in remedy.changes:
        if change.old is not None:
            yield from (ink.bad(line) for line in code_lines(f"{change.key}: {change.old}", width, "     - "))
        if change.new is not None:
            yield from (ink.good(line) for line in code_lines(f"{change.key}: {change.new}", width, "     + "))


def _details(report: Report, ink: Ink, width: int) -> Iterator[str]:
    told = next((f.process for f in report.findings if f.rule == report.root_cause), None)
    for process in report.processes:
        yield from _process(process, ink, width, tell=len(report.processes) > 1 and process.id != told)
    for finding in report.findings:
        yield from _finding(finding, ink, width)
    yield from _rules(say("NOT DECIDED: THE EVIDENCE POINTS BOTH WAYS"), report.unclear, ink, width)
    yield from _rules(say("NOT EVALUATED: COLLECT THIS TO DECIDE"), report.not_evaluated, ink, width)
    if report.ruled_out:
        yield from heading(say("RULED OUT"), ink, width)
        yield from bullets([f"{r.rule} {r.title}: {r.why}" for r in report.ruled_out], width)
    yield from _provenance(report, ink, width)


def _process(process: ProcessRow, ink: Ink, width: int, *, tell: bool) -> Iterator[str]:
    """``tell``: with its story; the first screen has that of the root cause."""
    about = [
        process.role_title,
        f"Flink {process.flink}" if process.flink else "",
        f"Java {process.java}" if process.java else "",
    ]
    yield from heading(f"{process.id}  ({', '.join(a for a in (*about, process.collector) if a)})", ink, width)
    if tell:
        yield from bullets(process.story, width)
    yield from figure_lines(process.figures, width)
    if process.timeline:
        yield from chart_lines(process.timeline, ink, width)
    yield from memory_lines(process.memory, ink, width)
    if process.state:
        yield from state_lines(process.state, ink, width)
    if process.heap:
        yield from heap_lines(process.heap, ink, width)


def _finding(finding: FindingRow, ink: Ink, width: int) -> Iterator[str]:
    yield from heading(f"{finding.rule} {finding.title.upper()}", ink, width)
    about = (say(finding.severity), finding.process, human_bp(finding.certainty_bp))
    if finding.explained_by:
        told = say("{0} in {1}, {2} sure, a symptom of {3}", *about, finding.explained_by)
    else:
        told = say("{0} in {1}, {2} sure", *about)
    yield from indented(told, width)
    yield from indented(finding.summary, width)
    for evidence in finding.evidence:
        yield from indented(f"{evidence.text}", width, "  • ", "    ")
        yield from (ink.quiet(line) for line in indented(say("at {0}", evidence.place.text), width, "      "))
    for attempt in finding.attempts:
        yield from indented(say("does not help: {0}", attempt), width, "  ✗ ", "    ")
    for number, remedy in enumerate(finding.remedies, 1):
        yield from _remedy(number, remedy, ink, width)


def _remedy(number: int, remedy: RemedyRow, ink: Ink, width: int) -> Iterator[str]:
    yield ""
    yield from _remedy_in_short(number, remedy, remedy.effect, ink, width)
    for label, text in ((say("cost"), remedy.cost), (say("check"), remedy.verify)):
        if text:
            yield from indented(f"{label}: {text}", width, "     ", "       ")
    for step in remedy.steps:
        result = "" if step.result_bytes is None else f" = {human_bytes(step.result_bytes)}"
        yield from indented(f"{step.label}: {step.formula}{result}", width, "     = ", "       ")
    for snippet in remedy.snippets:
        yield ink.quiet(f"     {fitted(snippet.language, width - 5)}")
        for sign, text, paint in (("-", snippet.old, ink.bad), ("+", snippet.new, ink.good)):
            for line in text.splitlines():
                yield from (paint(piece) for piece in code_lines(line, width, f"     {sign} ", "         "))


def _rules(title: str, rules: tuple[RuleRow, ...], ink: Ink, width: int) -> Iterator[str]:
    if not rules:
        return
    yield from heading(title, ink, width)
    for rule in rules:
        yield from indented(f"{rule.rule} {rule.title}: {rule.why}", width, "  • ", "    ")
        for command in rule.commands:
            lines = code_lines(command, width, f"      {say('collect:')} ", "               ")
            yield from (ink.of("code", line) for line in lines)


def _provenance(report: Report, ink: Ink, width: int) -> Iterator[str]:
    yield from heading(say("EVIDENCE READ"), ink, width)
    for artifact in report.artifacts:
        used = artifact.note if artifact.used else say("ignored: {0}", artifact.note)
        tail = f", {used}" if used else ""
        yield from indented(f"{artifact.name} ({artifact.kind.replace('_', ' ')}{tail})", width, "  • ", "    ")
    for absent in report.absent:
        how = f"; {say('get it: {0}', absent.how_to_get)}" if absent.how_to_get else ""
        reason = f" ({absent.reason})" if absent.reason else ""
        of = f"{absent.process}: " if absent.process else ""
        yield from indented(f"{of}{absent.what}: {absent.kind}{reason}{how}", width, "  ○ ", "    ")
    yield from indented(f"{report.redaction} {say('Made by {0}.', report.made_by)}", width)
