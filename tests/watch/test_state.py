"""What follows from readings: restarts, submissions left, what runs out first; how it is shown and exposed."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest

from flinkscope.errors import SourceError
from flinkscope.watch.alerts import AlertBook, parse_rule
from flinkscope.watch.board import board, human_span, outlook, state_document
from flinkscope.watch.measures import Reading
from flinkscope.watch.prometheus import dashboard, metric_names, serve
from flinkscope.watch.state import TargetState
from flinkscope.watch.watcher import Rescue, Watcher

MIB = 1 << 20
CORPUS = Path(__file__).parents[1] / "corpus" / "watch"
DOCUMENTED = Path(__file__).parents[2] / "docs" / "reference" / "watch.md"


def leaking(steps: int, step_s: int = 60, per_job_bytes: int = 10 * MIB) -> TargetState:
    """A JobManager with one submission a step."""
    state = TargetState("jobmanager", "jobmanager")
    for number in range(steps):
        values = {"metaspace_bytes": 60 * MIB + number * per_job_bytes, "metaspace_limit_bytes": 256 * MIB,
                  "submissions": number, "live_set_bytes": 100 * MIB, "heap_limit_bytes": 400 * MIB}  # fmt: skip
        state.take(Reading("jobmanager", "jobmanager", "a", values), number * step_s * 10**9)
    state.look_ahead()
    return state


def test_submissions_left_are_the_steps_that_still_fit() -> None:
    left = leaking(10).submissions_left()
    assert left is not None
    assert left.bytes_each == 10 * MIB
    assert left.fewest <= left.likely == 10 <= (left.most or 0)  # (256 - 150) / 10
    assert leaking(2).submissions_left() is None
    assert leaking(10, per_job_bytes=0).submissions_left() is None
    assert leaking(10).quantities()["metaspace_submissions_left"] == left.fewest


def submitting(name: str, count: int) -> TargetState:
    """A recorded JobManager of the lab's metaspace incident after so many submissions."""
    run = json.loads((CORPUS / f"metaspace-{name}.json").read_text())
    state = TargetState("jobmanager", "jobmanager")
    for entry in run["submissions"][:count]:
        values = {"metaspace_bytes": entry["floor_bytes"], "metaspace_limit_bytes": run["limit_bytes"],
                  "submissions": entry["number"]}  # fmt: skip
        state.take(Reading("jobmanager", "jobmanager", "a", values), entry["number"] * 10**9)
    return state


@pytest.mark.parametrize("name", ["died", "refused"])
@pytest.mark.parametrize("seen", [3, 4, 5, 6])
def test_the_true_number_of_submissions_lies_in_the_interval_from_half_time_on(name: str, seen: int) -> None:
    left = submitting(name, seen).submissions_left()
    assert left is not None
    true = 6 - seen  # both took six, and not the seventh
    assert left.fewest <= true <= (true if left.most is None else left.most)
    assert abs(left.likely - true) <= 1


def test_a_cured_job_manager_takes_many_more() -> None:
    left = submitting("fixed", 100).submissions_left()
    assert left is None or left.likely > 100


def test_a_restart_begins_anew() -> None:
    state = leaking(10)
    assert outlook(state).startswith("metaspace in 1")
    state.take(Reading("jobmanager", "jobmanager", "b", {"metaspace_bytes": MIB}), 10**12)
    assert state.restarts == 1
    assert (state.forecasts, state.submissions_left(), len(state.series["metaspace_bytes"])) == ({}, None, 1)


class Scripted:
    """A source that gives what it is told, and fails where that is an error."""

    interval_s = 0.0

    def __init__(self, turns: Sequence[list[Reading] | SourceError]) -> None:
        self.turns = list(turns)

    def look(self, now_ns: int) -> Sequence[Reading]:
        turn = self.turns.pop(0)
        if isinstance(turn, SourceError):
            raise turn
        return turn


def reading(value: int, identity: str = "1", pid: int | None = None) -> Reading:
    return Reading(
        "tm", "taskmanager", identity, {"threads": value, "live_set_bytes": 97, "heap_limit_bytes": 100}, pid
    )


def test_a_source_that_fails_is_told_and_asked_again() -> None:
    source = Scripted([[reading(3)], SourceError("no route"), [], [reading(4, "2")]])
    watcher = Watcher([("rest", source)], AlertBook([]), interval_s=0)
    watcher.round()
    assert watcher.troubles() == []
    watcher.round()
    assert watcher.troubles() == ["rest: no route"]
    assert watcher.states["tm"].values["threads"] == 3
    for _ in range(2):
        watcher._due[0].next_s = 0
        watcher.round()
    assert watcher.troubles() == []
    assert (watcher.states["tm"].restarts, watcher.states["tm"].values["threads"]) == (1, 4)


def test_a_case_is_recorded_once_for_each_process(tmp_path: Path) -> None:
    recorded: list[int] = []
    rescue = Rescue(tmp_path, 600, lambda pid, _path: recorded.append(pid))
    source = Scripted([[reading(1, pid=7)]] * 20 + [[reading(1, "2", pid=8)]] * 20)
    watcher = Watcher([("x", source)], AlertBook([]), interval_s=0, rescue=rescue)
    for _ in range(40):
        watcher._next_forecast_s = 0
        watcher.round()
    assert recorded == [7, 8]


def test_the_board_fits_and_says_what_runs_out() -> None:
    state = leaking(10)
    text = board([state], [], ["http://x: no route"])
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "metaspace in 1" in text
    assert "10 submissions left" in text
    assert json.loads(json.dumps(state_document(state)))["submissions_left"]["likely"] == 10
    assert [human_span(s) for s in (5, 600, 5400, 200_000)] == ["5 s", "10 min", "1.5 h", "2.3 d"]


def exposed(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_prometheus_gets_what_is_documented() -> None:
    book = AlertBook([parse_rule("threads > 2")])
    watcher = Watcher([("x", Scripted([[reading(3)]]))], book)
    watcher.round()
    watcher.states["jobmanager"] = leaking(10)
    server = serve(watcher, 0)
    try:
        text = exposed(server.port)
    finally:
        server.close()
    assert 'flinkscope_threads{role="taskmanager",target="tm"} 3.0' in text
    assert 'flinkscope_alert_firing{alert="threads > 2",target="tm"} 1.0' in text
    assert 'flinkscope_submissions_left_likely{role="jobmanager",target="jobmanager"} 10.0' in text
    assert "flinkscope_direct_bytes{" not in text, "what is not known is not 0"
    families = {line.split()[2].removesuffix("_total") for line in text.splitlines() if line.startswith("# TYPE")}
    assert families == set(metric_names())
    page = DOCUMENTED.read_text()
    assert [name for name in metric_names() if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", ["dashboard", "uv"])
def test_the_dashboard_is_one_that_grafana_takes(name: str) -> None:
    document = json.loads(dashboard(name))
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time", "refresh"} <= set(document)
    assert isinstance(document["schemaVersion"], int)
    variables = {v["name"] for v in document["templating"]["list"]}
    names = set(metric_names())
    for panel in document["panels"]:
        assert {"id", "type", "title", "gridPos", "targets", "datasource", "fieldConfig"} <= set(panel)
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["targets"]
        for target in panel["targets"]:
            assert {"refId", "expr"} <= set(target)
            used = re.findall(r"flinkscope_\w+", target["expr"])
            assert used
            assert set(used) <= names
            assert set(re.findall(r"\$\{?(\w+)", target["expr"])) <= variables
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    cells = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in document["panels"]]
    assert len(set(cells)) == len(cells)
