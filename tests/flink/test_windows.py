"""Prediction against what Flink's own operators were measured to keep (22,000 keys, one key group, JDK 17)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flinkscope.cli.main import main
from flinkscope.flink.lens import read_state
from flinkscope.flink.windows import Element, Moment, WindowDesign, pane_cost
from flinkscope.flink.windows_alternatives import NAMES, alternatives
from flinkscope.flink.windows_bytes import COMPACT, COMPRESSED, WIDE, state_table_bytes, table_slots, timer_table_bytes
from flinkscope.flink.windows_dump import read_from_dump
from flinkscope.flink.windows_forecast import forecast, keys_that_fit
from flinkscope.flink.windows_load import Cluster, Load
from flinkscope.flink.windows_needs import needs
from strategies.flink_heap import FlinkHeap, Pane

KEYS = 22_000
HOUR = 3_600_000
DAY = 24 * HOUR
# 16-char keys; Tuple2 records; counts that are cached Longs; user ids of 17 to 24 characters
MEASURED = Element(key_bytes=56, record_bytes=24, accumulator_bytes=0, map_pair_bytes=64)


def per_pane(design: WindowDesign, moment: Moment, elements: int = 1) -> float:
    """Bytes a key: the pane's objects, and the tables at the largest size that they had until then."""
    at = {"elements": ["elements"], "fired": ["elements", "fired"], "ended": ["elements", "fired", "ended"]}
    lived: list[Moment] = at[moment]  # type: ignore[assignment]
    costs = [pane_cost(design, MEASURED, COMPRESSED, m, elements=elements, users=elements) for m in lived]
    tables = sum(
        state_table_bytes(KEYS * max(getattr(c, part) for c in costs), 1, COMPRESSED)
        for part in ("contents", "trigger_state", "own")
    )
    tables += timer_table_bytes(KEYS * max(c.timers for c in costs), 1, 1, COMPRESSED)
    return costs[-1].object_bytes(COMPRESSED) + tables / KEYS


PURGING = [
    (WindowDesign("purging", "purging-continuous", f), before) for f, before in
    (("process", 458), ("reduce", 378), ("aggregate", 354))
]  # fmt: skip
ROWS: list[tuple[WindowDesign, Moment, int, int, str]] = [
    (WindowDesign("w", "event-time", "process"), "elements", 1, 316, "1e1t"),
    (WindowDesign("w", "event-time", "reduce"), "elements", 1, 232, "1e1t"),
    (WindowDesign("w", "event-time", "aggregate"), "elements", 1, 208, "1e1t"),
    (WindowDesign("w", "event-time", "process"), "elements", 10, 1036, "1e1t"),
    (WindowDesign("w", "continuous", "process"), "elements", 1, 458, "2e2t"),
    (WindowDesign("w", "continuous", "reduce"), "elements", 1, 378, "2e2t"),
    (WindowDesign("w", "continuous", "aggregate"), "elements", 1, 354, "2e2t"),
    (WindowDesign("w", "continuous", "process"), "fired", 1, 458, "2e2t"),
    (WindowDesign("w", "continuous", "reduce"), "fired", 1, 378, "2e2t"),
    (WindowDesign("w", "continuous", "aggregate"), "fired", 1, 354, "2e2t"),
    *((design, "elements", 1, before, "2e2t") for design, before in PURGING),
    *((design, "fired", 1, 314, "1e2t") for design, _ in PURGING),
    (PURGING[0][0], "elements", 10, 1178, "2e2t"),
    (PURGING[0][0], "fired", 10, 314, "1e2t"),
    (WindowDesign("w", "purging-continuous", lateness_ms=HOUR), "elements", 1, 539, "2e3t"),
    (WindowDesign("w", "purging-continuous", lateness_ms=HOUR), "fired", 1, 395, "1e3t"),
    (WindowDesign("w", "purging-continuous", lateness_ms=HOUR), "ended", 1, 267, "1e1t"),
    (WindowDesign("w", "continuous", "aggregate", lateness_ms=HOUR), "elements", 1, 435, "2e3t"),
    (WindowDesign("w", "continuous", "aggregate", lateness_ms=HOUR), "fired", 1, 435, "2e3t"),
    (WindowDesign("w", "continuous", "aggregate", lateness_ms=HOUR), "ended", 1, 307, "2e1t"),
    (WindowDesign("w", "continuous", evicts=0), "elements", 1, 490, "2e2t"),
    (WindowDesign("w", "continuous", evicts=0), "fired", 1, 315, "1e2t"),
    (WindowDesign("w", "continuous", evicts=1), "elements", 1, 490, "2e2t"),
    (WindowDesign("w", "continuous", evicts=1), "fired", 1, 490, "2e2t"),
    (WindowDesign("w", "purging-count"), "elements", 1, 163, "0e1t"),
    (WindowDesign("w", "purging-count"), "fired", 1, 163, "0e1t"),
    (WindowDesign("w", "continuous", evicts=0, own_state="window"), "elements", 1, 490, "2e2t"),
    (WindowDesign("w", "continuous", evicts=0, own_state="window"), "fired", 1, 585, "2e2t"),
    (WindowDesign("w", "continuous", evicts=0, own_state="global"), "fired", 1, 584, "2e2t"),
    (WindowDesign("w", "continuous", evicts=0, own_state="global"), "elements", 10, 1498, "2e2t"),
    (WindowDesign("w", "continuous", evicts=0, own_state="global"), "fired", 10, 1449, "2e2t"),
    (WindowDesign("w", "continuous", evicts=0, own_state="global"), "ended", 10, 1273, "1e0t"),
    (WindowDesign("w", "quiet", "aggregate"), "elements", 1, 284, "1e2t"),
    (WindowDesign("w", "quiet", "process"), "elements", 1, 388, "1e2t"),
    (WindowDesign("w", "quiet", "process"), "fired", 1, 180, "0e1t"),
    (WindowDesign("w", "continuous"), "ended", 1, 34, "0e0t"),  # tables and queue never shrink
]


@pytest.mark.parametrize(("design", "moment", "elements", "measured", "counts"), ROWS)
def test_bytes_of_a_pane_are_the_measured_ones(
    design: WindowDesign, moment: Moment, elements: int, measured: int, counts: str
) -> None:
    cost = pane_cost(design, MEASURED, COMPRESSED, moment, elements=elements, users=elements)
    assert f"{cost.entries}e{cost.timers}t" == counts
    assert per_pane(design, moment, elements) == pytest.approx(measured, rel=0.05)


def test_global_state_stays_after_the_window() -> None:
    """The harness had 408 bytes a key; a real TaskManager has what the model says (test_window_bytes.py), 48 fewer."""
    design = WindowDesign("w", "continuous", evicts=0, own_state="global")
    cost = pane_cost(design, MEASURED, COMPRESSED, "ended")
    assert (cost.entries, cost.timers) == (1, 0)
    assert per_pane(design, "ended") + 48 == pytest.approx(408, rel=0.01)
    assert per_pane(design, "ended", 10) + 48 == pytest.approx(1273, rel=0.01)  # the same 48 with ten elements


def test_objects_of_each_layout() -> None:
    """JDK 17 with and without compressed references, JDK 25 with compact headers: window_state.md §3."""
    sizes = [(x.entry, x.timer, x.node, x.window, x.boxed_long) for x in (COMPRESSED, WIDE, COMPACT)]
    assert sizes == [(40, 32, 32, 32, 24), (56, 40, 40, 32, 24), (40, 32, 24, 24, 16)]
    assert COMPRESSED.string(16) == 56


def test_tables_over_key_groups_meet_the_labs_dumps() -> None:
    """Slots of `fire-time` in three TaskManagers that died: 128 key groups in two subtasks, both on one of them."""
    for entries, slots in ((175_266, 262_144), (339_261, 524_288), (475_671, 1_048_576)):
        assert table_slots(entries, 128, 128) == pytest.approx(slots, rel=0.05)


@pytest.mark.parametrize(
    ("design", "record_bytes", "panes", "state_bytes", "heap_bytes"),
    [
        (WindowDesign("lab", "continuous"), 99, 154_636, 85_367_992, 134_217_728),
        (WindowDesign("lab", "continuous", evicts=0, own_value_bytes=155), 133, 153_648, 81_585_440, 134_217_728),
        (WindowDesign("lab", "purging-continuous", own_value_bytes=157), 24, 175_266, 92_535_552, 134_217_728),
        (WindowDesign("lab", "purging-continuous", own_value_bytes=161), 24, 339_261, 181_731_864, 234_881_019),
    ],
)
def test_four_task_managers_that_died(
    design: WindowDesign, record_bytes: int, panes: int, state_bytes: int, heap_bytes: int
) -> None:
    """The lab's incident as bare, evictor and purging, and at two sizes (Flink 2.3.0, 72-byte keys): state in the dump
    of the dead process, and its panes when it died at that -Xmx. Bytes of values and records are those of the dump."""
    load = Load(panes, 1.4, DAY, 180_000, Element(72, record_bytes, 24, 56))
    cluster = Cluster(parallelism=2, slots=2)
    found = forecast(design, replace(load, events_per_key=1.0), cluster)
    assert found.peak.live_bytes == pytest.approx(state_bytes, rel=0.05)
    assert found.peak.timers == 2 * panes
    assert keys_that_fit(design, load, cluster, heap_bytes) == pytest.approx(panes, rel=0.10)


def test_the_curve_falls_when_lateness_ends_and_leaves_nothing_in_rocksdb_on_the_heap() -> None:
    load = Load(1_000_000, 2.0, DAY, 180_000, MEASURED)
    late = forecast(WindowDesign("late", "purging-continuous", lateness_ms=HOUR), load, Cluster())
    assert late.points[0].panes > 1_000_000 - 1  # the day before, still there
    after = [p for p in late.points if p.time_ms > HOUR]
    assert after[0].live_bytes < late.points[0].live_bytes
    assert [p.panes for p in after] == sorted(p.panes for p in after)
    rocks = forecast(WindowDesign("rocks", "continuous", backend="rocksdb"), load, Cluster())
    assert (rocks.peak.live_bytes, rocks.firing_ns) == (0, None)
    assert rocks.peak.timers == 2_000_000


def test_state_that_nobody_cleans_is_told() -> None:
    load = Load(1_000, 1.0, DAY, 180_000, MEASURED)
    leak = forecast(WindowDesign("leak", "continuous", evicts=0, own_state="global"), load, Cluster())
    assert leak.left_bytes == 1_000 * (40 + 224 + 56)
    assert forecast(WindowDesign("w", "continuous"), load, Cluster()).left_bytes == 0


def test_designs_rank_as_measured_in_the_lab() -> None:
    """bare > purging > quiet > buckets in live bytes; what needs most heap is sized by Flink's own model."""
    load = Load(475_640, 1.7, DAY, 180_000, Element(72, 24, 24, 56), users_per_key=1.7)
    rows = {f.name: f for f in alternatives(WindowDesign("w", "continuous"), load, Cluster(2, 2))}
    live = [rows[name].peak.live_bytes for name in ("bare", "purging", "quiet", "buckets")]
    assert live == sorted(live, reverse=True)
    assert rows["buckets"].peak.live_bytes == pytest.approx(55_764_048, rel=0.05)  # the cured twin's dump
    assert needs(rows["bare"]).heap_bytes >= 2.5 * rows["bare"].live_set_bytes


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["state", "predict", "--keys", "22k", "--max-parallelism", "1", "--events", "1", "--json"])
    assert end.value.code == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["forecast"]["peak"]["timers"] == 44_000
    assert answer["forecast"]["peak"]["live_bytes"] / 22_000 == pytest.approx(314, rel=0.05)
    assert [row["design"] for row in answer["alternatives"]] == list(NAMES)
    for words in (["predict"], ["predict", "--keys", "many"], ["predict", "--keys", "1", "--interval", "2d"]):
        with pytest.raises(SystemExit) as end:
            main(["state", *words])
        assert end.value.code == 2
        assert "hint:" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["state", "predict", "--keys", "20m", "--flink", "1.17", "--trigger", "continuous-processing"])
    text = capsys.readouterr().out
    assert "FLINK-35069" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_page_has_a_curve_for_each_design(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "growth.html"
    with pytest.raises(SystemExit) as end:
        main(["state", "predict", "--keys", "22k", "-o", str(page)])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 100
    assert "one scale up to" in text
    html = page.read_text()
    assert "default-src 'none'" in html
    assert all(f'"name": "{name}"' in html or f'"name":"{name}"' in html for name in NAMES)
    with pytest.raises(SystemExit) as end:
        main(["state", "predict", "--keys", "22k", "-o", str(tmp_path / "growth.pdf")])
    assert end.value.code == 2


def test_parameters_from_a_dump(tmp_path: Path) -> None:
    heap = FlinkHeap()
    panes = [Pane(k, 0, DAY, [DAY - 1, 180_000], ["fire-time", "visitors"]) for k in range(15)]
    heap.window_task(panes, lateness=60_000)
    read = read_from_dump(read_state(heap.open(tmp_path)))
    assert (read.design.trigger, read.design.lateness_ms, read.panes) == ("purging-continuous", 60_000, 15)
    assert read.load.interval_ms == 180_000
    assert read.part == pytest.approx(77 / DAY)
    assert read.load.keys_per_window == pytest.approx(15 * DAY / 77, rel=1e-6)
