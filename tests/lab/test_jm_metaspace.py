"""Incident 2 on a real Flink: every pin named, healthy twins leave nothing, the forecast holds, cures are flat."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope import diagnose, open_heap
from flinkscope.cli.main import cli
from flinkscope.diagnosis.finding import Verdict
from flinkscope.errors import UsageError
from flinkscope.flink.loaders import UserLoader
from flinkscope.flink.metaspace_forecast import forecast
from flinkscope.jvm.verbs import open_verbs
from flinkscope.lab.cluster import Cluster
from flinkscope.lab.incidents import jm_metaspace
from flinkscope.lab.incidents.jm_metaspace import ENTRY_CLASS, JAR, PINS, Plan
from flinkscope.lab.live_dump import dump_live_heap
from flinkscope.lab.submitters import WebSubmitter
from flinkscope.lab.wheels import java_home

KINDS = {
    "hook": "shutdown_hook",
    "thread": "thread",
    "threadlocal": "thread_local",
    "timer": "timer",
    "cleaner": "cleaner",
    "jdbc": "jdbc_driver",
    "mbean": "mbean",
    "sysprop": "system_property",
    "provider": "security_provider",
    "jul": "jul_handler",
    "log4j": "log4j_appender",
}
SINGLE = {"ueh": "uncaught_exception_handler", "static": "static_field"}  # the last one set wins
BY_CONTEXT = {
    "executor": "executor",
    "http": "http_client",
}  # pins only where threads inherit an access control context
MEMORY = {
    "jobmanager.memory.process.size": "800m",
    "jobmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.process.size": "800m",
    "taskmanager.memory.managed.size": "32m",
    "taskmanager.numberOfTaskSlots": "4",
}


def loaders_after(
    words: Iterable[str], times: int, java: str, folder: Path, settle_s: float = 0.0
) -> tuple[UserLoader, ...]:
    """Submits each pin so many times (``!``: its healthy twin) to one session; the JobManager's loaders.

    ``settle_s``: waited after a full collection (java.net.http's thread looks every 3 s whether its client is gone).
    """
    dump = folder / "jobmanager.hprof"
    with Cluster(MEMORY, java=java_home(java)) as cluster:
        way = WebSubmitter(cluster, JAR, ENTRY_CLASS)
        for word in words:
            for _ in range(times):
                way.submit(["--pin", word.rstrip("!"), *(["--healthy", "yes"] if word.endswith("!") else [])])
        if settle_s:
            open_verbs(cluster.job_manager.pid).jcmd("GC.run")
            time.sleep(settle_s)
        dump_live_heap(cluster.job_manager.pid, dump)
    return open_heap(dump, cache=False).flink_loaders()


def pins_of(rows: Iterable[UserLoader]) -> Counter[str]:
    return Counter(pin.kind for row in rows for pin in row.pins)


@pytest.mark.flink
def test_each_submission_leaves_one_loader_with_its_pin_and_the_clean_one_none(tmp_path: Path) -> None:
    rows = loaders_after(["hook", "thread", "hook!", "thread!", "hook,jdbc", ""], 3, "17", tmp_path)
    leaked = [row for row in rows if row.state == "leaked"]
    assert len(leaked) == 9
    assert pins_of(leaked) == {"shutdown_hook": 6, "thread": 3, "jdbc_driver": 3}
    assert sorted(len(row.pins) for row in leaked) == [1] * 6 + [2] * 3
    assert {pin.code for row in leaked for pin in row.pins} == {
        "flinkscope.lab.pins.ShutdownHookPin$Farewell",
        "flinkscope.lab.pins.ThreadPins$Running",
        "flinkscope.lab.pins.JdbcPin$OwnDriver",
    }
    assert all(row.jars[0].endswith("_flinkscope-pins.jar") for row in leaked)


@pytest.mark.flink
@pytest.mark.heavy
@pytest.mark.parametrize("java", ["11", "17", "21", "25"])
def test_every_pin_of_the_lab_is_named_exactly_on_every_java(java: str, tmp_path: Path) -> None:
    rows = loaders_after([*KINDS, *SINGLE, *BY_CONTEXT, "soft", ""], 2, java, tmp_path)
    leaked = [row for row in rows if row.state == "leaked"]
    expected = dict.fromkeys(KINDS.values(), 2) | dict.fromkeys(SINGLE.values(), 1)
    if int(java) < 24:
        expected |= dict.fromkeys(BY_CONTEXT.values(), 2)
    found = pins_of(leaked)
    context = found.pop("thread_context_loader", 0)
    assert context <= 1  # who was first to start the JDK's delay thread
    assert found == expected
    assert len(leaked) == sum(expected.values())


@pytest.mark.flink
@pytest.mark.heavy
def test_healthy_twins_leave_no_loader(tmp_path: Path) -> None:
    twins = [f"{word}!" for word in (*KINDS, *SINGLE, *BY_CONTEXT) if word != "threadlocal"]
    rows = loaders_after(twins, 2, "17", tmp_path, settle_s=8)
    assert not [row for row in rows if row.state == "leaked"]


@pytest.mark.flink
@pytest.mark.heavy
def test_the_job_manager_dies_as_forecast_is_diagnosed_and_cured(tmp_path: Path) -> None:
    dead = jm_metaspace.run(Plan(), tmp_path / "dead")
    assert dead.outcome in (jm_metaspace.DIED, jm_metaspace.REFUSED)
    assert dead.predicted is not None
    assert abs(dead.predicted - len(dead.submissions)) <= 1
    root = next(f for f in diagnose(dead.case.root).findings if f.rule == jm_metaspace.ROOT_CAUSE)
    assert root.verdict is Verdict.FIRED
    assert root.explained_by is None
    assert {r.id for r in root.outcome.remedies} >= {"submit-from-a-client", "no-web-submission"}
    for cure in ("client", "fixed"):
        cured = jm_metaspace.run(jm_metaspace.cure_plan(jm_metaspace.plan_of(dead.case), cure), tmp_path / cure)
        assert cured.flat, cured
        assert len(cured.submissions) == Plan().submissions > len(dead.submissions)


@pytest.mark.flink
@pytest.mark.heavy
def test_show_plan_leaks_too(tmp_path: Path) -> None:
    outcome = jm_metaspace.run(Plan(via="plan", submissions=3, ballast=0), tmp_path / "plan")
    assert (outcome.outcome, outcome.leaked, outcome.flat) == (jm_metaspace.SURVIVED, 3, False)


def test_the_forecast_counts_what_still_fits() -> None:
    mb = 1 << 20
    seen = forecast([73 * mb, 84 * mb, 94 * mb, 105 * mb], 128 * mb)
    assert seen is not None
    assert (seen.left, seen.floor_bytes) == (2, 105 * mb)
    assert 10 * mb <= seen.step_bytes <= 11 * mb


def test_a_flat_floor_has_no_end_and_too_few_floors_say_nothing() -> None:
    clean = forecast([65_700_000, 67_200_000, 67_300_000, 67_420_000], 128 << 20)
    assert clean is not None
    assert (clean.left, clean.step_bytes) == (None, 0)
    assert forecast([1, 2], 3) is None


def test_a_floor_above_the_limit_leaves_nothing() -> None:
    seen = forecast([10 << 20, 20 << 20, 30 << 20], 25 << 20)
    assert seen is not None
    assert seen.left == 0


@pytest.mark.parametrize("words", [{"pins": ("nonsense",)}, {"via": "post"}, {"metaspace": "lots"}])
def test_a_plan_that_makes_no_sense_is_refused_before_anything_starts(words: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Plan(**words)  # type: ignore[arg-type]


def test_a_cure_changes_one_thing() -> None:
    plan = Plan(pins=("hook", "timer"))
    assert jm_metaspace.cure_plan(plan, "client").via == "client"
    assert jm_metaspace.cure_plan(plan, "fixed").healthy
    assert plan.arguments()[-1] == "hook,timer"


def test_the_command_line_offers_every_pin_and_refuses_what_is_no_case(tmp_path: Path) -> None:
    text = CliRunner().invoke(cli, ["lab", "run", "jm-metaspace", "--help"]).output
    assert all(pin in text for pin in PINS)
    (tmp_path / "manifest.json").write_text(
        json.dumps({"format": "flinkscope-case", "version": 1, "title": "t", "labels": {"incident": "uv-heap"}})
    )
    result = CliRunner().invoke(cli, ["lab", "cure", "jm-metaspace", "--case", str(tmp_path)])
    assert result.exit_code != 0
