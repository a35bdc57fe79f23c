"""Incidents of window state, keyed state and user code on a real Flink, brought about again: the cause comes first."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from flinkscope import diagnose

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "incidents"
pytestmark = [pytest.mark.heavy, pytest.mark.flink]


@pytest.fixture(scope="module")
def recorder() -> ModuleType:
    if shutil.which("javac") is None:
        pytest.skip("no javac: the jobs of tests/corpus/incidents/src cannot be compiled")
    spec = importlib.util.spec_from_file_location("record_incidents", CORPUS / "record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def jar(recorder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found: Path = recorder.compiled(tmp_path_factory.mktemp("jobs"))
    return found


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("r02-sliding", "R02"),
        ("r03-window", "R03"),
        ("r04-endless-state", "R04"),
        ("r05-static-map", "R05"),
        ("r06-idle", "R06"),
        ("r16-thread-left-behind", "R16"),
        ("r22-main-keeps-direct", "R22"),
    ],
)
def test_the_cause_comes_first(recorder: ModuleType, jar: Path, tmp_path: Path, name: str, rule: str) -> None:
    recorder.record(name, recorder.INCIDENTS[name], jar, tmp_path)
    diagnosis = diagnose(tmp_path / name)
    assert diagnosis.root_cause is not None
    assert diagnosis.root_cause.rule == rule
