"""Dumps of jobs with two inputs, with joins, rankings and waiting calls: states and timers are what must be there.

As in test_lens_jobs: event i has the key i % keys and the time START_MS + i × spacing, and nothing moves any more.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lens_support.lens_lab import START_MS, Job, run
from lens_support.lens_seen import Seen

HOUR_MS, DAY_MS, MINUTE_MS = 3_600_000, 86_400_000, 60_000
BETWEEN_MS = 600_000
CHECKPOINTS = {"execution.checkpointing.interval": "3000"}


def sql(query: str, **words: object) -> dict[str, object]:
    return {"kind": "sql", "query": query, **{name.replace("_", "-"): value for name, value in words.items()}}


JOBS = (
    Job("co-process", words={"kind": "co-process"}),
    Job("interval-join", words={"kind": "interval-join", "window-ms": BETWEEN_MS}),
    Job("window-join", words={"kind": "window-join"}),
    Job("window-all", words={"kind": "window-all"}),
    Job("waiting", events=150, words={"kind": "waiting", "capacity": 100}),
    Job("session-evictor", keys=100, words={"assigner": "session", "window-ms": MINUTE_MS, "evictor": "count:1",
                                            "trigger": "continuous", "interval-ms": 10_000}),
    Job("count-evictor", words={"assigner": "global", "trigger": "count", "interval-ms": 2, "evictor": "count:1"}),
    Job("sql-top", words=sql("top")),
    Job("sql-first", words=sql("first")),
    Job("sql-hop", words=sql("hop", window_ms=HOUR_MS)),
    Job("sql-session", keys=100, words=sql("session", window_ms=MINUTE_MS)),
    Job("sql-over", words=sql("over", window_ms=BETWEEN_MS)),
    Job("sql-interval-join", words=sql("interval-join", window_ms=BETWEEN_MS)),
    Job("sql-join", words=sql("join")),
    Job("sql-window-top", words=sql("window-top")),
    Job("sql-window-join", words=sql("window-join")),
)  # fmt: skip
SINCE_2_0 = (
    Job("sql-session-window", keys=100, words=sql("session-window", window_ms=MINUTE_MS)),
    Job("async-reduce", words={"function": "reduce", "async-state": 1}),
    Job("async-group", words=sql("group", async_state=1)),
    Job("async-join", words=sql("join", async_state=1)),
)


def entries(seen: Seen, job: Job) -> dict[str, tuple[str, int, int]]:
    return {n: (s.kind, s.entries, s.keys) for n, s in seen.states(job.name).items()}


def open_sessions(job: Job) -> dict[int, int]:
    """Key → the last event's time, of those whose session is not over."""
    return {key: time for key, time in job.times() if time + MINUTE_MS - 1 > job.watermark_ms}


def check_co_process(seen: Seen, job: Job) -> None:
    assert entries(seen, job) == {"left": ("map", job.keys, job.keys), "right": ("list", job.keys, job.keys)}
    timers = seen.timers(job.name, domain="processing")
    assert (timers.timers, timers.keys, timers.due_next, timers.cleanup) == (job.keys, job.keys, job.keys, 0)
    assert timers.next_time_ms == 4_000_000_000_000


def check_interval_join(seen: Seen, job: Job) -> None:
    """The right side is kept until no later left event can reach it; the left side only waits for its own time."""
    right = {key for key, time in job.times() if time + BETWEEN_MS >= job.watermark_ms + 1}
    states = entries(seen, job)
    assert states["RIGHT_BUFFER"] == ("map", len(right), len(right))
    assert states["LEFT_BUFFER"] == ("map", 1, 1)
    assert seen.timers(job.name).timers == len(right) + 1


def check_window_join(seen: Seen, job: Job) -> None:
    assert entries(seen, job) == {"window-contents": ("list", job.keys, job.keys)}
    assert (seen.timers(job.name).timers, seen.timers(job.name).cleanup) == (job.keys, job.keys)


def check_window_all(seen: Seen, job: Job) -> None:
    assert entries(seen, job) == {"window-contents": ("aggregating", 1, 1)}
    assert seen.timers(job.name).timers == 1


def check_waiting(seen: Seen, job: Job) -> None:
    """All events wait in the queue, and with them at most a watermark each."""
    (queue,) = [s for s in seen.view.state.operator_states if s.job == job.name and "async" in s.name]
    assert job.events <= queue.entries <= 2 * job.events
    assert not seen.states(job.name)


def check_session_evictor(seen: Seen, job: Job) -> None:
    last = open_sessions(job)
    states = seen.states(job.name)
    assert {n: s.entries for n, s in states.items()} == dict.fromkeys(
        ("window-contents", "merging-window-set", "fire-time"), len(last)
    )
    assert seen.spans(states["fire-time"]) == Counter(time + MINUTE_MS for time in last.values())
    assert seen.timers(job.name).cleanup == len(last)


def check_count_evictor(seen: Seen, job: Job) -> None:
    assert {n: s.entries for n, s in seen.states(job.name).items()} == {"window-contents": job.keys, "count": job.keys}
    (operator,) = [o for o in seen.view.state.operators if o.job == job.name]
    assert (operator.assigner, operator.trigger, operator.evictor) == ("GlobalWindows", ("CountTrigger",),
                                                                       "CountEvictor")  # fmt: skip


def check_sql_top(seen: Seen, job: Job) -> None:
    assert entries(seen, job) == {"data-state-with-append": ("map", job.keys, job.keys)}


def check_sql_first(seen: Seen, job: Job) -> None:
    assert {(kind, n, keys) for kind, n, keys in entries(seen, job).values()} == {("value", job.keys, job.keys)}


def check_sql_hop(seen: Seen, job: Job) -> None:
    """A slice lives until the last of its four windows is over: here all do, and no past one is left over."""
    slide = HOUR_MS // 4
    slices = {(key, (time - START_MS) // slide) for key, time in job.times()}
    ends = Counter(START_MS + (number + 1) * slide for _, number in slices)
    for state in seen.states(job.name).values():
        assert seen.spans(state) == ends
        assert {w.needed_until_ms - w.end_ms for w in state.windows} == {HOUR_MS - slide}
    assert seen.timers(job.name).timers == job.keys
    assert {d.age.past for d in seen.view.details if d.job == job.name and d.age} == {0}


def check_sql_session(seen: Seen, job: Job) -> None:
    last = open_sessions(job)
    states = seen.states(job.name)
    assert states.pop("session-window-mapping").entries == len(last)
    for state in states.values():
        assert seen.spans(state) == Counter(time + MINUTE_MS for time in last.values())
    assert seen.timers(job.name).timers == len(last)


def check_sql_over(seen: Seen, job: Job) -> None:
    """A key's rows are kept for one and a half times the range after its last row."""
    kept = {key for key, time in job.times() if time + BETWEEN_MS * 3 // 2 > job.watermark_ms}
    assert {(n, keys) for _, n, keys in entries(seen, job).values()} == {(len(kept), len(kept))}


def check_sql_interval_join(seen: Seen, job: Job) -> None:
    left = {key for key, time in job.times() if time + BETWEEN_MS >= job.watermark_ms + 1}
    assert entries(seen, job)["IntervalJoinLeftCache"] == ("map", len(left), len(left))


def check_sql_join(seen: Seen, job: Job) -> None:
    kept = ("map", job.events, job.events)
    assert entries(seen, job) == {"left-records": kept, "right-records": kept}


def check_of_a_day(seen: Seen, job: Job) -> None:
    """One window: each key has an entry of each state and one timer."""
    states = seen.states(job.name)
    assert states
    for state in states.values():
        assert (state.entries, state.keys) == (job.keys, job.keys)
    assert seen.timers(job.name).timers == job.keys


check_sql_window_top = check_sql_window_join = check_async_reduce = check_of_a_day
check_async_join = check_sql_join


def check_sql_session_window(seen: Seen, job: Job) -> None:
    last = open_sessions(job)
    assert seen.timers(job.name).timers == len(last)
    counted = [s for s in seen.states(job.name).values() if s.windows]
    assert counted
    (operator,) = [o for o in seen.view.state.operators if o.job == job.name]
    assert (operator.assigner, operator.size_ms) == ("SessionUnsliceAssigner", MINUTE_MS)
    for state in counted:
        assert seen.spans(state) == Counter(time + MINUTE_MS for time in last.values())


def check_async_group(seen: Seen, job: Job) -> None:
    assert {n: (k, e) for n, (k, e, _) in entries(seen, job).items()} == {
        "accState": ("value", job.keys), "distinctAcc_0": ("map", job.keys),
    }  # fmt: skip


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize(
    ("version", "java", "jobs"), [("1.20.3", "17", JOBS), ("2.3.0", "17", (*JOBS, *SINCE_2_0))], ids=("1.20", "2.3")
)
def test_jobs_of_two_inputs(version: str, java: str, jobs: tuple[Job, ...], tmp_path: Path) -> None:
    config = {**CHECKPOINTS, "taskmanager.numberOfTaskSlots": str(2 * len(jobs)),
              "taskmanager.memory.process.size": "1900m", "taskmanager.memory.network.min": "192m"}  # fmt: skip
    seen = Seen(run(jobs, tmp_path, flink=version, java=java, config=config))
    assert seen.view.state.unknown_shapes == ()
    assert (seen.view.state.unowned_entries, seen.view.state.unowned_timers) == (0, 0)
    assert seen.view.ownership.named_bp >= 9_800
    assert {t.job_name: t.job_id for t in seen.view.process.tasks} == seen.ran.job_ids
    for job in jobs:
        globals()["check_" + job.name.replace("-", "_")](seen, job)
