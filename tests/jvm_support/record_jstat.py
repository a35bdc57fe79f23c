"""Records hsperfdata of real JVMs together with what their own release's jstat prints for them (run by hand)."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from flinkscope.formats.hsperf import parse_hsperf
from flinkscope.jvm.jstat_columns import OPTIONS
from flinkscope.sources.process import java_process, read_perf_file
from jvm_support.java_runtimes import COLLECTORS, CORPUS, java_home, running_target, stopped


def without_paths(data: bytes) -> bytes:
    """The same counters with the paths of this machine blanked."""
    clean = bytearray(data)
    reading = parse_hsperf(data, "recording")
    for name, slot in reading.layout.slots.items():
        if "/" in (reading.text(name) or "") and name.startswith(
            ("java.property", "sun.property", "sun.rt.javaCommand")
        ):
            clean[slot.offset : slot.offset + slot.text_bytes] = b"x" + bytes(slot.text_bytes - 1)
    return bytes(clean)


def record(major: int, collector: str) -> None:
    """Writes jdkN-Collector.hsperf.gz and jdkN-Collector.json (option → what jstat printed)."""
    first, *more = collector.split()
    home = java_home(major)
    flags = (f"-XX:+Use{first}GC", "-XX:MaxMetaspaceSize=96m", *more)
    with running_target(home, "churn", flags=flags) as process, stopped(process.pid):
        data = read_perf_file(java_process(process.pid))
        timestamp = ["-t"] if major < 25 else []  # from 25 on it is the clock of the moment
        said = {
            option: subprocess.run(
                [home / "bin" / "jstat", f"-{option}", *timestamp, str(process.pid)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for option in OPTIONS
        }
    folder = CORPUS / "hsperf"
    folder.mkdir(exist_ok=True)
    name = f"jdk{major}-{first}{'gen' if more else ''}"
    (folder / f"{name}.hsperf.gz").write_bytes(gzip.compress(without_paths(data), mtime=0))
    (folder / f"{name}.json").write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    for release, collectors in COLLECTORS.items():
        for choice in collectors:
            record(release, choice)
