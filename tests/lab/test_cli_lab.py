"""The lab's command line: words, exit codes, JSON; nothing here starts a Flink."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flinkscope.cli.main import main
from flinkscope.lab.incidents import uv_heap
from flinkscope.sources.case import CaseWriter


def code_of(*words: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    return int(stop.value.code or 0)


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A case of the incident, as far as its labels go."""
    return CaseWriter(tmp_path / "case", "a case", uv_heap.Plan(size="quick").labels()).root


def test_list_names_incident_and_cache(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert code_of("lab", "list") == 0
    text = capsys.readouterr().out
    assert "uv-heap" in text
    assert "2,500,000 events" in text
    assert str(tmp_path / "cache" / "flinkscope") in text
    assert max(map(len, text.splitlines())) <= 100
    assert code_of("lab", "list", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [i["name"] for i in document["incidents"]] == ["uv-heap", "jm-metaspace"]
    assert document["entries"] == []


def test_clean_with_nothing_to_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("lab", "clean") == 0
    assert "nothing to remove" in capsys.readouterr().out
    assert code_of("lab", "clean", "--wheels", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    "words", [("run",), ("cure",), ("demo",), ("run", "uv-heap"), ("cure", "uv-heap"), ("demo", "uv-heap")]
)
def test_every_help_has_an_example(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("lab", *words, "--help") == 0
    text = capsys.readouterr().out
    assert f"flinkscope lab {words[0]} uv-heap" in text


def test_unknown_incidents_and_words_are_usage_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("lab", "run", "no-such") == 2
    assert code_of("lab", "run", "uv-heap", "--trigger", "lazy") == 2
    assert "purging" in capsys.readouterr().err


def test_a_cure_needs_a_case_of_this_incident_and_memory_options(
    tmp_path: Path, case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("lab", "cure", "uv-heap", "--case", str(case)) == 4  # nothing in it that could be diagnosed
    for word in ("process.size=1g", "taskmanager.memory.process.size", "=", "env.java.opts=-version"):
        assert code_of("lab", "cure", "uv-heap", "--case", str(case), "--memory", word) == 2
    assert "expected a taskmanager.memory option" in capsys.readouterr().err
    other = CaseWriter(tmp_path / "other", "another's", {"incident": "something"}).root
    assert code_of("lab", "cure", "uv-heap", "--case", str(other), "--design", "bucket") == 2
    assert code_of("lab", "cure", "uv-heap", "--case", str(tmp_path / "none"), "--design", "bucket") == 3


def test_a_case_is_not_overwritten_unless_asked(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("lab", "run", "uv-heap", "--quick", "--out", str(case)) == 2
    assert "--replace" in capsys.readouterr().err
    assert (case / "manifest.json").is_file()


def test_damaged_labels_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = {**uv_heap.Plan().labels(), "seed": "many"}
    broken = CaseWriter(tmp_path / "broken", "broken", labels).root
    assert code_of("lab", "cure", "uv-heap", "--case", str(broken), "--design", "bucket") == 4
    assert "labels" in capsys.readouterr().err
