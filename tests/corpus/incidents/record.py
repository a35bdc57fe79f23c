"""Records the incidents that a real Flink 2.3.0 dies of, one cluster after the other: ``record.py FOLDER [NAME …]``.

Needs a JDK for the jobs (src/incidents) and the lab's wheels. Heap dumps stay in FOLDER; what the corpus keeps of a
run is its logs, cut to what tells.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from flinkscope.errors import LabError
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.wheels import flink_home

SOURCES = Path(__file__).resolve().parent / "src" / "incidents"
GC = "-XX:+UseG1GC -Xlog:gc*:file={folder}/gc.log:time,uptime,level,tags"
DUMP = "-XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath={folder}"
SMALL_HEAP = {
    "taskmanager.memory.process.size": "900m",
    "taskmanager.memory.managed.size": "132m",
    "taskmanager.memory.framework.heap.size": "64m",
    "heartbeat.timeout": "600000",
}
DONE = "switched from state RUNNING to FINISHED"
OFTEN = {"execution.checkpointing.interval": "2000"}


@dataclass(frozen=True)
class Incident:
    """One run: the job's words, Flink's options, and the text in a log that ends it."""

    words: tuple[str, str]
    until: str
    config: dict[str, str] = field(default_factory=dict)
    parallelism: int = 1
    seconds: int = 150
    times: int = 1  # submissions, two seconds apart


INCIDENTS = {
    "r05-static-map": Incident(("static", "100000000"), "Java heap space", SMALL_HEAP),
    "r04-endless-state": Incident(("endless", "100000000"), "Java heap space", SMALL_HEAP | OFTEN),
    "r03-window": Incident(("window", "100000000"), "Java heap space", SMALL_HEAP),
    "r06-idle": Incident(("idle", "100000000"), "Java heap space", SMALL_HEAP),
    "r23-network": Incident(
        ("shuffle", "1000"),
        "Insufficient number of network buffers",
        {
            "taskmanager.memory.network.min": "2m",
            "taskmanager.memory.network.max": "2m",
            "taskmanager.numberOfTaskSlots": "8",
        },
        8,
    ),
    "r21-direct": Incident(("direct", "1000000"), "direct buffer memory"),
    "r11-array": Incident(("array", "10"), "Requested array size exceeds VM limit"),
    "r33-state-in-jobmanager": Incident(
        ("big-list", "100000000"),
        "maximum permitted memory-backed state",
        OFTEN | {"execution.checkpointing.storage": "jobmanager"},
    ),
    "r26-rocksdb": Incident(
        ("endless", "1000"),
        "performance will be poor",
        {"state.backend.type": "rocksdb", "taskmanager.memory.managed.size": "4m"},
        seconds=40,
    ),
    "r04-broadcast": Incident(("broadcast", "100000000"), "Java heap space", SMALL_HEAP),
    "r02-sliding": Incident(("sliding", "100000000"), "Java heap space", SMALL_HEAP),
    "r16-thread-left-behind": Incident(
        ("left-behind", "10"),
        "OutOfMemoryError: Metaspace",
        {"taskmanager.memory.jvm-metaspace.size": "96m"},
        times=25,
    ),
    "r22-main-keeps-direct": Incident(
        ("keep-direct", "1000"),
        "bytes of direct buffer memory",
        {"jobmanager.memory.enable-jvm-direct-memory-limit": "true"},
    ),
    "r24-main": Incident(("main", "1"), "Java heap space", {"jobmanager.memory.process.size": "640m"}),
}

# the same jobs with what they need: nothing may be found wrong
INCIDENTS |= {
    "healthy-shuffle": Incident(("shuffle", "1000"), DONE, {"taskmanager.numberOfTaskSlots": "8"}, 8),
    "healthy-rocksdb": Incident(("endless", "1000"), DONE, OFTEN | {"state.backend.type": "rocksdb"}),
    "healthy-state": Incident(("endless", "200000"), DONE, SMALL_HEAP | OFTEN),
    "healthy-window": Incident(("window", "200000"), DONE),
}


def compiled(folder: Path) -> Path:
    """The jar of the jobs."""
    classes, jar = folder / "classes", folder / "trouble.jar"
    path = os.pathsep.join(str(p) for p in (flink_home().path / "lib").glob("*.jar"))
    sources = [str(p) for p in SOURCES.glob("*.java")]
    subprocess.run(["javac", "--release", "17", "-proc:none", "-cp", path, "-d", str(classes), *sources], check=True)
    subprocess.run(["jar", "--create", "--file", str(jar), "-C", str(classes), "incidents"], check=True)
    return jar


def record(name: str, incident: Incident, jar: Path, folder: Path) -> None:
    """Runs it until the text comes, or its time is over; logs, configuration and dumps go to ``folder``/``name``."""
    out = folder / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    options = " ".join((GC, DUMP)).format(folder=out)
    jm_options = options.replace("gc.log", "jobmanager-gc.log")
    config = {
        "env.java.opts.jobmanager": jm_options,
        "env.java.opts.taskmanager": options,
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "1",
        "restart-strategy.fixed-delay.delay": "1s",
    }
    with Cluster({**config, **incident.config}) as cluster:
        texts = [path for process in cluster.processes for path in (process.log, process.out)]
        for _ in range(incident.times):
            try:
                cluster.submit(jar, "incidents.FlinkTrouble", incident.words, incident.parallelism)
            except LabError as error:
                (out / "answer.txt").write_text(f"{error}\n", encoding="utf-8")
                break
            time.sleep(2 if incident.times > 1 else 0)
        deadline = time.monotonic() + incident.seconds
        while time.monotonic() < deadline:
            if any(incident.until in path.read_text(errors="replace") for path in texts if path.exists()):
                time.sleep(6)  # what follows: the restart, the second error
                _wait_for_dump(texts)
                break
            time.sleep(1)
        for path in (*texts, cluster.config_path):
            shutil.copy(path, out / path.name)
    print(name, sorted(p.name for p in out.iterdir()), flush=True)


def _wait_for_dump(texts: list[Path]) -> None:
    """Until each dump that was begun is there, at most a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        said = "".join(path.read_text(errors="replace") for path in texts if path.suffix == ".out")
        if said.count("Dumping heap to") <= said.count("Heap dump file created"):
            return
        time.sleep(1)


def main() -> None:
    """All incidents, or those named."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    jar = compiled(folder)
    for name in sys.argv[2:] or INCIDENTS:
        record(name, INCIDENTS[name], jar, folder)


if __name__ == "__main__":
    main()
