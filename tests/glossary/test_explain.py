"""Everything that a report, a GC log or a watch names can be looked up; rules that terms name exist."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli
from flinkscope.diagnosis.rule import all_rules
from flinkscope.errors import UsageError
from flinkscope.gc.log import read_gc_log
from flinkscope.glossary import explain, known_terms
from flinkscope.report import build_report
from flinkscope.watch.measures import MEASURES
from report_support.incident import SPLIT, diagnosis

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / "tests" / "corpus" / "gclog" / "jvm" / "jdk17-G1-full.log"


def test_every_figure_of_a_report() -> None:
    for figure in build_report(diagnosis()).processes[0].figures:
        assert explain(figure.name), figure.name
        assert explain(figure.title), figure.title


def test_every_figure_of_a_gc_log() -> None:
    for name in read_gc_log(LOG).figures:
        assert explain(name)[0].kind in ("figure", "term"), name


def test_every_measure_rule_and_part_of_memory() -> None:
    for name in (*MEASURES, *SPLIT, *(m.rule.id for m in all_rules())):
        assert explain(name), name


def test_rules_that_terms_name_exist() -> None:
    known = {m.rule.id for m in all_rules()}
    assert {rule for entry in known_terms() for rule in entry.rules} <= known


def test_gc_definitions_are_those_of_the_reference_page() -> None:
    """Mend with: python tools/gc_terms.py"""
    made = json.loads(runpy.run_path(str(ROOT / "tools" / "gc_terms.py"))["gc_terms"]())
    kept = json.loads((ROOT / "src" / "flinkscope" / "glossary" / "gc_terms.json").read_text(encoding="utf-8"))
    assert made == kept


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("live set", "live set"),
        ("LIVE_SET_BYTES", "live set"),
        ("live sett", "live set"),
        ("存活集", "live set"),
        ("full_gc_pause_p99_9_ns", "full_gc_count"),
        ("r02", "R02"),
        ("taskmanager.memory.network.max", "taskmanager.memory.network.max"),
        ("exit code 137", "exit code"),
    ],
)
def test_found_by_other_names(asked: str, name: str) -> None:
    assert name in [entry.name for entry in explain(asked)[:2]]


@pytest.mark.parametrize("asked", ["", "  ", "xyzzy plugh", "a" * 10_000])
def test_what_nobody_knows(asked: str) -> None:
    with pytest.raises(UsageError) as failed:
        explain(asked)
    assert failed.value.hint


def test_by_the_command() -> None:
    shown = CliRunner().invoke(cli, ["explain", "retained", "size"], standalone_mode=False)
    assert "What would be freed if the object went" in " ".join(shown.output.split())
    listed = CliRunner().invoke(cli, ["explain", "--list", "--json"], standalone_mode=False)
    assert len(json.loads(listed.output)) == len(known_terms())
