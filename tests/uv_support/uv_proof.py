"""A daily-UV job on a real Flink against a real Redis, disturbed in the middle, and the recount that it must equal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flinkscope.uv.check import UvCheck, check
from flinkscope.uv.events import EventPlan, write_events
from flinkscope.uv.job import UvJob, uv_job
from flinkscope.uv.recount import recount
from flinkscope.uv.run import Embedded, Place, UvSummary
from flinkscope.uv.sources import EventFiles, event_files
from flinkscope.uv.store import RedisAddress, VisitorStore
from uv_support.redis_server import RedisServer

# Two days that meet at midnight in Shanghai; everything that real streams do to a count.
PLAN = EventPlan(
    events=300_000, items=20_000, users=5_000, disorder_ms=60_000, duplicates_bp=500, late_bp=50, malformed_bp=20
)
LIMIT_S = 1800.0
# A process that was killed is noticed in seconds, also on a busy machine.
QUICK_HEARTBEAT = {"heartbeat.interval": "2000", "heartbeat.timeout": "20000"}


@dataclass
class Proof:
    """One folder with event files, late and dead-letter folders and checkpoints, and one Redis."""

    folder: Path
    redis: RedisServer
    plan: EventPlan = PLAN
    kind: str = "csv"
    options: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Writes the events: one file, so that a single reader keeps the order of time."""
        self.events = self.folder / "events"
        write_events(self.plan, self.events, kind=self.kind, rows_per_file=self.plan.events)

    def job(self, **options: str) -> UvJob:
        """The job over the events; ``options`` with underscores for hyphens."""
        given = {
            "path": str(self.events), "redis": self.redis.url, "watermark-delay": "2 min", "checkpoint-interval": "1 s",
            "late-dir": str(self.folder / "late"), "dead-letter-dir": str(self.folder / "dead"),
            "checkpoint-dir": str(self.folder / "checkpoints"), "redis-retry": "60 s",
        }  # fmt: skip
        given |= self.options | {name.replace("_", "-"): value for name, value in options.items()}
        return uv_job(given)

    def check(self, job: UvJob) -> UvCheck:
        """Redis against the recount of the same files, less what the job set aside as late."""
        address = RedisAddress(self.redis.url, job["prefix"])
        with (
            VisitorStore(address) as store,
            recount(event_files([str(self.events)]), zone=job["zone"], key=job["key"], late=self.late()) as counted,
        ):
            return check(counted, store, zone=job["zone"], key=job["key"])

    def late(self) -> EventFiles | None:
        """The late rows' files; None while there are none."""
        folder = self.folder / "late"
        if not any(path.is_file() and not path.name.startswith((".", "_")) for path in folder.rglob("*")):
            return None
        return event_files([str(folder)], "csv")

    def dead_letters(self) -> int:
        """Rows in the dead-letter folder."""
        paths = [p for p in (self.folder / "dead").rglob("*") if p.is_file() and not p.name.startswith((".", "_"))]
        return sum(len(path.read_bytes().splitlines()) for path in paths)


def embedded(job: UvJob, *, parallelism: int = 2, memory: str = "1216m", savepoint: str | None = None,
             **config: str) -> Embedded:  # fmt: skip
    """The job on a Flink of its own; options of Flink with underscores for dots."""
    options = {**QUICK_HEARTBEAT, **{key.replace("_", "."): value for key, value in config.items()}}
    return Embedded(job, Place(parallelism=parallelism, memory=memory, config=options), savepoint=savepoint)


def finished(run: Embedded) -> UvSummary:
    """Waits for the end, which must be a good one."""
    summary = run.wait(LIMIT_S)
    assert summary.state == "FINISHED", summary
    return summary


def completed_checkpoints(run: Embedded) -> int:
    """How many the job has made since it was submitted."""
    return int(run.cluster.rest.get(f"/jobs/{run.job_id}/checkpoints")["counts"]["completed"])


def in_the_middle(run: Embedded, redis: RedisServer) -> None:
    """Waits until results are in Redis and two more checkpoints are complete; the job must still be running then."""
    with redis.client() as client:
        wait_for(lambda: any(client.hlen(name) > 100 for name in client.scan_iter("uv:????-??-??")), run)
    made = completed_checkpoints(run)
    wait_for(lambda: completed_checkpoints(run) >= made + 2, run)
    assert run.state() == "RUNNING", "the fault must hit a running job: give it more to do"


def wait_for(reached: Callable[[], Any], run: Embedded) -> None:
    """Until it is so, while the job is alive."""
    deadline = time.monotonic() + LIMIT_S
    while not reached():
        state = run.state()
        assert state not in ("FAILED", "FINISHED", "CANCELED"), f"{state}: {run.exceptions()[:1]}"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.25)
