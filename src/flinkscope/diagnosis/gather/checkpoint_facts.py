"""Facts from the checkpoints that a JobManager reports over REST (/jobs/:id/checkpoints), recorded as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flinkscope.absent import Absent, AbsentKind
from flinkscope.diagnosis.facts import CheckpointFacts
from flinkscope.place import Place

HOW_TO_GET = "curl JOBMANAGER:8081/jobs/JOB_ID/checkpoints > checkpoints.json"


def checkpoint_facts(path: Path, name: str) -> CheckpointFacts | Absent:
    """Completed checkpoints by their end; ``state_size`` is the whole state in every version, also for increments."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        history = [row for row in document["history"] if row.get("status") == "COMPLETED"]
        done = sorted(history, key=lambda row: int(row["latest_ack_timestamp"]))
        counts: dict[str, Any] = document.get("counts") or {}
        return CheckpointFacts(
            place=Place(name, key="history"),
            completed=int(counts.get("completed", len(done))),
            failed=int(counts.get("failed", 0)),
            sizes_bytes=tuple(int(row["state_size"]) for row in done),
            durations_ms=tuple(int(row["end_to_end_duration"]) for row in done),
            end_times_ms=tuple(int(row["latest_ack_timestamp"]) for row in done),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Absent("checkpoints", AbsentKind.UNREADABLE, f"{name}: {error}", HOW_TO_GET)
