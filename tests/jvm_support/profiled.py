"""A running Profiled (its flame graphs are known beforehand), and the shares of a profile."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flinkscope.formats.stacks import StackProfile
from jvm_support.java_runtimes import CORPUS, java_home

PROFILED_JAR = CORPUS / "profiled.jar"


def flink_dist() -> Path:
    """The flink-dist jar of the lab's wheel; skips the test without it."""
    pyflink = pytest.importorskip("pyflink", reason="the lab wheels are not installed")
    found = sorted((Path(next(iter(pyflink.__path__))) / "lib").glob("flink-dist-*.jar"))
    if not found:
        pytest.skip("no flink-dist jar in the wheel")
    return found[0]


@contextmanager
def running_profiled(major: int = 17, *flags: str, dist: bool = False) -> Iterator[int]:
    """Its pid; ``dist``: with flink-dist on its class path, as a Flink process has it."""
    java = str(java_home(major) / "bin" / "java")
    path = f"{PROFILED_JAR}:{flink_dist()}" if dist else str(PROFILED_JAR)
    process = subprocess.Popen(
        [java, "-Xmx64m", *flags, "-cp", path, "Profiled"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "ready"
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def share(profile: StackProfile, *frames: str, thread: str | None = None) -> float:
    """The share of the stacks with one of these frames anywhere (and of that thread), 0 to 1."""
    found = sum(
        stack.value
        for stack in profile.stacks
        if any(frame.name in frames for frame in stack.frames) and thread in (None, stack.thread)
    )
    return found / profile.total
