"""Whatever is written around the lines of a log, of any JDK, it reads as without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flinkscope import read_gc_log
from flinkscope.sources.wrappers import cleaner, source_pattern

CORPUS = Path(__file__).parents[1] / "corpus" / "gclog"
LOGS = ["jdk8-own/parallel-incident.log", "jdk8-own/g1-details.log", "jdk8-own/verbose.log", "jvm/jdk17-G1-default.log"]
STAMP = "2026-01-01T00:00:00.123456789Z"


def in_json(line: str) -> str:
    return json.dumps({"log": line + "\n", "stream": "stdout", "time": STAMP}, separators=(",", ":"))


WRAPPERS: dict[str, Callable[[str], str]] = {
    "docker": in_json,
    "fluentd": lambda line: f"2026-01-02 03:04:05.000000000 +0000 kube.var.log: {in_json(line)}",
    "logstash": lambda line: json.dumps({"@timestamp": STAMP, "host": {"os": {"name": "x"}}, "message": line}),
    "cloud logging": lambda line: json.dumps({"textPayload": line, "resource": {"labels": {"pod_name": "tm-1"}}}),
    "aws logs": lambda line: f"2026-11-21T10:46:12.123000+00:00 flink/taskmanager/0a1b2c3d4e5f {line}",
    "containerd": lambda line: f"{STAMP} stdout F {line}",
    "kubectl": lambda line: f"[pod/taskmanager-1/main] {STAMP} {line}",
    "syslog": lambda line: f"<30>Jan  2 03:04:05 node java[12]: {line}",
    "syslog 5424": lambda line: f"<13>1 {STAMP} node java 123 - - {line}",
    "stern": lambda line: f"taskmanager-7f9c main {line}",
    "grep -n": lambda line: f"gc.log:12:{line}",
    "colours": lambda line: f"\x1b[32;1mtaskmanager-1  |\x1b[0m {line}",
    "blanks": lambda line: "    " + line,
    "utf-16": lambda line: line,
}


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_figures_are_those_of_the_bare_log(tmp_path: Path, name: str, wrapper: str) -> None:
    bare = read_gc_log(CORPUS / name)
    text = "\n".join(WRAPPERS[wrapper](line) for line in (CORPUS / name).read_text().splitlines()) + "\n"
    path = tmp_path / "wrapped.txt"
    path.write_bytes(text.encode("utf-16" if wrapper == "utf-16" else "utf-8"))
    log = read_gc_log(path)
    assert log.figures == bare.figures
    assert log.coverage.understood_gc_lines == bare.coverage.understood_gc_lines


def test_lines_that_containerd_cut_are_whole_again() -> None:
    text = b"".join(
        f"{STAMP} stdout {part} {words}\n".encode()
        for part, words in [("F", "one"), ("P", "tw"), ("P", "o a"), ("F", "nd a half"), ("F", "three")]
    )
    assert cleaner(text)(text) == b"one\ntwo and a half\nthree\n"


@pytest.mark.parametrize(
    ("line", "source"),
    [
        (f"[pod/tm-1/main] {STAMP} x", "tm-1/main"),
        ("taskmanager-1  | x", "taskmanager-1"),
        ("Jan 02 03:04:05 node-1 java[123]: x", "node-1 java[123]"),
        (json.dumps({"log": "x\n", "kubernetes": {"pod_name": "tm-3"}}), "tm-3"),
        (f"{STAMP} stdout F x", None),
        ("[0.123s][info][gc] x", None),
    ],
)
def test_who_wrote_a_line(line: str, source: str | None) -> None:
    found = source_pattern(line.encode())
    match = found.match(line.encode()) if found else None
    told = match["source"] if match else None
    assert (told.decode() if told else None) == source
