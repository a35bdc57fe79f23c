"""A small TaskManager heap: tasks, operators, heap state and timers, with Flink's own class and field names.

Field names as javap shows them for Flink 2.3.0; the same since 1.12 (HeapPriorityQueue: since 1.8).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from strategies.hprof import INT, LONG
from strategies.java_heap import REF, JavaHeap

HEAP = "org.apache.flink.runtime.state.heap."
OPERATORS = "org.apache.flink.streaming.api.operators."
ADAPTOR = "org.apache.flink.runtime.state.v2.adaptor.AsyncKeyedStateBackendAdaptor"
WINDOWING = "org.apache.flink.streaming.api.windowing."
WINDOW_OPERATOR = "org.apache.flink.streaming.runtime.operators.windowing.WindowOperator"


@dataclass
class Pane:
    """One (key, window): its timers' times, and in which states it has an entry."""

    key: int
    start: int
    end: int
    timers: list[int] = field(default_factory=list)
    states: list[str] = field(default_factory=list)


class FlinkHeap(JavaHeap):
    """Builds one window task with its state; every class is declared once, here."""

    def __init__(self) -> None:
        super().__init__()
        for name, fields in _CLASSES.items():
            self.cls(name, fields, parent=_PARENTS.get(name, "java.lang.Object"))

    def long(self, value: int) -> int:
        """A boxed Long."""
        return self.new("java.lang.Long", value=value)

    def hash_map(self, pairs: list[tuple[int, int]]) -> int:
        """A HashMap of two buckets whose nodes hang in chains."""
        heads = [0, 0]
        for i, (key, value) in enumerate(pairs):
            heads[i % 2] = self.new("java.util.HashMap$Node", key=key, value=value, next=heads[i % 2])
        return self.new("java.util.HashMap", table=self.array(*heads))

    def state_table(self, name: str, kind: str, entries: list[tuple[int, int, int]], *, rehashing: bool = False) -> int:
        """A StateTable with two key groups; (key, namespace, value) entries, half of them in the rehash table."""
        meta = self.new(
            "org.apache.flink.runtime.state.RegisteredKeyValueStateBackendMetaInfo",
            name=self.string(name),
            stateType=self.new("org.apache.flink.api.common.state.StateDescriptor$Type", name=self.string(kind)),
        )
        maps = [self._state_map(entries[group::2], rehashing) for group in range(2)]
        return self.new(HEAP + "CopyOnWriteStateTable", metaInfo=meta, keyGroupedStateMaps=self.array(*maps))

    def _state_map(self, entries: list[tuple[int, int, int]], rehashing: bool) -> int:
        heads: list[list[int]] = [[0, 0], [0, 0]]
        for i, (key, namespace, value) in enumerate(entries):
            table = heads[i % 2 if rehashing else 0]
            table[i % 3 % 2] = self.new(
                HEAP + "CopyOnWriteStateMap$StateMapEntry",
                key=key, namespace=namespace, state=value, next=table[i % 3 % 2],
            )  # fmt: skip
        empty = self.array()
        second = self.array(*heads[1]) if rehashing else empty
        return self.new(HEAP + "CopyOnWriteStateMap", primaryTable=self.array(*heads[0]), incrementalRehashTable=second)

    def queue(self, timers: list[int]) -> int:
        """A HeapPriorityQueueSet: slot 0 unused, spare slots at the end, one de-duplication map a key group."""
        dedup = [self.hash_map([(t, t) for t in timers[group::2]]) for group in range(2)]
        return self.new(
            HEAP + "HeapPriorityQueueSet",
            queue=self.array(0, *timers, 0, 0), size=len(timers), deduplicationMapsByKeyGroup=self.array(*dedup),
        )  # fmt: skip

    def window_task(
        self,
        panes: list[Pane],
        *,
        name: str = "Window(…) -> Sink (1/2)#0",
        purging: bool = True,
        lateness: int = 0,
        asynchronous: bool = False,
    ) -> int:
        """A running task with a WindowOperator, its backend and timers for these panes. The task's address.

        ``asynchronous``: its backend is behind the adaptor of Flink 2's asynchronous state.
        """
        keys = {p.key: self.string(f"item-{p.key}") for p in panes}
        windows = {id(p): self.new(WINDOWING + "windows.TimeWindow", start=p.start, end=p.end) for p in panes}
        tables = []
        for state in sorted({s for p in panes for s in p.states}):
            entries = [(keys[p.key], windows[id(p)], self.long(p.key)) for p in panes if state in p.states]
            tables.append((self.string(state), self.state_table(state, "VALUE", entries, rehashing=len(entries) > 3)))
        timers = [
            self.new(OPERATORS + "TimerHeapInternalTimer", key=keys[p.key], namespace=windows[id(p)], timestamp=t)
            for p in panes
            for t in p.timers
        ]
        backend = self.new(HEAP + "HeapKeyedStateBackend", registeredKVStates=self.hash_map(tables))
        held = {"keyedStateBackend": backend}
        if asynchronous:
            held = {"asyncKeyedStateBackend": self.new(ADAPTOR, **held)}
        handler = self.new(OPERATORS + "StreamOperatorStateHandler", **held)
        return self._task(name, handler, self.queue(timers), purging, lateness)

    def _task(self, name: str, state_handler: int, queue: int, purging: bool, lateness: int) -> int:
        info = self.new("org.apache.flink.api.common.TaskInfoImpl", taskNameWithSubtasks=self.string(name))
        trigger = self.new(WINDOWING + "triggers.ContinuousEventTimeTrigger", interval=180_000)
        if purging:
            trigger = self.new(WINDOWING + "triggers.PurgingTrigger", nestedTrigger=trigger)
        service = self.new(OPERATORS + "InternalTimerServiceImpl", eventTimeTimersQueue=queue, currentWatermark=77)
        operator = self.new(
            WINDOW_OPERATOR,
            runtimeContext=self.new(OPERATORS + "StreamingRuntimeContext", taskInfo=info),
            stateHandler=state_handler,
            timeServiceManager=self.new(
                OPERATORS + "InternalTimeServiceManagerImpl",
                timerServices=self.hash_map([(self.string("window-timers"), service)]),
            ),
            windowAssigner=self.new(
                WINDOWING + "assigners.TumblingEventTimeWindows", size=86_400_000, globalOffset=-28_800_000
            ),
            trigger=trigger,
            allowedLateness=lateness,
            internalTimerService=service,
        )
        instance = next(o for o in self.dump.objects if o.address == service)
        names = [
            n for c in self.dump.lineage(self.classes[OPERATORS + "InternalTimerServiceImpl"]) for n, _ in c.fields
        ]
        instance.values[names.index("triggerTarget")] = operator  # type: ignore[union-attr]
        task = self.new(
            "org.apache.flink.runtime.taskmanager.Task", taskNameWithSubtask=self.string(name), invokable=operator
        )
        self.root(task)
        return task


_CLASSES: dict[str, dict[str, int]] = {
    "java.lang.Long": {"value": LONG},
    "java.util.HashMap": {"table": REF},
    "java.util.HashMap$Node": {"key": REF, "value": REF, "next": REF},
    "org.apache.flink.api.common.TaskInfoImpl": {"taskNameWithSubtasks": REF},
    "org.apache.flink.api.common.state.StateDescriptor$Type": {"name": REF},
    "org.apache.flink.runtime.state.RegisteredKeyValueStateBackendMetaInfo": {"name": REF, "stateType": REF},
    "org.apache.flink.runtime.taskmanager.Task": {"taskNameWithSubtask": REF, "invokable": REF},
    HEAP + "StateTable": {"metaInfo": REF, "keyGroupedStateMaps": REF},
    HEAP + "CopyOnWriteStateTable": {},
    HEAP + "CopyOnWriteStateMap": {"primaryTable": REF, "incrementalRehashTable": REF},
    HEAP + "CopyOnWriteStateMap$StateMapEntry": {"key": REF, "namespace": REF, "state": REF, "next": REF},
    HEAP + "HeapKeyedStateBackend": {"registeredKVStates": REF},
    HEAP + "HeapPriorityQueueSet": {"queue": REF, "size": INT, "deduplicationMapsByKeyGroup": REF},
    OPERATORS + "StreamingRuntimeContext": {"taskInfo": REF},
    OPERATORS + "StreamOperatorStateHandler": {"keyedStateBackend": REF, "asyncKeyedStateBackend": REF},
    ADAPTOR: {"keyedStateBackend": REF},
    OPERATORS + "InternalTimeServiceManagerImpl": {"timerServices": REF},
    OPERATORS + "InternalTimerServiceImpl": {
        "eventTimeTimersQueue": REF, "processingTimeTimersQueue": REF, "currentWatermark": LONG, "triggerTarget": REF,
    },
    OPERATORS + "TimerHeapInternalTimer": {"key": REF, "namespace": REF, "timestamp": LONG},
    OPERATORS + "AbstractStreamOperator": {"runtimeContext": REF, "stateHandler": REF, "timeServiceManager": REF},
    WINDOW_OPERATOR: {
        "windowAssigner": REF, "trigger": REF, "allowedLateness": LONG, "internalTimerService": REF,
        "userFunction": REF,
    },
    WINDOWING + "windows.TimeWindow": {"start": LONG, "end": LONG},
    WINDOWING + "assigners.TumblingEventTimeWindows": {"size": LONG, "globalOffset": LONG},
    WINDOWING + "triggers.ContinuousEventTimeTrigger": {"interval": LONG},
    WINDOWING + "triggers.PurgingTrigger": {"nestedTrigger": REF},
}  # fmt: skip
_PARENTS = {
    HEAP + "CopyOnWriteStateTable": HEAP + "StateTable",
    WINDOW_OPERATOR: OPERATORS + "AbstractStreamOperator",
}
