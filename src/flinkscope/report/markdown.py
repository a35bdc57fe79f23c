"""The report as Markdown, for an issue tracker: the story, the change, the evidence, what was not decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flinkscope.report.language import in_spoken_language, say, speaking
from flinkscope.report.model import FindingRow, ProcessRow, RemedyRow, Report, RuleRow, SnippetRow
from flinkscope.report.quantities import shown
from flinkscope.report.wording import cleaned
from flinkscope.units import human_bp, human_bytes, human_count

TOP = 15
# what could start markup, a mention or a table cell is written as an entity; backticks stay: they mark code
_ENTITIES = {c: f"&#{ord(c)};" for c in "<>&|@[]*#"}


def render_markdown(report: Report, *, language: str = "en") -> str:
    """GitHub-flavoured Markdown; ends in a line feed. Details that are long are folded."""
    with speaking(language):
        return _rendered(in_spoken_language(cleaned(report)))


def _rendered(report: Report) -> str:
    root = next((f for f in report.findings if f.rule == report.root_cause), None)
    lines = [f"# {prose(report.story.headline)}", "", *_identity(report, root)]
    lines += _list(say("What happened"), report.story.what) + _list(say("Why"), report.story.why)
    if root is not None and root.remedies:
        lines += ["", f"## {say('Do this')}"]
        for number, remedy in enumerate(root.remedies, 1):
            lines += _remedy(number, remedy)
    elif root is None:
        lines += _list(say("Do this"), report.story.do)
    if root is not None:
        lines += ["", f"## {say('Evidence')}", "", *_evidence(root)]
        lines += [f"- {say('does not help: {0}', prose(a))}" for a in root.attempts]
    for process in report.processes:
        lines += _process(process)
    for finding in report.findings:
        if finding is not root:
            lines += [
                "",
                f"## {prose(finding.rule)}: {prose(finding.title)}",
                "",
                prose(finding.summary),
                *_evidence(finding),
            ]
    for title, rules in (
        (say("Not decided"), report.unclear),
        (say("Not evaluated"), report.not_evaluated),
        (say("Ruled out"), report.ruled_out),
    ):
        lines += _rules(title, rules)
    lines += ["", "---", f"{prose(report.redaction)} {say('Made by {0}.', prose(report.made_by))}"]
    return "\n".join(lines) + "\n"


def prose(text: str) -> str:
    """Text that cannot become markup; words in paired backticks stay code."""
    pieces = " ".join(text.split()).split("`")
    plain = ["".join(_ENTITIES.get(c, c) for c in piece) for piece in pieces]
    if len(pieces) % 2 == 0:
        return "&#96;".join(plain)
    return "".join(f"`{pieces[i]}`" if i % 2 and pieces[i] else plain[i] for i in range(len(pieces)))


def cell(text: str) -> str:
    """A name as code that fits into one table cell, whatever is in it."""
    clean = " ".join(text.replace("`", "'").replace("|", "¦").split())
    return f"`{clean}`" if clean else ""


def fenced(text: str, language: str = "") -> list[str]:
    """A code block whose fence is longer than any run of backticks inside."""
    fence = "```"
    while fence in text:
        fence += "`"
    return ["", fence + "".join(c for c in language if c.isalnum()), *text.splitlines(), fence]


def table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """A table: the first ``left`` columns to the left, the others to the right."""
    rule = [":--" if i < left else "--:" for i in range(len(header))]
    return ["", *(f"| {' | '.join(row)} |" for row in (header, rule, *rows))]


def _identity(report: Report, root: FindingRow | None) -> list[str]:
    parts = [report.title, report.case, report.created_at]
    about = " · ".join(prose(p) for p in dict.fromkeys(parts) if p)
    if root is None or report.story.certainty_bp is None:
        return [about]
    sure = say("{0} sure: {1}", human_bp(root.certainty_bp), prose(report.story.certainty_why))
    return [about, "", f"**{prose(root.rule)}**, {say(root.severity)}, {sure}"]


def _list(title: str, sentences: Sequence[str]) -> list[str]:
    return ["", f"## {title}", "", *(f"- {prose(s)}" for s in sentences)] if sentences else []


def _remedy(number: int, remedy: RemedyRow) -> Iterator[str]:
    gap = "" if remedy.cures else f" ({say('buys time, no cure')})"
    yield from ["", f"{number}. **{prose(remedy.title)}**{gap}", ""]
    for label, text in ((say("effect"), remedy.effect), (say("cost"), remedy.cost), (say("check"), remedy.verify)):
        if text:
            yield f"   - {label}: {prose(text)}"
    for step in remedy.steps:
        result = "" if step.result_bytes is None else f" = {human_bytes(step.result_bytes)}"
        yield f"   - {prose(f'{step.label}: {step.formula}{result}')}"
    if remedy.changes:
        diff = [f"- {c.key}: {c.old}" for c in remedy.changes if c.old is not None]
        diff += [f"+ {c.key}: {c.new}" for c in remedy.changes if c.new is not None]
        yield from fenced("\n".join(diff), "diff")
    for snippet in remedy.snippets:
        yield from _snippet(snippet)


def _snippet(snippet: SnippetRow) -> list[str]:
    if not snippet.old:
        return fenced(snippet.new, snippet.language)
    lines = [*(f"- {line}" for line in snippet.old.splitlines()), *(f"+ {line}" for line in snippet.new.splitlines())]
    return fenced("\n".join(lines), "diff")


def _evidence(finding: FindingRow) -> list[str]:
    return [f"- {prose(e.text)} ({cell(e.place.text)})" for e in finding.evidence]


def _process(process: ProcessRow) -> Iterator[str]:
    yield from ["", f"## {prose(process.role_title)} {prose(process.id)}"]
    known = [
        (prose(f.title), prose(shown(f.value, f.unit, f.text)))
        for f in process.figures
        if f.value is not None or f.text
    ]
    yield from table((say("figure"), say("value")), known)
    if process.state is not None and process.state.states:
        rows = [
            (cell(s.name), prose(s.kind), human_count(s.entries), human_count(s.keys), human_bytes(s.bytes))
            for s in process.state.states[:TOP]
        ]
        yield from table(tuple(map(say, ("state", "kind", "entries", "keys", "bytes"))), rows, left=2)
    if process.heap is not None and process.heap.classes:
        classes = process.heap.classes[:TOP]
        counts = [(cell(c.name), human_count(c.count), human_bytes(c.shallow_bytes)) for c in classes]
        yield from ["", f"<details><summary>{say('Class histogram')}</summary>"]
        yield from [*table((say("class"), say("objects"), say("bytes")), counts), "", "</details>"]


def _rules(title: str, rules: Sequence[RuleRow]) -> Iterator[str]:
    if rules:
        yield from ["", f"<details><summary>{title} ({len(rules)})</summary>", ""]
        for rule in rules:
            how = "".join(f" {say('Collect: {0}', cell(c))}" for c in rule.commands)
            yield f"- {prose(rule.rule)} {prose(rule.title)}: {prose(rule.why)}{how}"
        yield from ["", "</details>"]
