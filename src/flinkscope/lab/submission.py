"""Submitting a jar as incident 2's cure does, from a fresh client JVM; before that, what its main() leaves behind."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flinkscope.errors import LabError, UsageError
from flinkscope.flink.loaders import UserLoader, user_loaders
from flinkscope.heap import open_heap
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.launch import OPENED, class_path_of, write_conf
from flinkscope.lab.live_dump import dump_live_heap
from flinkscope.lab.rest import Rest
from flinkscope.lab.wheels import FlinkHome, JavaHome, flink_home, java_home
from flinkscope.progress import SILENT, Progress

CLIENT = "org.apache.flink.client.cli.CliFrontend"
_CLIENT_TIMEOUT_S = 300.0
_JOB_ID = re.compile(r"JobID ([0-9a-f]{32})")
_LAST_JAVA_OF_CLIENT = 21  # 22 to 24 were not tried: no wheels
_CHECK_MEMORY = {"jobmanager.memory.process.size": "1100m", "jobmanager.memory.jvm-metaspace.size": "384m"}


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job that was submitted. ``warning``: what the target still allows and should not; empty if nothing."""

    job: str
    url: str
    warning: str = ""


def submit(
    jar: Path,
    target: str,
    arguments: Sequence[str] = (),
    *,
    entry_class: str = "",
    java: str = "17",
    client_options: Sequence[str] = (),
    progress: Progress = SILENT,
) -> Submitted:
    """``flink run --detached`` to the JobManager at ``target`` (its REST URL) in its own JVM, never over ``/jars``.

    ``client_options``: more words for ``flink run``, as ``-p 4``. Flink's client is of the target's own version. Cost:
    one JVM, about 3 s of CPU; a wheel of another Flink version is installed once. Raises UsageError for a jar or URL
    that is none, LabError when the target or the program refuses.
    """
    if not jar.is_file():
        raise UsageError(f"{jar}: no such jar")
    parts = urlsplit(target if "://" in target else f"http://{target}")
    if parts.scheme != "http" or not parts.hostname:
        raise UsageError(f"{target!r}: not a JobManager's REST address", hint="for example http://jobmanager:8081")
    url = f"http://{parts.hostname}:{parts.port or 8081}"
    rest = Rest(url)
    features = rest.get("/config")
    flink, runtime = flink_home(str(features["flink-version"]), progress), java_home(java, progress)
    progress.phase("running main() in a client JVM")
    with tempfile.TemporaryDirectory(prefix="flinkscope-submit-") as folder:
        write_conf(Path(folder), {"rest.address": parts.hostname, "rest.port": str(parts.port or 8081)}, flink)
        text = run_client(flink, runtime, Path(folder), jar, entry_class, arguments, client_options)
    found = _JOB_ID.search(text)
    if found is None:
        raise LabError("main() ended without submitting a job", hint="does it call execute()?")
    return Submitted(found[1], f"{url}/#/job/running/{found[1]}/overview", _warning(features))


def run_client(
    flink: FlinkHome,
    java: JavaHome,
    conf: Path,
    jar: Path,
    entry_class: str,
    arguments: Sequence[str],
    options: Sequence[str] = (),
) -> str:
    """``flink run --detached`` with the configuration in ``conf``; what it printed. Raises LabError when it fails."""
    command = [
        str(_for_client(java).java),
        "-XX:TieredStopAtLevel=1",
        "-Xmx512m",
        "-XX:+IgnoreUnrecognizedVMOptions",
        *OPENED,
    ]
    command += ["-classpath", class_path_of(flink), CLIENT, "run", "--detached"]
    command += [*options, *(["-c", entry_class] if entry_class else [])]
    environment = {**os.environ, "FLINK_CONF_DIR": str(conf), "FLINK_LIB_DIR": str(flink.path / "lib")}
    try:
        done = subprocess.run(
            [*command, str(jar.resolve()), *arguments],
            env=environment, cwd=conf, capture_output=True, text=True, timeout=_CLIENT_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise LabError(f"main() did not end in {_CLIENT_TIMEOUT_S:.0f} s", hint="a non-daemon thread?") from error
    if done.returncode:
        raise LabError(f"flink run ended with code {done.returncode}: {_reason(done.stderr + done.stdout)}")
    return done.stdout


def _for_client(java: JavaHome) -> JavaHome:
    """Flink's client ends with code 31 and no word on Java 25: there ServiceLoader throws the NoClassDefFoundError of
    YARN's factory (no Hadoop) as it is, which Flink up to 2.3.0 does not catch. The client then runs on Java 21."""
    return java_home("21") if java.major > _LAST_JAVA_OF_CLIENT else java


def leaves_behind(
    jar: Path,
    arguments: Sequence[str] = (),
    *,
    entry_class: str = "",
    flink: str = "2.3.0",
    java: str = "17",
    progress: Progress = SILENT,
) -> tuple[UserLoader, ...]:
    """What the jar's main() would leave in a JobManager: it is run in a throw-away one without TaskManagers.

    The leaked class loaders with their pins; empty if it leaves nothing. The job gets no slot, so no task of it runs;
    whatever main() itself reaches outside (databases, configuration servers) it does reach. About 20 s. Raises
    UsageError for no jar, LabError when main() fails.
    """
    if not jar.is_file():
        raise UsageError(f"{jar}: no such jar")
    with Cluster(_CHECK_MEMORY, 0, flink_home(flink, progress), java_home(java, progress), progress) as cluster:
        progress.phase("running main() in a throw-away JobManager")
        cluster.rest.run(cluster.rest.upload(jar), entry_class, arguments)
        dump = cluster.folder / "dumps" / "check.hprof"
        dump_live_heap(cluster.job_manager.pid, dump)
        return tuple(row for row in user_loaders(open_heap(dump, cache=False)) if row.state == "leaked")


def _warning(features: object) -> str:
    allowed = isinstance(features, dict) and features.get("features", {}).get("web-submit")
    if not allowed:
        return ""
    return (
        "this session cluster takes web submissions, whose main() runs inside the JobManager:"
        " set web.submit.enable: false"
    )


def _reason(text: str) -> str:
    found = [line.strip() for line in text.splitlines() if "Exception" in line or "Error" in line]
    return (found or text.splitlines() or ["no output"])[-1][:300]
