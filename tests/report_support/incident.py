"""Facts of the daily unique-visitor incident, with figures as the lab measured them, for tests of the report."""

from __future__ import annotations

from dataclasses import replace

from flinkscope.absent import Absent, AbsentKind
from flinkscope.diagnosis.engine import Diagnosis
from flinkscope.diagnosis.facts import (
    CheckpointFacts,
    ClassCount,
    ConfigFacts,
    DominatorShare,
    Facts,
    FullGc,
    GcFacts,
    GcSeries,
    HeapFacts,
    LogEvent,
    MemorySplit,
    ProcessFacts,
    Taken,
    TreeShare,
)
from flinkscope.diagnosis.finding import (
    CodeChange,
    Evidence,
    Finding,
    Fired,
    NotEvaluated,
    OptionChange,
    Remedy,
    RuledOut,
    Severity,
    Step,
    Unclear,
)
from flinkscope.flink.state_facts import KeyedState, StateFacts, TimerService, WindowOperator, WindowSpan
from flinkscope.place import Place

MIB = 1 << 20
SECOND = 1_000_000_000
DAY_START_MS = 1_511_539_200_000
DAY_END_MS = DAY_START_MS + 86_400_000
HEAP_MAX = 256 * MIB
SPLIT = {
    "framework_heap_bytes": 128 * MIB,
    "task_heap_bytes": 128 * MIB,
    "managed_bytes": 307 * MIB,
    "network_bytes": 77 * MIB,
    "framework_off_heap_bytes": 128 * MIB,
    "task_off_heap_bytes": 0,
    "metaspace_bytes": 256 * MIB,
    "overhead_bytes": 192 * MIB,
}
SPLIT_AFTER = {**SPLIT, "task_heap_bytes": 445 * MIB, "managed_bytes": 468 * MIB, "network_bytes": 132 * MIB}
_JAVA_BEFORE = """.keyBy(e -> Tuple2.of(e.day(), e.itemId()))
.window(TumblingEventTimeWindows.of(Duration.ofDays(1), Duration.ofHours(-8)))
.trigger(PurgingTrigger.of(ContinuousEventTimeTrigger.of(Duration.ofMinutes(3))))
.process(new CountVisitors());"""
_JAVA_AFTER = """.keyBy(e -> (int) Math.floorMod(e.itemId(), 1024))
.process(new BucketedVisitors(Duration.ofMinutes(3)));  // MapState<item, users>, one timer a bucket"""


def _collections() -> tuple[GcSeries, tuple[FullGc, ...]]:
    time, before, after, full, pause = [], [], [], [], []
    fulls = []
    for i in range(260):
        at = i * 202 * SECOND // 260
        live = 24 * MIB + (HEAP_MAX - 30 * MIB) * i // 259
        is_full = i >= 210 or i % 60 == 59
        top = min(HEAP_MAX, live + (3 if i >= 210 else 40) * MIB + (i * 7919 % 13) * MIB)
        left = live if is_full else min(top, live + 6 * MIB)
        stopped = (900_000_000 + i * 2_000_000) if is_full else (12_000_000 + i * 90_000)
        time.append(at)
        before.append(top)
        after.append(left)
        full.append(is_full)
        pause.append(stopped)
        if is_full:
            fulls.append(FullGc(at, stopped, top, left, 400 + 9 * i, "G1 Compaction Pause"))
    share_time = tuple(range(5 * SECOND, 202 * SECOND, 10 * SECOND))
    share = tuple(min(9_700, 150 + 60 * k + (8_000 if k > 15 else 0)) for k in range(len(share_time)))
    series = GcSeries(tuple(time), tuple(before), tuple(after), tuple(full), tuple(pause), share_time, share)
    return series, tuple(fulls)


def gc_facts() -> GcFacts:
    """A G1 log of 202 s in which the live set climbs to -Xmx and full collections follow one another."""
    series, fulls = _collections()
    return GcFacts(
        place=Place("tm-1/gc.log"),
        collector="G1",
        jdk="17.0.9",
        duration_ns=202 * SECOND,
        max_heap_bytes=HEAP_MAX,
        live_set_last_bytes=250 * MIB,
        live_set_max_bytes=250 * MIB,
        live_set_is_upper_bound=False,
        live_set_slope_bytes_per_s=1_180_000,
        full_gcs=fulls,
        consecutive_full_gcs=50,
        fruitless_full_gcs=48,
        gc_share_bp=4_750,
        gc_share_worst_minute_bp=9_600,
        throughput_bp=5_250,
        oom_line=None,
        coverage_bp=10_000,
        series=series,
        figures={},
    )


def _timers(task: str, dump: Place) -> TimerService:
    return TimerService(
        task,
        "window-timers",
        "event",
        804_236,
        402_118,
        402_118,
        402_118,
        DAY_END_MS - 540_001,
        402_118,
        61_200_000,
        dump,
    )


def _window(task: str, dump: Place) -> WindowOperator:
    return WindowOperator(
        task,
        "WindowOperator",
        "TumblingEventTimeWindows",
        86_400_000,
        -28_800_000,
        ("PurgingTrigger", "ContinuousEventTimeTrigger"),
        180_000,
        None,
        None,
        0,
        "CountVisitors",
        DAY_END_MS - 600_000,
        2,
        dump,
    )


def state_facts() -> StateFacts:
    """What the lens finds in the purging variant: 640,688 pv events gave 402,118 (day, item) keys."""
    dump = Place("tm-1/heap.hprof")
    windows = (WindowSpan(DAY_START_MS, DAY_END_MS, 402_118),)
    task = "daily-uv: Window(TumblingEventTimeWindows)"

    def state(name: str, kind: str, entries: int, own: int, content: int) -> KeyedState:
        return KeyedState(task, name, kind, entries, entries, 1, own, content, windows, 1 << 19, dump)

    return StateFacts(
        place=dump,
        backend="HashMapStateBackend",
        states=(
            state("seen-users", "value", 402_118, 20_300_000, 58_000_000),
            state("fire-time", "reducing", 402_118, 18_182_000, 9_651_000),
            state("window-contents", "list", 3_911, 2_253_000, 410_000),
        ),
        timers=(_timers(task, dump),),
        operators=(_window(task, dump),),
        keys_and_windows_bytes=38_600_000,
        state_bytes=208_596_000,
        unknown_shapes=(),
    )


_ROWS = (
    ("org.apache.flink.streaming.api.operators.TimerHeapInternalTimer", 804_236, 25_735_552),
    ("org.apache.flink.runtime.state.heap.CopyOnWriteStateMap$StateMapEntry", 808_147, 32_325_880),
    ("byte[]", 1_190_442, 41_200_168),
    ("java.lang.String", 901_330, 21_631_920),
    ("org.apache.flink.api.java.tuple.Tuple2", 402_960, 9_671_040),
    ("java.lang.Object[]", 424_551, 24_117_232),
    ("org.roaringbitmap.RoaringBitmap", 402_118, 6_433_888),
    ("org.roaringbitmap.RoaringArray", 402_118, 9_650_832),
    ("char[]", 402_140, 12_868_480),
    ("java.lang.Long", 402_377, 9_657_048),
    ("org.apache.flink.streaming.api.windowing.windows.TimeWindow", 402_120, 12_867_840),
)
_OWNERS = (
    (
        "org.apache.flink.runtime.state.heap.HeapKeyedStateBackend",
        0xE0A1_2340,
        121_000_000,
        "seen-users, fire-time",
    ),
    ("org.apache.flink.runtime.state.heap.HeapPriorityQueueSet", 0xE0B1_2340, 61_200_000, "_timer_state/event"),
    ("org.apache.flink.streaming.runtime.tasks.StreamTask", 0xE0C1_2340, 19_400_000, "Window (1/2)"),
    ("org.apache.flink.shaded.netty4.io.netty.buffer.PoolChunk", 0xE0D1_2340, 16_800_000, ""),
    ("class java.lang.Class", 0xE0E1_2340, 3_100_000, "jdk.internal.loader"),
    ("java.lang.Thread", 0xE0F1_2340, 1_900_000, "flink-pekko.actor.default-dispatcher-4"),
)


def heap_facts() -> HeapFacts:
    """The dump at the moment of death."""
    return HeapFacts(
        place=Place("tm-1/heap.hprof"),
        file_bytes=424_118_322,
        object_count=7_403_220,
        reachable_object_count=7_310_544,
        used_bytes=259_100_440,
        unreachable_bytes=2_882_310,
        histogram=tuple(ClassCount(n, c, b, b * 2 if "Entry" in n else None) for n, c, b in _ROWS),
        dominators=tuple(DominatorShare(n, a, b, label) for n, a, b, label in _OWNERS),
        oom_thread="Window(TumblingEventTimeWindows) (1/2)#0",
        gap=None,
        tree=(
            TreeShare(0, "org.apache.flink.runtime.state.heap.CopyOnWriteStateMap$StateMapEntry", 808_147, 121_000_000),
            TreeShare(1, "org.roaringbitmap.RoaringBitmap", 402_118, 58_000_000),
            TreeShare(2, "org.roaringbitmap.RoaringArray", 402_118, 51_000_000),
            TreeShare(1, "java.lang.Long", 402_377, 9_657_048),
            TreeShare(0, "org.apache.flink.runtime.state.heap.HeapPriorityQueueSet", 4, 61_200_000),
        ),
    )


def process_facts() -> ProcessFacts:
    """The TaskManager that died."""
    config = Place("tm-1/config.yaml")
    ends = tuple(1_763_712_010_000 + 10_000 * i for i in range(17))
    return ProcessFacts(
        id="tm-1",
        role="taskmanager",
        flink_version="2.3.0",
        java_version="17.0.9",
        exit_code=239,
        heap=heap_facts(),
        state=state_facts(),
        gc=gc_facts(),
        config=ConfigFacts(
            config,
            {"taskmanager.memory.process.size": "1216m", "taskmanager.numberOfTaskSlots": "2"},
            {"taskmanager.memory.process.size": Place("tm-1/config.yaml", 17, key="taskmanager.memory.process.size")},
            MemorySplit("computed for Flink 2.3.0", SPLIT, HEAP_MAX, 1216 * MIB, 256 * MIB),
        ),
        log=(
            LogEvent(
                "oom_heap",
                "java.lang.OutOfMemoryError: Java heap space",
                Place("tm-1/taskmanager.log", 2_418),
                "2026-11-21 08:04:12,911",
            ),
        ),
        checkpoints=CheckpointFacts(
            Place("checkpoints.json"),
            17,
            2,
            tuple(5 * MIB * (i + 1) for i in range(17)),
            tuple(400 + 190 * i for i in range(17)),
            ends,
        ),
    )


def remedies() -> tuple[Remedy, ...]:
    """The design change and the memory setting."""
    return (
        Remedy(
            id="bucket-keys",
            title="Key by item bucket, keep one map of small sets per bucket",
            effect="live set 250 MiB → about 74 MiB on the same events, 2,048 timers instead of 804,236",
            cost="the job must be changed and started from a fresh state",
            verify="`flinkscope compare BEFORE AFTER` says cured; timers stay at two per bucket",
            code=(CodeChange("java", _JAVA_BEFORE, _JAVA_AFTER),),
        ),
        Remedy(
            id="heap-for-live-set",
            title="Give the heap room for the live set at the window's end",
            effect="-Xmx 256 MiB → 573 MiB",
            cost="633 MiB more for the container",
            verify="GC log: live set after full GC stays under half of -Xmx until midnight",
            options=(
                OptionChange("taskmanager.memory.process.size", "1216m", "1849m"),
                OptionChange("taskmanager.memory.managed.size", None, "468m"),
            ),
            arithmetic=(
                Step("live set at the window's end", "250 MiB ÷ 640,688 × 894,810 events", 349 * MIB),
                Step("heap", "349 MiB × 1.64", 573 * MIB),
            ),
            cures=False,
            memory_before=SPLIT,
            memory_after=SPLIT_AFTER,
        ),
    )


def _root_cause(gc_log: Place) -> Fired:
    dump = Place("tm-1/heap.hprof", address=0xE0A1_2340)
    return Fired(
        summary="Window contents are purged every 3 minutes, but each of 402,118 (day, item) keys keeps one fire-time "
        "entry and two timers until the window ends at midnight.",
        evidence=(
            Evidence(
                "402,118 `fire-time` entries and 804,236 timers: exactly one entry and two timers a key.",
                dump,
                {"fire_time_entries": 402_118, "timers": 804_236},
            ),
            Evidence(
                "Keyed state, timers and keys hold 199 MiB of 247 MiB reachable.", dump, {"state_bytes": 208_596_000}
            ),
            Evidence("The live set after full GC rose to 250 MiB of 256 MiB.", gc_log, {"live_set_bytes": 250 * MIB}),
            Evidence(
                "The window is one day long and fires every 3 minutes.", Place("tm-1/heap.hprof", address=0xE0FF_0010)
            ),
        ),
        remedies=remedies(),
        certainty_bp=9_700,
        explained_bytes=208_596_000,
        attempts=(
            "TimeEvictor.of(0 s, true) empties the contents as PurgingTrigger does; entry and timers stay.",
            "PurgingTrigger clears only `window-contents`; the clean-up timer at the window's end clears the rest.",
        ),
    )


def findings() -> tuple[Finding, ...]:
    """What the rules say, in the order of their rank."""
    gc_log = Place("tm-1/gc.log", 2_731)
    thrash = Fired(
        summary="50 full collections in a row, 48 of them freed less than 10 % of the heap.",
        evidence=(Evidence("Pause Full 255M->250M(256M) 1012.331ms", gc_log, {"full_gcs": 50}),),
        remedies=(),
        certainty_bp=10_000,
    )
    small = Fired("The live set fills 98 % of -Xmx.", (Evidence("250 MiB of 256 MiB", gc_log),), (), 9_000, 250 * MIB)
    nmt = Absent("native memory tracking", AbsentKind.NOT_COLLECTED, "", "flinkscope collect --nmt PID")
    return (
        Finding(
            "R02", "Per-key window state and timers", Severity.CRITICAL, "tm-1", _root_cause(gc_log), ("R01", "R10")
        ),
        Finding("R01", "Heap too small for the live set", Severity.CRITICAL, "tm-1", small, (), "R02"),
        Finding("R10", "GC thrash before out of memory", Severity.CRITICAL, "tm-1", thrash, (), "R02"),
        Finding(
            "R07", "Data skew", Severity.WARNING, "tm-1", Unclear("one TaskManager only", "flinkscope collect URL")
        ),
        Finding("R20", "Container killed", Severity.CRITICAL, "tm-1", NotEvaluated((nmt,))),
        Finding("R14", "Class loader leak", Severity.CRITICAL, "tm-1", RuledOut("2 user class loaders for 1 job")),
        Finding("R13", "Heap lost compressed oops", Severity.WARNING, "tm-1", RuledOut("-Xmx is 256 MiB")),
    )


def facts() -> Facts:
    """The whole case."""
    return Facts(
        title="uv-heap, purging, 1216m",
        labels={"incident": "uv-heap", "trigger": "purging"},
        processes=(process_facts(),),
        taken=(
            Taken("tm-1/heap.hprof", "heap_dump", "tm-1", True, "7,403,220 objects"),
            Taken("tm-1/gc.log", "gc_log", "tm-1", True, "4,031 lines, all understood"),
            Taken("tm-1/config.yaml", "config", "tm-1", True),
            Taken("tm-1/taskmanager.log", "flink_log", "tm-1", True),
            Taken("checkpoints.json", "checkpoints", "tm-1", True),
            Taken("notes.docx", "unknown", None, False, "not recognised"),
        ),
    )


def diagnosis() -> Diagnosis:
    """The incident's diagnosis."""
    return Diagnosis(facts(), findings())


def healthy() -> Diagnosis:
    """A process with nothing wrong and a few things not collected."""
    nothing = Absent("heap dump", AbsentKind.NOT_COLLECTED, "no dump in the case", "flinkscope collect --dump PID")
    process = replace(process_facts(), exit_code=0, heap=nothing, state=nothing, log=())
    calm = replace(facts(), title="bucket design, 1216m", processes=(process,))
    return Diagnosis(calm, (Finding("R10", "GC thrash", Severity.CRITICAL, "tm-1", RuledOut("3 % of the time in GC")),))
