"""The lens on small heaps of known content: counts, windows, timers, setup and owners are exactly what was put in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flinkscope.flink.lens import FlinkView, read_state, view
from flinkscope.flink.lens.details import Spread, WindowAge, verdict
from flinkscope.flink.lens.keys import describe_key, distinct_by_value
from flinkscope.flink.lens.slices import Slices
from strategies.flink_heap import HEAP, FlinkHeap, Pane
from strategies.hprof import INT, LONG
from strategies.java_heap import REF

DAY = 86_400_000


def seen(heap: FlinkHeap, folder: Path) -> FlinkView:
    return view(heap.open(folder))


@st.composite
def panes(draw: st.DrawFn) -> list[Pane]:
    """Panes of up to three windows; each with up to three timers and entries in some states."""
    found = []
    for key, day in draw(st.sets(st.tuples(st.integers(0, 15), st.integers(1, 3)), min_size=1, max_size=20)):
        end = day * DAY
        times = draw(st.sets(st.integers(end - 50, end - 1), max_size=3))
        states = draw(st.sets(st.sampled_from(["fire-time", "window-contents", "users"])))
        found.append(Pane(key, end - DAY, end, sorted(times), sorted(states)))
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(panes())
def test_counts_are_what_was_put_in(tmp_path: Path, given_panes: list[Pane]) -> None:
    heap = FlinkHeap()
    heap.window_task(given_panes)
    whole = seen(heap, tmp_path)
    state = whole.state
    expected = Counter(s for p in given_panes for s in p.states)
    assert {s.name: s.entries for s in state.states} == dict(expected)
    for found in state.states:
        ends = Counter(p.end for p in given_panes if found.name in p.states)
        assert {w.end_ms: w.entries for w in found.windows} == dict(ends)
        assert all(w.end_ms - w.start_ms == DAY for w in found.windows)
        assert found.kind == "value"
        assert found.keys == len({p.key for p in given_panes if found.name in p.states})
    for detail in whole.details:
        groups = [len(part) for part in (range(0, expected[detail.name], 2), range(1, expected[detail.name], 2))]
        assert detail.key_groups is not None
        assert (detail.key_groups.least, detail.key_groups.most) == (groups[1], groups[0])
        assert detail.subtasks == Spread(*[expected[detail.name]] * 4)
        ends = [p.end for p in given_panes if detail.name in p.states]
        assert detail.age == WindowAge(77, 0, sum(end - 77 > 2 * DAY for end in ends))
    times = [t for p in given_panes for t in p.timers]
    if not times:
        assert state.timers == ()
        return
    (service,) = state.timers
    cleanup = sum(t == p.end - 1 for p in given_panes for t in p.timers)
    assert (service.timers, service.cleanup, service.firing) == (len(times), cleanup, len(times) - cleanup)
    firing = [t for p in given_panes for t in p.timers if t != p.end - 1] or times
    assert (service.next_time_ms, service.due_next) == (min(firing), firing.count(min(firing)))


def test_the_operator_is_read_from_its_own_fields(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task([Pane(1, 0, DAY, [DAY - 1], ["fire-time"])], lateness=3_600_000)
    (operator,) = seen(heap, tmp_path).state.operators
    assert operator.trigger == ("PurgingTrigger", "ContinuousEventTimeTrigger")
    assert (operator.size_ms, operator.offset_ms, operator.trigger_interval_ms) == (DAY, -28_800_000, 180_000)
    assert (operator.allowed_lateness_ms, operator.watermark_ms, operator.subtasks) == (3_600_000, 77, 1)
    assert operator.task == "Window(…) -> Sink"


def test_subtasks_of_one_task_are_one_row(tmp_path: Path) -> None:
    heap = FlinkHeap()
    for subtask in (1, 2):
        heap.window_task([Pane(subtask, 0, DAY, [DAY - 1], ["fire-time"])], name=f"Window ({subtask}/2)#0")
    state = seen(heap, tmp_path).state
    assert [(s.task, s.entries) for s in state.states] == [("Window", 2)]
    assert [(t.task, t.timers) for t in state.timers] == [("Window", 2)]
    assert state.operators[0].subtasks == 2


def test_with_lateness_the_cleanup_timer_comes_after_the_end(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task([Pane(1, 0, DAY, [DAY - 1, DAY - 1 + 60_000], ["fire-time"])], lateness=60_000)
    (service,) = seen(heap, tmp_path).state.timers
    assert (service.cleanup, service.firing, service.next_time_ms) == (1, 1, DAY - 1)


def test_equal_keys_of_several_windows_are_one_key_whatever_object_holds_them(tmp_path: Path) -> None:
    heap = FlinkHeap()
    for subtask in (1, 2):  # each makes its own String objects; keys 3 and 4 are in both
        panes = [Pane(k, d * DAY, d * DAY + DAY, [], ["visitors"]) for k in range(subtask * 2, 5) for d in (0, 1)]
        heap.window_task(panes, name=f"Window ({subtask}/2)#0")
    (state,) = seen(heap, tmp_path).state.states
    assert (state.entries, state.keys) == (8, 3)


def test_the_largest_keys_show_values_only_when_asked(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task([Pane(7, 0, DAY, [], ["visitors"])])
    opened = heap.open(tmp_path)
    assert [k.key for k in view(opened).details[0].largest] == ["String of 6"]
    assert [k.key for k in view(opened, show_strings=True).details[0].largest] == ['"item-7"']


def test_keys_of_every_kind_are_compared_and_described(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.cls("org.apache.flink.api.java.tuple.Tuple2", {"f0": REF, "f1": REF})
    heap.cls("java.time.LocalDate", {"year": INT, "month": INT, "day": INT})
    heap.cls("shop.Item", {"id": LONG, "name": REF})
    pairs = [
        heap.new("org.apache.flink.api.java.tuple.Tuple2", f0=heap.string(name), f1=heap.long(number))
        for name, number in (("a", 300), ("a", 300), ("a", 301), ("b", 300))
    ]
    day = heap.new("java.time.LocalDate", year=2017, month=11, day=26)
    item = heap.new("shop.Item", id=5, name=heap.string("cup"))
    heap.root(heap.array(*pairs, day, item))
    opened = heap.open(tmp_path)
    keys = np.array([opened.index_of(address) for address in (*pairs, day, item)], np.int32)
    assert distinct_by_value(opened, keys) == 5
    texts = [describe_key(opened, int(k), show=True) for k in keys[2:]]
    assert texts == ['("a", 301)', '("b", 300)', "2017-11-26", 'Item(id=5, name="cup")']
    assert describe_key(opened, int(keys[0]), show=False) == "Tuple2(String of 1, Long)"


def test_the_verdict_counts_per_pane(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task([Pane(k, 0, DAY, [DAY - 1, 180_000], ["fire-time"]) for k in range(9)])
    state = seen(heap, tmp_path).state
    assert verdict(state, state.operators[0]) == (
        "each of 9 (key, window) panes holds 1 `fire-time` entries and 2 timers until 1970-01-02 08:00+08:00;"
        " 9 timers fire at the next instant;"
        " purging removes only the contents"
    )


def test_timers_alone_have_a_verdict_too(tmp_path: Path) -> None:
    """State in RocksDB, timers on the heap."""
    heap = FlinkHeap()
    heap.window_task([Pane(k, 0, DAY, [DAY - 1], []) for k in range(9)], purging=False)
    state = seen(heap, tmp_path).state
    assert verdict(state, state.operators[0]) == "each of 9 (key, window) panes holds 1 timers on the heap"


def test_asynchronous_state_is_found_behind_its_adaptor(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task([Pane(k, 0, DAY, [DAY - 1], ["window-contents"]) for k in range(9)], asynchronous=True)
    state = seen(heap, tmp_path).state
    assert [(s.name, s.entries) for s in state.states] == [("window-contents", 9)]
    assert (state.backend, state.unowned_entries) == ("hashmap", 0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6), st.integers(1, 6), st.integers(-20, 20), st.integers(-30, 30), st.booleans(),
)  # fmt: skip
def test_a_slice_is_needed_until_the_last_window_that_has_it(
    slides: int, length: int, offset: int, number: int, grows: bool
) -> None:
    """Against all windows: HOP of ``slides`` slides, or CUMULATE of as many steps; slices of ``length``."""
    size, end = slides * length, offset + number * length
    if grows:
        windows = [(offset + w * size, offset + w * size + s * length) for w in range(-40, 40)
                   for s in range(1, slides + 1)]  # fmt: skip
    else:
        windows = [(offset + w * length, offset + w * length + size) for w in range(-80, 80)]
    last = max(until for since, until in windows if since <= end - length and end <= until)
    assert Slices(0, size, length, offset, None if grows else length).over_ms(end) == last


def test_every_byte_has_one_owner(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task([Pane(k, 0, DAY, [DAY - 1, DAY - 5], ["fire-time", "users"]) for k in range(9)])
    opened = heap.open(tmp_path)
    ownership = view(opened).ownership
    assert sum(o.size_bytes for o in ownership.owners) == opened.used_bytes
    assert sum(o.objects for o in ownership.owners) == opened.reachable_object_count
    by_name = {o.what: o for o in ownership.owners}
    assert by_name["keys and windows"].objects == 9 * 3  # a String, its bytes, a TimeWindow
    timers = by_name["timers “window-timers”"]
    assert timers.objects == 18 * 2 + 1 + 1 + 1 + 2 * 2  # timers and nodes, set, queue, map array, two maps with tables
    assert ownership.named_bp == 10_000


def test_entries_that_no_task_leads_to_are_counted_apart(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task([Pane(1, 0, DAY, [DAY - 1], ["fire-time"])])
    copy = heap.new(HEAP + "CopyOnWriteStateMap$StateMapEntry", key=heap.string("old"))
    heap.root(copy)
    found = seen(heap, tmp_path)
    assert found.state.unowned_entries == 1
    assert {o.what: o.objects for o in found.ownership.owners}["checkpoint copies"] == 3


def test_a_heap_without_flink_says_so(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.root(heap.string("hello"))
    found = seen(heap, tmp_path)
    assert (found.state.states, found.state.timers, found.state.operators) == ((), (), ())
    assert found.process.role is None
    assert found.process.flink_version is None


def test_a_circular_chain_ends(tmp_path: Path) -> None:
    heap = FlinkHeap()
    heap.window_task([Pane(1, 0, DAY, [], ["fire-time"]), Pane(2, 0, DAY, [], ["fire-time"])])
    entry = heap.classes[HEAP + "CopyOnWriteStateMap$StateMapEntry"]
    for thing in heap.dump.objects:
        if getattr(thing, "cls", None) == entry and hasattr(thing, "values"):
            thing.values[3] = thing.address
    (state,) = read_state(heap.open(tmp_path)).states
    assert state.entries == 2
