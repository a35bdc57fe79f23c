"""The fuzzers' targets on damaged files of the corpus: the same damage on every run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fuzz_readers import READERS, check, mutate

from flinkscope import build_report, diagnose, render

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
CONFIG = """taskmanager:
  memory: {process: {size: 1728m}}
env.java.opts.taskmanager: >-
  -XX:+UseG1GC -Xlog:gc*:file=/tmp/gc.log
"""
HISTOGRAM = """ num     #instances         #bytes  class name (module)
-------------------------------------------------------
   1:         12345        1234567  [B (java.base@17.0.9)
   2:           321          12345  java.lang.String (java.base@17.0.9)
Total         12666        1246912
"""


def _seeds(reader: str, folder: Path) -> list[Path]:
    if reader in ("config", "histogram"):
        path = folder / "seed.txt"
        path.write_text(CONFIG if reader == "config" else HISTOGRAM)
        return [path]
    if reader == "report":
        path = folder / "report.json"
        log = CORPUS / "flinklog" / "metaspace-taskmanager.log"
        path.write_text(render(build_report(diagnose(log)), "json"))
        return [path]
    places = {
        "hsperf": "jvm/hsperf", "jfr": "jvm/flame", "log": "flinklog", "hs_err": "flinklog", "threads": "jvm/threads",
        "pod": "rest", "flame": "jvm/flame", "diagnose": ".",
    }  # fmt: skip
    files = [path for path in (CORPUS / places[reader]).rglob("*") if path.is_file()]
    return sorted(files if reader != "diagnose" else [path for path in files if path.stat().st_size < 200_000])


@pytest.mark.parametrize("reader", sorted(READERS))
def test_damaged_files_give_answers_or_errors(reader: str, tmp_path: Path) -> None:
    files = _seeds(reader, tmp_path)
    assert files
    mutate(reader, 60, files, seed=7)


@pytest.mark.parametrize("reader", sorted(READERS))
def test_nothing_and_everything(reader: str) -> None:
    for data in (b"", b"\0" * 4096, b"\xff" * 4096, b"{" * 4096, b"\n" * 4096, json.dumps([[]] * 99).encode()):
        check(reader, data)
