"""From diagnosis to report: what is chosen, in which order, how much of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flinkscope.diagnosis.engine import Diagnosis
from flinkscope.diagnosis.finding import Finding, RuledOut, Severity
from flinkscope.place import Place
from flinkscope.report import build_report, compare, render_html
from flinkscope.report.builder import place_row
from flinkscope.report.comparison_views import change
from flinkscope.report.model import MAX_CLASSES, MAX_PICTURED, MAX_ROWS_A_RULE
from flinkscope.report.wording import capitalised, exact_ms, first_sentence, harmless, shortened
from flinkscope.sources.case import Artifact, Case, MissingArtifact
from report_support.incident import diagnosis, facts, findings, healthy, process_facts


def test_root_cause_first_and_symptoms_told_as_such() -> None:
    report = build_report(diagnosis())
    assert report.root_cause == "R02"
    assert [(f.rule, f.explained_by) for f in report.findings] == [("R02", None), ("R01", "R02"), ("R10", "R02")]
    assert report.findings[0].explains == ("R01", "R10")


def test_story_says_how_the_process_ended() -> None:
    story = build_report(diagnosis()).story
    assert story.what[0].startswith("TaskManager tm-1 (Flink 2.3.0, Java 17.0.9, G1) ran out of memory")
    assert "exit code 239" in story.what[0]
    assert story.certainty_bp == 9_700
    assert story.certainty_why == "4 pieces of evidence, 2 other causes ruled out, 2 not decided"


def test_healthy_process_has_no_cause_and_no_remedy() -> None:
    report = build_report(healthy())
    assert report.root_cause is None
    assert report.story.headline == "Nothing is wrong, as far as the evidence goes"
    assert report.story.do == ()
    assert report.story.certainty_bp is None


def test_dead_process_without_a_cause_is_not_called_healthy() -> None:
    report = build_report(Diagnosis(facts(), findings()[3:]))
    assert report.story.headline == "No cause found with this evidence"


def test_missing_facts_are_none_and_say_how_to_get_them() -> None:
    report = build_report(healthy())
    figures = {f.name: f for f in report.processes[0].figures}
    assert figures["state_entries"].value is None
    assert "heap dump: not collected" in figures["state_entries"].absent
    assert figures["gc_share_bp"].value == 4_750
    assert [a.how_to_get for a in report.absent] == ["flinkscope collect --dump PID"] * 2


def test_figures_are_those_of_the_facts() -> None:
    values = {f.name: f.value for f in build_report(diagnosis()).processes[0].figures}
    assert values["timers"] == 804_236
    assert values["state_entries"] == 402_118 * 2 + 3_911
    assert values["checkpoint_bytes"] == 17 * 5 << 20
    assert values["live_set_bytes"] == 250 << 20


def test_memory_now_and_after_the_remedy() -> None:
    now, after = build_report(diagnosis()).processes[0].memory
    assert now.heap_bytes == 256 << 20
    assert after.heap_bytes == 573 << 20
    assert after.total_bytes == sum(s.bytes for s in after.segments)


def test_checkpoints_share_the_axis_when_the_log_tells_the_wall_clock() -> None:
    process = process_facts()
    gc = process.gc
    assert not isinstance(gc, type(process.log))
    start = 1_763_712_000_000
    timed = replace(process, gc=replace(gc, series=replace(gc.series, start_unix_ms=start)))  # type: ignore[type-var]
    report = build_report(Diagnosis(replace(facts(), processes=(timed,)), findings()))
    timeline = report.processes[0].timeline
    assert timeline is not None
    sizes = timeline.panels[-1]
    assert sizes.title == "Checkpoint size"
    assert sizes.series[0].x[0] == 10_000 * 1_000_000
    without = build_report(diagnosis()).processes[0].timeline
    assert without is not None
    assert "Checkpoint size" not in [p.title for p in without.panels]


def test_large_cluster_stays_a_small_report() -> None:
    processes = tuple(replace(process_facts(), id=f"tm-{i:03}") for i in range(300))
    quiet = tuple(
        Finding("R14", "Class loader leak", Severity.CRITICAL, p.id, RuledOut(f"{i % 7} loaders"))
        for i, p in enumerate(processes)
    )
    root = replace(findings()[0], process="tm-123")
    report = build_report(Diagnosis(replace(facts(), processes=processes), (root, *quiet)))
    assert len(report.processes) == 300
    assert report.processes[0].id == "tm-123"
    assert sum(p.timeline is not None for p in report.processes) == MAX_PICTURED
    assert all(p.figures for p in report.processes)
    assert len(report.ruled_out) == MAX_ROWS_A_RULE
    assert report.ruled_out[0].process == "tm-000, tm-007, tm-014 and 40 more"
    assert len(render_html(report).encode()) < 2 << 20


def test_tables_are_cut_to_their_top() -> None:
    process = process_facts()
    heap = process.heap
    many = replace(heap, histogram=heap.histogram * 20)  # type: ignore[union-attr, type-var]
    report = build_report(Diagnosis(replace(facts(), processes=(replace(process, heap=many),)), findings()))
    shown = report.processes[0].heap
    assert shown is not None
    assert len(shown.classes) == MAX_CLASSES


def test_case_adds_provenance_and_redaction(tmp_path: Path) -> None:
    case = Case(
        tmp_path, "t", "2026-11-21T08:00:00+00:00", name="case",
        artifacts=(Artifact("tm-1/config.yaml", "config", "tm-1", "2026-11-21T08:01:00+00:00", "copied", True),),
        missing=(MissingArtifact("results", "died before"),),
    )  # fmt: skip
    report = build_report(diagnosis(), case)
    config = next(a for a in report.artifacts if a.name == "tm-1/config.yaml")
    assert (config.how, config.redacted, config.collected_at) == ("copied", True, "2026-11-21T08:01:00+00:00")
    assert report.redaction == "Secrets were taken out of 1 of 1 artifacts when collected."
    assert [(a.what, a.reason) for a in report.absent] == [("results", "died before")]
    ignored = next(a for a in report.artifacts if not a.used)
    assert (ignored.name, ignored.note) == ("notes.docx", "not recognised")


def test_places() -> None:
    row = place_row(Place("gc.log", line=12))
    assert (row.text, row.source, row.line, row.address) == ("gc.log:12", "gc.log", 12, None)


def test_comparison_holds_both_heaps() -> None:
    comparison = compare(build_report(diagnosis()), build_report(healthy()))
    assert comparison.overlay is not None
    names = [s.name for s in comparison.overlay.panels[0].series]
    assert names[0] == "before: heap after each GC"
    assert len(names) == 4
    assert [level.name for level in comparison.overlay.panels[0].levels] == ["-Xmx of both"]
    assert [m.text for m in comparison.overlay.marks] == ["before: log ends: out of memory (exit code 239)"]


@pytest.mark.parametrize(
    ("unit", "before", "after", "expected"),
    [
        ("bytes", 100, 39, "-61.0 %"),
        ("count", 656_519, 1_180, "÷ 556"),
        ("count", 3, 300, "× 100"),
        ("bp", 5_340, 190, "-51.5 points"),
        ("bytes", 5, 5, "same"),
        ("bytes", None, 5, ""),
        ("count", 0, 5, ""),
        ("count", 5, 0, "-100.0 %"),
    ],
)
def test_change(unit: str, before: int | None, after: int | None, expected: str) -> None:
    from flinkscope.report.comparison import ComparedFigure

    assert change(ComparedFigure("n", "t", unit, before, after)) == expected  # type: ignore[arg-type]


def test_wording() -> None:
    assert shortened("a" * 10, 20) == "a" * 10
    assert len(shortened("a" * 1_000_000, 300)) <= 300
    assert "[999," in shortened("a" * 1_000_000, 300)
    assert harmless("a\x1b[2Jb\u202ec") == "a�[2Jb�c"
    assert harmless("line\n\tcode 内存") == "line\n\tcode 内存"
    assert first_sentence("Heap 1.5 → 2. Then more.") == "Heap 1.5 → 2."
    assert exact_ms(86_400_000) == "24 h"
    assert exact_ms(180_000) == "3 min"
    assert exact_ms(1_500) == "1,500 ms"
    assert exact_ms(0) == "0 ms"
    assert capitalised("state “x”") == "State “x”"
    assert capitalised("taskmanager.memory.process.size is 1g") == "taskmanager.memory.process.size is 1g"


def test_unknown_figure_is_not_a_tile() -> None:
    report = build_report(healthy())
    unknown = [f for f in report.processes[0].figures if f.value is None]
    text = render_html(report)
    for figure in unknown:
        assert f"<dt>{figure.title}</dt><dd>" in text
        assert f'<div class="tile"><dt>{figure.title}' not in text
