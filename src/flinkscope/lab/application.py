"""A job in application mode: a JobManager of its own, which runs main() once and ends with the job."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flinkscope.errors import LabError, UsageError
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.launch import Application
from flinkscope.lab.wheels import flink_home, java_home
from flinkscope.progress import SILENT, Progress

_POLL_S = 0.3


@dataclass(frozen=True, slots=True)
class ApplicationRun:
    """A job in application mode on this machine. ``state``: the last that its JobManager told; ``exit_code``: the
    JobManager's, 0 if the job finished or was cancelled."""

    job: str
    name: str
    state: str
    exit_code: int


def run_application(
    jar: Path,
    arguments: Sequence[str] = (),
    *,
    entry_class: str = "",
    config: Mapping[str, str] | None = None,
    task_managers: int = 1,
    flink: str = "2.3.0",
    java: str = "17",
    progress: Progress = SILENT,
    on_job: Callable[[str, str], None] | None = None,
) -> ApplicationRun:
    """Runs the jar's job with a JobManager and TaskManagers of its own until it ends; everything ends with it.

    As ``standalone-job.sh`` does (StandaloneApplicationClusterEntryPoint). ``config``: Flink options; ``on_job``: told
    the job's id and the URL of its page as soon as it runs. An interrupt ends all processes. Raises UsageError for no
    jar, LabError when Flink does not come up or main() submits no job.
    """
    if not jar.is_file():
        raise UsageError(f"{jar}: no such jar")
    application = Application(jar, entry_class, tuple(arguments))
    homes = (flink_home(flink, progress), java_home(java, progress))
    with Cluster(dict(config or {}), task_managers, *homes, progress, application) as cluster:
        seen: dict[str, str] = {}
        while (code := cluster.job_manager.exit_code) is None:
            now = first_job(cluster)
            if now is not None and not seen and on_job is not None:
                on_job(now["jid"], f"{cluster.rest_url}/#/job/running/{now['jid']}/overview")
            if now is not None and now["state"] != seen.get("state"):
                progress.phase(f"{now['name']}: {now['state'].lower()}")
            seen = now or seen
            time.sleep(_POLL_S)
        return _ended(seen, code, cluster)


def first_job(cluster: Cluster) -> dict[str, str] | None:
    """The application's job as the REST interface tells it; None before it is there and when the JobManager ends."""
    with suppress(LabError):
        jobs = cluster.rest.get("/jobs/overview")["jobs"]
        return jobs[0] if jobs else None
    return None


def _ended(seen: dict[str, str], code: int, cluster: Cluster) -> ApplicationRun:
    """The JobManager's exit code decides: a short job's last state may never have been seen."""
    text = cluster.job_manager.log.read_text(encoding="utf-8", errors="replace")
    if not seen and (code or "Starting execution of job" not in text):
        reasons = [line.strip() for line in text.splitlines() if line.startswith("Caused by:")]
        raise LabError(
            f"main() submitted no job; the JobManager ended with code {code}: {(reasons or ['see its log'])[-1][:300]}",
            hint="does it call execute()? --check runs it in a session's JobManager",
        )
    state = seen.get("state", "")
    final = state if state in ("FINISHED", "CANCELED", "FAILED") else ("FAILED" if code else "FINISHED")
    return ApplicationRun(seen.get("jid", ""), seen.get("name", ""), final, code)
