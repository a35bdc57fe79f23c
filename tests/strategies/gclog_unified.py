"""Writes unified GC logs from a list of events, in any decoration; hypothesis strategies for such lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

MIB = 1 << 20
BEGIN = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
DECORATIONS = (
    *("time", "utctime", "uptime", "timemillis", "uptimemillis", "timenanos", "uptimenanos"),
    *("hostname", "pid", "tid", "level", "tags"),
)
YOUNG_TITLES = {
    "G1": [
        "Pause Young (Normal) (G1 Evacuation Pause)",
        "Pause Young (Mixed) (G1 Evacuation Pause)",
        "Pause Young (Concurrent Start) (G1 Humongous Allocation)",
    ],
    "Parallel": ["Pause Young (Allocation Failure)", "Pause Young (GCLocker Initiated GC)"],
    "Serial": ["Pause Young (Allocation Failure)"],
}
FULL_CAUSES = ["System.gc()", "Metadata GC Threshold", "Ergonomics", "Allocation Failure", "Heap Dump Initiated GC"]


@dataclass(frozen=True)
class Collection:
    """A pause with sizes. Times in ms and µs as the log rounds them; sizes in MiB."""

    title: str
    end_ms: int
    pause_us: int
    before_mib: int
    after_mib: int
    capacity_mib: int
    metaspace_kib: int
    user_cs: int
    details: bool

    @property
    def cause(self) -> str:
        return self.title.rpartition(" (")[2].removesuffix(")") if not self.title.endswith("())") else "System.gc()"


@dataclass(frozen=True)
class ZCycle:
    """A cycle of ZGC with its three pauses (µs)."""

    begin_ms: int
    end_ms: int
    cause: str
    before_mib: int
    after_mib: int
    pauses_us: tuple[int, int, int]


@dataclass(frozen=True)
class Stall:
    end_ms: int
    thread: str
    stall_us: int


@dataclass(frozen=True)
class Stop:
    """A safepoint without a collection."""

    end_ms: int
    name: str
    reaching_ns: int
    total_ns: int


@dataclass(frozen=True)
class Log:
    collector: str
    decorations: tuple[str, ...]
    events: tuple[Collection | ZCycle | Stall | Stop, ...]


def stamp(decorations: tuple[str, ...], at_ms: int, tags: str, tid: int = 4711) -> str:
    """The decorations of one line, in the JVM's own order."""
    moment = BEGIN + timedelta(milliseconds=at_ms)
    since = int(BEGIN.timestamp() * 1000) + at_ms
    iso = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
    text = {
        "time": iso,
        "utctime": iso,
        "uptime": f"{at_ms / 1000:.3f}s",
        "timemillis": f"{since}ms",
        "uptimemillis": f"{at_ms}ms",
        "timenanos": f"{77_000_000_000_000 + at_ms * 1_000_000}ns",
        "uptimenanos": f"{at_ms * 1_000_000}ns",
        "hostname": "node-7.example",
        "pid": "1",
        "tid": str(tid),
        "level": "info",
        "tags": f"{tags:<13}",
    }
    head = "".join(f"[{text[decoration]}]" for decoration in DECORATIONS if decoration in decorations)
    return f"{head} " if head else ""


def render(log: Log) -> bytes:
    """The log as that JVM would have written it."""
    lines = [
        stamp(log.decorations, 2, "gc")
        + {"ZGC": "Using The Z Garbage Collector"}.get(log.collector, f"Using {log.collector}")
    ]
    if log.collector == "G1":
        lines.append(stamp(log.decorations, 2, "gc,init") + "Heap Region Size: 1M")
    number = 0
    for event in log.events:
        if isinstance(event, Collection):
            lines += _collection(log, event, number)
            number += 1
        elif isinstance(event, ZCycle):
            lines += _cycle(log, event, number)
            number += 1
        elif isinstance(event, Stall):
            text = f"Allocation Stall ({event.thread}) {event.stall_us / 1000:.3f}ms"
            lines.append(stamp(log.decorations, event.end_ms, "gc") + text)
        else:
            text = (
                f'Safepoint "{event.name}", Time since last: 1000 ns, Reaching safepoint: {event.reaching_ns} ns, '
                f"Cleanup: 100 ns, At safepoint: 100 ns, Total: {event.total_ns} ns"
            )
            lines.append(stamp(log.decorations, event.end_ms, "safepoint") + text)
    return ("\n".join(lines) + "\n").encode()


def _collection(log: Log, event: Collection, number: int) -> list[str]:
    at = lambda tags: stamp(log.decorations, event.end_ms, tags) + f"GC({number}) "  # noqa: E731
    meta = event.metaspace_kib
    lines = []
    if event.details:
        begin_ms = event.end_ms - event.pause_us // 1000
        lines.append(stamp(log.decorations, begin_ms, "gc,start") + f"GC({number}) {event.title}")
        if log.collector == "G1":
            lines += [
                at("gc,heap") + f"Eden regions: {event.before_mib - event.after_mib}->0(9)",
                at("gc,heap") + "Survivor regions: 0->0(2)",
                at("gc,heap") + f"Old regions: {event.after_mib}->{event.after_mib}",
                at("gc,heap") + "Humongous regions: 0->0",
            ]
        lines.append(
            at("gc,metaspace") + f"Metaspace: {meta}K({meta + 64}K)->{meta}K({meta + 64}K) NonClass: 1K(2K)->1K(2K)"
        )
    sizes = f"{event.before_mib}M->{event.after_mib}M({event.capacity_mib}M)"
    lines.append(at("gc") + f"{event.title} {sizes} {event.pause_us / 1000:.3f}ms")
    if event.details:
        lines.append(at("gc,cpu") + f"User={event.user_cs / 100:.2f}s Sys=0.01s Real={event.pause_us / 1e6:.2f}s")
    return lines


def _cycle(log: Log, event: ZCycle, number: int) -> list[str]:
    title = f"GC({number}) Garbage Collection ({event.cause})"
    names = ("Mark Start", "Mark End", "Relocate Start")
    capacity = 100 * event.before_mib + 1
    return [
        stamp(log.decorations, event.begin_ms, "gc,start") + title,
        *(
            stamp(log.decorations, event.begin_ms, "gc,phases") + f"GC({number}) Pause {name} {us / 1000:.3f}ms"
            for name, us in zip(names, event.pauses_us, strict=True)
        ),
        stamp(log.decorations, event.end_ms, "gc")
        + f"{title} {event.before_mib}M({event.before_mib * 100 // capacity}%)->{event.after_mib}M(1%)",
    ]


@st.composite
def stop_the_world_logs(draw: st.DrawFn) -> Log:
    """Logs of Serial, Parallel and G1 with safepoints between."""
    collector = draw(st.sampled_from(sorted(YOUNG_TITLES)))
    titles = [*YOUNG_TITLES[collector], *(f"Pause Full ({cause})" for cause in FULL_CAUSES)]
    now, events, details = 10, [], draw(st.booleans())
    for _ in range(draw(st.integers(1, 25))):
        now += draw(st.integers(1, 100_000))
        if draw(st.integers(0, 3)) == 0:
            total = draw(st.integers(1_000, 900_000))
            events.append(Stop(now, draw(st.sampled_from(["Cleanup", "ThreadDump"])), draw(st.integers(0, 999)), total))
            continue
        pause_us = draw(st.integers(1, 5_000_000))
        now += pause_us // 1000 + 1
        after = draw(st.integers(0, 3_000))
        before = after + draw(st.integers(0, 3_000))
        events.append(
            Collection(
                *(draw(st.sampled_from(titles)), now, pause_us, before, after, before + 500),
                *(draw(st.integers(1, 500_000)), draw(st.integers(0, 900)), details),
            )
        )
    return Log(collector, draw(decorations()), tuple(events))


@st.composite
def z_logs(draw: st.DrawFn) -> Log:
    """Logs of ZGC with stalls between the cycles."""
    now, events = 10, []
    for _ in range(draw(st.integers(1, 15))):
        now += draw(st.integers(1, 60_000))
        if draw(st.booleans()):
            events.append(
                Stall(now, draw(st.sampled_from(["main", "Source: Custom (1/4)#0"])), draw(st.integers(1, 10**6)))
            )
            continue
        begin, now = now, now + draw(st.integers(1, 9_000))
        pauses = draw(st.tuples(*[st.integers(1, 900)] * 3))
        cause = draw(st.sampled_from(["Warmup", "Allocation Rate", "Allocation Stall", "System.gc()"]))
        events.append(ZCycle(begin, now, cause, draw(st.integers(1, 9_000)), draw(st.integers(1, 9_000)), pauses))
    return Log("ZGC", draw(decorations()), tuple(events))


def decorations() -> st.SearchStrategy[tuple[str, ...]]:
    """Any set of decorations, none among them."""
    return st.sets(st.sampled_from(DECORATIONS)).map(lambda chosen: tuple(d for d in DECORATIONS if d in chosen))
