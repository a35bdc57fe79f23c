"""A log written from a list of events gives the list back, in every decoration."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flinkscope.formats.gclog.records import MISSING, EventBuilder, EventTable, Kind
from flinkscope.formats.gclog.unified import UnifiedParser
from strategies import gclog_unified as writer

MIB = 1 << 20
TIMED = {"time", "utctime", "uptime", "timemillis", "uptimemillis", "timenanos", "uptimenanos"}


def read(data: bytes, chunk_bytes: int) -> tuple[EventTable, EventBuilder]:
    builder = EventBuilder()
    parser = UnifiedParser(builder)
    at = 0
    while at < len(data):
        end = data.find(b"\n", at + chunk_bytes) + 1 or len(data)
        parser.feed(data[at:end])
        at = end
    parser.finish()
    return builder.table(), builder


def start_ms(log: writer.Log, table: EventTable, builder: EventBuilder, row: int) -> float | None:
    """The event's start since the JVM's begin in ms, whichever clock the log has; None where it has none."""
    if not TIMED & set(log.decorations):
        assert table.start_ns[row] == MISSING
        return None
    start = int(table.start_ns[row])
    if builder.segment.clock == "wall":
        start -= int(writer.BEGIN.timestamp()) * 10**9
    elif "timenanos" in log.decorations and "uptimenanos" not in log.decorations:
        start -= 77_000_000_000_000 * 1
    return start / 1e6


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(writer.stop_the_world_logs(), st.sampled_from([1, 300, 10**6]))
def test_pauses_come_back(log: writer.Log, chunk_bytes: int) -> None:
    table, builder = read(writer.render(log), chunk_bytes)
    assert len(table) == len(log.events)
    assert len(builder.segments) == 1
    assert builder.jvm.collector == log.collector
    assert builder.coverage.gc_lines == builder.coverage.understood_gc_lines > 0
    columns = {name: table[name] for name in ("heap_before_bytes", "heap_after_bytes", "heap_capacity_bytes")}
    for row, event in enumerate(log.events):
        begin = start_ms(log, table, builder, row)
        if isinstance(event, writer.Stop):
            assert (table.kind[row], table.name_of(row), table.duration_ns[row]) == (
                Kind.SAFEPOINT,
                event.name,
                event.total_ns,
            )
            continue
        expected_kind = (
            Kind.FULL if "Full" in event.title
            else Kind.MIXED if "Mixed" in event.title
            else Kind.YOUNG_INITIAL_MARK if "Concurrent Start" in event.title
            else Kind.YOUNG
        )  # fmt: skip
        assert table.kind[row] == expected_kind
        assert table.cause_of(row) == event.cause
        assert f"{table.name_of(row)} ({event.cause})" == event.title
        assert table.duration_ns[row] == event.pause_us * 1000
        assert [int(c[row]) for c in columns.values()] == [
            size * MIB for size in (event.before_mib, event.after_mib, event.capacity_mib)
        ]
        if begin is not None:
            assert abs(begin - max(0, event.end_ms - event.pause_us / 1000)) < 0.01
        if event.details:
            assert table["metaspace_after_bytes"][row] == event.metaspace_kib * 1024
            assert table["user_ms"][row] == event.user_cs * 10
            if log.collector == "G1":
                assert table["old_after_bytes"][row] == event.after_mib * MIB
                assert table["young_before_bytes"][row] == (event.before_mib - event.after_mib) * MIB
        else:
            assert table["metaspace_after_bytes"][row] == MISSING == table["user_ms"][row]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(writer.z_logs())
def test_cycles_and_stalls_of_zgc_come_back(log: writer.Log) -> None:
    table, builder = read(writer.render(log), 10**6)
    cycles = [event for event in log.events if isinstance(event, writer.ZCycle)]
    stalls = [event for event in log.events if isinstance(event, writer.Stall)]
    rows = [row for row in range(len(table)) if table.kind[row] == Kind.CYCLE]
    assert [table.cause_of(row) for row in rows] == [cycle.cause for cycle in cycles]
    assert [int(table["heap_after_bytes"][row]) for row in rows] == [cycle.after_mib * MIB for cycle in cycles]
    if TIMED & set(log.decorations):
        assert [int(table.duration_ns[row]) // 10**6 for row in rows] == [c.end_ms - c.begin_ms for c in cycles]
    pauses = [int(d) // 1000 for d in table.duration_ns[table.kind == Kind.PHASE_PAUSE]]
    assert pauses == [us for cycle in cycles for us in cycle.pauses_us]
    waited = table.kind == Kind.ALLOCATION_STALL
    assert [int(d) // 1000 for d in table.duration_ns[waited]] == [stall.stall_us for stall in stalls]
    assert [table.cause_of(row) for row in waited.nonzero()[0]] == [stall.thread for stall in stalls]
    assert builder.coverage.gc_lines == builder.coverage.understood_gc_lines


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(writer.stop_the_world_logs(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_torn_log_never_invents_an_event(log: writer.Log, begin: int, length: int) -> None:
    """What is read from a part of a log is part of what is read from the whole."""
    data = writer.render(log)
    part = data[begin % len(data) :][: length % len(data) + 1]
    whole, piece = read(data, 10**6)[0], read(part, 10**6)[0]
    known = {(int(k), int(d)) for k, d in zip(whole.kind, whole.duration_ns, strict=True)}
    complete = piece.flags & 16 == 0
    assert {(int(k), int(d)) for k, d in zip(piece.kind[complete], piece.duration_ns[complete], strict=True)} <= known
