"""The corpus of incidents: the right cause first, silence on the healthy twins, and never a wrong cause with less."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flinkscope import diagnose
from flinkscope.diagnosis.engine import Diagnosis
from flinkscope.diagnosis.finding import Severity
from flinkscope.diagnosis.rule import all_rules

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "incidents"
CASES = sorted(path.parent.name for path in CORPUS.glob("*/about.json"))
HEALTHY = sorted(path.name for path in (CORPUS / "healthy").iterdir())


def about(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((CORPUS / name / "about.json").read_text(encoding="utf-8"))
    return document


def files(name: str) -> tuple[Path, ...]:
    return tuple(sorted((CORPUS / name / "incident").iterdir()))


@cache
def diagnosed(*paths: Path) -> Diagnosis:
    return diagnose(*paths)


def root_of(diagnosis: Diagnosis) -> str | None:
    return diagnosis.root_cause.rule if diagnosis.root_cause else None


@pytest.mark.parametrize("name", CASES)
def test_the_cause_comes_first(name: str) -> None:
    expected, diagnosis = about(name), diagnosed(*files(name))
    assert root_of(diagnosis) == expected["root_cause"]
    fired = [f.rule for f in diagnosis.fired]
    if expected["root_cause"] is not None:
        assert fired[0] == expected["root_cause"]
    elif "first" in expected:
        assert fired[:1] == ([expected["first"]] if expected["first"] else [])


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_at_or_above_warning_in_health(name: str) -> None:
    found = diagnosed(CORPUS / "healthy" / name).at_or_above(Severity.WARNING)
    assert [f.rule for f in found] == []


@pytest.mark.parametrize("name", [n for n in CASES if len(files(n)) > 1])
def test_less_evidence_never_gives_a_wrong_cause(name: str) -> None:
    right = {about(name)["rule"], None}
    for lost in files(name):
        rest = [path for path in files(name) if path != lost]
        assert root_of(diagnosed(*rest)) in right, f"without {lost.name}"


@pytest.mark.parametrize("name", [n for n in CASES if len(files(n)) > 1])
def test_each_file_alone_never_gives_a_wrong_cause(name: str) -> None:
    right = {about(name)["rule"], None}
    for alone in files(name):
        assert root_of(diagnosed(alone)) in right, f"with {alone.name} alone"


def test_every_healthy_twin_is_there() -> None:
    assert {about(name)["healthy"] for name in CASES} <= set(HEALTHY)


def test_the_pages_say_what_proves_each_rule() -> None:
    by_rule = {m.rule.id: m.rule for m in all_rules()}
    assert len(by_rule) == 34
    assert all(rule.proved_on for rule in by_rule.values())
    assert {about(name)["rule"] for name in CASES} <= set(by_rule)
    real = [r for r in by_rule.values() if not r.proved_on.startswith("recorded texts")]
    assert len(real) >= 25
