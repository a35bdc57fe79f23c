"""Dumps of real jobs on real Flinks: entries, keys, timers, windows and watermark are what the jobs must hold.

Event i of a job has the key i % keys and the time START + i × spacing, so all counts follow from three numbers; counts
of the job that keeps every kind of state are its own metrics, watermarks and ids are REST's.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from flinkscope import open_heap
from lens_support.lens_lab import START_MS, Job, run
from lens_support.lens_seen import Seen

DAY_MS = 86_400_000
QUICK = (
    Job("states", words={"kind": "states"}),
    Job("purging", words={"trigger": "purging-continuous", "lateness-ms": 3_600_000, "key": "date"}),
    Job("session", keys=100, words={"assigner": "session", "window-ms": 60_000, "function": "aggregate",
                                    "key": "tuple"}),
)  # fmt: skip
ALL = (
    *QUICK,
    Job("tumbling", words={"function": "process"}),
    Job("sliding", words={"function": "aggregate", "assigner": "sliding", "window-ms": 3_600_000,
                          "slide-ms": 900_000, "key": "long"}),
    Job("count", words={"assigner": "global", "trigger": "purging-count", "interval-ms": 2, "key": "pojo"}),
    Job("evictor", words={"kind": "two-windows", "trigger": "continuous", "evictor": "all", "own-state": "global"}),
    Job("reduce", words={"function": "reduce", "trigger": "continuous"}),
    Job("broadcast", events=500, keys=200, words={"kind": "broadcast"}),
    Job("sql-group", words={"kind": "sql", "query": "group"}),
    Job("sql-tumble", words={"kind": "sql", "query": "tumble"}),
    Job("sql-cumulate", words={"kind": "sql", "query": "cumulate"}),
    Job("sql-latest", words={"kind": "sql", "query": "latest"}),
)  # fmt: skip
CHECKPOINTS = {"execution.checkpointing.interval": "3000"}


def check_states(seen: Seen, job: Job) -> None:
    told = seen.ran.counters[job.name]
    states = seen.states(job.name)
    assert {n: (s.kind, s.entries, s.keys) for n, s in states.items()} == {
        name: (kind, told["keys"], told["keys"])
        for name, kind in (("last", "value"), ("remembered", "value"), ("history", "list"), ("seen", "map"),
                           ("count", "aggregating"), ("largest", "reducing"))
    }  # fmt: skip
    heap = open_heap(seen.ran.task_manager, cache=False)
    assert (
        sum(c.instance_count for c in heap.classes_named("org.apache.flink.runtime.state.ttl.TtlValue"))
        == (told["keys"])
    )
    assert seen.timers(job.name).timers == told["event_timers"]
    assert seen.timers(job.name, domain="processing").timers == told["processing_timers"]
    (offsets,) = [s for s in seen.view.state.operator_states if s.job == job.name and s.name == "offsets"]
    assert (offsets.kind, offsets.entries) == ("list", 2 * 300)  # each of two subtasks


def check_purging(seen: Seen, job: Job) -> None:
    """Fired contents are purged; those of the last interval have not fired where a watermark came in between."""
    states = seen.states(job.name)
    contents = states.pop("window-contents", None)
    last_fire = job.watermark_ms // 180_000 * 180_000
    assert contents is None or contents.entries <= sum(time >= last_fire for _, time in job.times())
    (fire_time,) = states.values()
    assert (fire_time.name, fire_time.entries, fire_time.keys) == ("fire-time", job.keys, job.keys)
    assert seen.spans(fire_time) == {START_MS + DAY_MS: job.keys}
    timers = seen.timers(job.name)
    next_fire = (job.watermark_ms // 180_000 + 1) * 180_000
    assert (timers.timers, timers.cleanup, timers.next_time_ms) == (3 * job.keys, job.keys, next_fire)
    assert timers.due_next == job.keys


def check_session(seen: Seen, job: Job) -> None:
    last = {key: time for key, time in job.times() if time + 60_000 - 1 > job.watermark_ms}
    states = seen.states(job.name)
    assert states["window-contents"].entries == states["merging-window-set"].entries == len(last)
    assert seen.spans(states["window-contents"]) == Counter(t + 60_000 for t in last.values())
    assert seen.timers(job.name).timers == len(last)


def check_tumbling(seen: Seen, job: Job) -> None:
    (contents,) = seen.states(job.name).values()
    assert (contents.entries, contents.keys, seen.spans(contents)) == (
        job.keys, job.keys, {START_MS + DAY_MS: job.keys},
    )  # fmt: skip
    assert (seen.timers(job.name).timers, seen.timers(job.name).cleanup) == (job.keys, job.keys)


def check_sliding(seen: Seen, job: Job) -> None:
    panes = {
        (key, end)
        for key, time in job.times()
        for end in range(time // 900_000 * 900_000 + 900_000, time + 3_600_000 + 1, 900_000)
        if end - 1 > job.watermark_ms
    }
    (contents,) = seen.states(job.name).values()
    assert (contents.entries, contents.keys) == (len(panes), job.keys)
    assert seen.spans(contents) == Counter(end for _, end in panes)
    assert seen.timers(job.name).timers == len(panes)


def check_count(seen: Seen, job: Job) -> None:
    """Three elements a key, fired and purged at the second: one is left, and counted."""
    assert {n: s.entries for n, s in seen.states(job.name).items()} == {"window-contents": job.keys, "count": job.keys}
    assert not [t for t in seen.view.state.timers if t.job == job.name]


def check_evictor(seen: Seen, job: Job) -> None:
    for operator in ("first", "second"):
        entries = {n: s.entries for n, s in seen.states(job.name, operator).items()}
        left = sum(time >= job.watermark_ms // 180_000 * 180_000 for _, time in job.times()[-180:])
        assert entries.pop("window-contents", 0) <= left
        assert entries == {"fire-time": job.keys, "seen": job.keys}
        assert seen.timers(job.name, operator).timers == 2 * job.keys


def check_reduce(seen: Seen, job: Job) -> None:
    assert {n: s.entries for n, s in seen.states(job.name).items()} == {"window-contents": job.keys,
                                                                       "fire-time": job.keys}  # fmt: skip
    assert seen.timers(job.name).timers == 2 * job.keys


def check_broadcast(seen: Seen, job: Job) -> None:
    assert {n: s.entries for n, s in seen.states(job.name).items()} == {"last": job.keys}
    (rules,) = [s for s in seen.view.state.operator_states if s.job == job.name and s.kind == "broadcast"]
    assert (rules.name, rules.entries) == ("rules", 2 * job.keys)  # each subtask has all of them


def check_sql_group(seen: Seen, job: Job) -> None:
    states = seen.states(job.name)
    assert {n: (s.kind, s.entries, s.keys) for n, s in states.items()} == {
        "accState": ("value", job.keys, job.keys), "distinctAcc_0": ("map", job.keys, job.keys),
    }  # fmt: skip
    detail = next(d for d in seen.view.details if d.job == job.name and d.name == "accState")
    assert detail.largest
    for large in detail.largest:  # (key, text) of one of the events
        key, text = large.key.strip("()").split(", ")
        assert text == f'"key-{int(key):010}"'


def check_sql_tumble(seen: Seen, job: Job) -> None:
    for state in seen.states(job.name).values():
        assert (state.entries, state.keys) == (job.keys, job.keys)
        assert seen.spans(state) == {START_MS + DAY_MS: job.keys}
    assert (seen.timers(job.name).timers, seen.timers(job.name).cleanup) == (job.keys, job.keys)


def check_sql_cumulate(seen: Seen, job: Job) -> None:
    """The first slice takes in each finished one; the current one is apart."""
    current = START_MS + (job.watermark_ms - START_MS) // 180_000 * 180_000
    late = {key for key, time in job.times() if time >= current}
    spans = {START_MS + 180_000: job.keys, current + 180_000: len(late)}
    for state in seen.states(job.name).values():
        assert seen.spans(state) == spans
        assert (state.entries, state.keys) == (job.keys + len(late), job.keys)
    assert seen.timers(job.name).timers == job.keys
    operator = next(o for o in seen.view.state.operators if o.job == job.name)
    assert (operator.assigner, operator.size_ms, operator.trigger_interval_ms) == (
        "CumulativeSliceAssigner", DAY_MS, 180_000,
    )  # fmt: skip


def check_sql_latest(seen: Seen, job: Job) -> None:
    assert {(s.kind, s.entries, s.keys) for s in seen.states(job.name).values()} == {("value", job.keys, job.keys)}


def check_process(seen: Seen, version: str, jobs: tuple[Job, ...], backend: str) -> None:
    process = seen.view.process
    assert (process.role, process.flink_version) == ("taskmanager", version)
    assert set(process.jobs) == {job.name for job in jobs}
    assert {t.job_name: t.job_id for t in process.tasks} == seen.ran.job_ids
    for task in process.tasks:
        if not task.name.startswith("Source:"):
            assert (task.watermark_ms, task.state) == (seen.ran.watermarks[str(task.job_name)], "RUNNING")
    assert {t.backend for t in process.tasks if t.backend} == {backend}
    assert seen.view.state.unknown_shapes == ()
    assert seen.view.state.unowned_timers == 0
    assert seen.view.ownership.named_bp >= 9_800


def check_manager(seen: Seen, version: str) -> None:
    process, manager = seen.manager.process, seen.manager.job_manager
    assert (process.role, process.flink_version) == ("jobmanager", version)
    assert {j.name: j.job_id for j in manager.jobs} == seen.ran.job_ids
    subtasks = Counter(t.job_name for t in seen.view.process.tasks)
    for job in manager.jobs:
        assert (job.state, job.subtasks, job.checkpoints) == ("RUNNING", subtasks[job.name], 1)
    assert {loader.job_id for loader in manager.loaders} >= set(seen.ran.job_ids.values())
    assert [e.enumerator for e in manager.enumerators] == ["IteratorSourceEnumerator"] * len(seen.ran.job_ids)
    assert {h.kind for h in manager.handles} >= {"ByteStreamStateHandle", "OperatorStreamStateHandle"}
    assert seen.manager.ownership.named_bp >= 9_800


def check(job: Job, seen: Seen) -> None:
    globals()["check_" + job.name.replace("-", "_")](seen, job)


@pytest.mark.flink
def test_three_jobs_in_one_process(tmp_path: Path) -> None:
    seen = Seen(run(QUICK, tmp_path, config=CHECKPOINTS))
    check_process(seen, "2.3.0", QUICK, "hashmap")
    check_manager(seen, "2.3.0")
    for job in QUICK:
        check(job, seen)


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize(("version", "java"), [("1.17.2", "11"), ("1.20.3", "17"), ("2.0.0", "17"), ("2.3.0", "21")])
def test_all_jobs_on_every_flink(version: str, java: str, tmp_path: Path) -> None:
    seen = Seen(run(ALL, tmp_path, flink=version, java=java, config=CHECKPOINTS))
    check_process(seen, version, ALL, "hashmap")
    check_manager(seen, version)
    for job in ALL:
        check(job, seen)


OLD = (*QUICK, Job("broadcast", events=500, keys=200, words={"kind": "broadcast"}))


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("version", ["1.14.6", "1.16.3"])  # 1.14 refuses the SQL jobs, which are compiled for 1.20
def test_jobs_on_an_older_flink(version: str, tmp_path: Path) -> None:
    seen = Seen(run(OLD, tmp_path, flink=version, java="11", config=CHECKPOINTS))
    check_process(seen, version, OLD, "hashmap")
    check_manager(seen, version)
    for job in OLD:
        check(job, seen)


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize(
    ("version", "backend", "timers"),
    [("1.17.2", "rocksdb", "rocksdb"), ("2.3.0", "rocksdb", "heap"), ("2.3.0", "forst", "ForStDB")],
)
def test_state_outside_the_heap(version: str, backend: str, timers: str, tmp_path: Path) -> None:
    """Which states there are, where their timers live, and that budgets are those of the slots' managed memory."""
    kind = {"state.backend.type": backend, "state.backend": backend,
            f"state.backend.{backend}.timer-service.factory": timers}  # fmt: skip
    jobs = (Job("states", words={"kind": "states"}), Job("tumbling", words={"function": "process"}))
    seen = Seen(run(jobs, tmp_path, flink=version, java="11" if version.startswith("1.") else "17",
                    config={**CHECKPOINTS, **kind}))  # fmt: skip
    check_process(seen, version, jobs, backend)
    rows = {e.job: e for e in seen.view.state.embedded}
    assert {n for n, _ in rows["states"].states} == {"last", "remembered", "history", "seen", "count", "largest"}
    assert rows["tumbling"].states == (("window-contents", "list"),)
    on_heap = timers == "heap"
    for row in rows.values():
        assert (row.backend, row.databases, row.timers_on_heap) == (backend, 2, on_heap)
        assert row.cache_bytes is not None
        assert 0 < row.cache_bytes <= seen.view.process.memory["managed_bytes"]
    assert seen.view.state.states == ()
    if on_heap:
        assert seen.timers("tumbling").timers == 1_000
        assert seen.timers("states").timers == seen.ran.counters["states"]["event_timers"]
