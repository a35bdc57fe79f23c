"""Cases: what is written is read back; what is not a case says so."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.sources.case import CaseProcess, CaseWriter, is_case, open_case


@pytest.fixture
def case_folder(tmp_path: Path) -> Path:
    writer = CaseWriter(tmp_path / "case", "a test", {"incident": "uv-heap"})
    writer.put_process(CaseProcess("tm-1", "taskmanager", flink_version="2.3.0"))
    (writer.root / "tm-1").mkdir()
    log = writer.root / "tm-1" / "gc.log"
    log.write_text("[0.1s][info][gc] Using G1\n")
    writer.add(log, "gc_log", process="tm-1", how="-Xlog:gc")
    writer.note_missing("heap_dump", "the volume was full", process="tm-1")
    writer.put_process(CaseProcess("tm-1", "taskmanager", flink_version="2.3.0", exit_code=3))
    return writer.root


def test_what_is_written_is_read_back(case_folder: Path) -> None:
    case = open_case(case_folder)
    assert case.title == "a test"
    assert case.labels == {"incident": "uv-heap"}
    assert [(p.id, p.exit_code) for p in case.processes] == [("tm-1", 3)]
    assert case.path_of(case.of_kind("gc_log", "tm-1")[0]).read_text().endswith("Using G1\n")
    assert case.missing[0].why == "the volume was full"


def test_a_zip_is_the_same_case(case_folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "case.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in case_folder.rglob("*"):
            archive.write(path, path.relative_to(case_folder.parent))
    assert is_case(packed)
    assert open_case(packed).artifacts == open_case(case_folder).artifacts


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not valid JSON"),
        ('{"format": "grafana"}', "grafana"),
        ("[]", "list"),
        ('{"format": "flinkscope-case", "version": 99}', "99"),
        ('{"format": "flinkscope-case", "version": 1, "processes": [{"colour": 1}]}', "damaged"),
        (
            json.dumps(
                {
                    "format": "flinkscope-case",
                    "version": 1,
                    "artifacts": [{"path": "../../etc/passwd", "kind": "config"}],
                }
            ),
            "leaves the case",
        ),
    ],
)
def test_other_manifests_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UnreadableInputError, match=says):
        open_case(tmp_path)


def test_a_missing_folder_and_a_plain_one(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        open_case(tmp_path / "nothing")
    with pytest.raises(UnreadableInputError, match=r"no manifest\.json"):
        open_case(tmp_path)


def test_unknown_kinds_are_refused(case_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown artifact kind"):
        CaseWriter(tmp_path / "other", "x").add(case_folder / "tm-1" / "gc.log", "cooking_recipe")
