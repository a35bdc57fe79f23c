"""Whatever happens in the middle, Redis equals the recount: processes killed, restarts with another parallelism."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flinkscope.errors import LabError
from flinkscope.uv.job import uv_job
from flinkscope.uv.run import Embedded, newest_checkpoint
from flinkscope.watch.rest_source import RestSource
from uv_support.kafka_server import kafka_server
from uv_support.redis_server import RedisServer, redis_server
from uv_support.uv_proof import PLAN, Proof, embedded, finished, in_the_middle, wait_for

pytestmark = pytest.mark.flink
RATE = {"rate": "30000"}  # so that there is a middle


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def proof(redis: RedisServer, tmp_path: Path) -> Proof:
    with redis.client() as client:
        client.flushall()
    return Proof(tmp_path, redis, options=RATE)


def assert_exact(proof: Proof, job: object) -> None:
    found = proof.check(job)
    assert found.differences == 0, found.examples
    assert found.pairs > 10_000
    assert found.rows.late > 100, "the events have late rows"
    assert found.rows.strange_late == 0
    assert proof.dead_letters() == found.rows.malformed > 100


def test_redis_is_full_then_killed_and_then_the_task_manager(proof: Proof) -> None:
    job = proof.job()
    with embedded(job) as run:
        in_the_middle(run, proof.redis)
        watched(run)
        with proof.redis.client() as client:
            client.config_set("maxmemory", "1mb")  # every write is refused now
            time.sleep(2)
            client.config_set("maxmemory", "0")
        proof.redis.kill()
        time.sleep(1)
        proof.redis.start()
        in_the_middle(run, proof.redis)
        run.cluster.workers[0].popen.kill()
        summary = finished(run)
    assert summary.replaced_task_managers == 1
    assert_exact(proof, job)


def watched(run: Embedded) -> None:
    """What ``watch`` and the dashboard show of the job, by REST."""
    source = RestSource(run.cluster.rest_url)
    names = {"uv_page_views", "uv_keys", "uv_late_rows", "uv_malformed_rows", "checkpoint_bytes", "watermark_lag_ms"}
    found: dict[str, int] = {}

    def told() -> bool:
        found.update({k: v for r in source.look(time.time_ns()) if r.role == "job" for k, v in r.values.items()})
        return names <= set(found) and found["uv_page_views"] > 0 and found["uv_keys"] > 0

    wait_for(told, run)


@pytest.mark.heavy
def test_the_job_manager_is_killed_and_the_job_goes_on_from_the_retained_checkpoint(proof: Proof) -> None:
    job = proof.job()
    with embedded(job) as run:
        in_the_middle(run, proof.redis)
        run.cluster.job_manager.popen.kill()
        with pytest.raises(LabError, match="JobManager ended") as caught:
            run.wait(60)
        assert "--from-savepoint" in caught.value.hint
    newest = newest_checkpoint(proof.folder / "checkpoints")
    assert newest is not None
    with embedded(job, savepoint=str(newest)) as run:
        finished(run)
    assert_exact(proof, job)


@pytest.mark.heavy
def test_another_parallelism_and_another_clock_zone_after_a_savepoint(proof: Proof) -> None:
    job = proof.job()
    with embedded(job, parallelism=2, env_java_opts_all="-Duser.timezone=UTC") as run:
        in_the_middle(run, proof.redis)
        savepoint = run.stop().savepoint
    assert savepoint is not None
    with embedded(job, parallelism=3, savepoint=savepoint, env_java_opts_all="-Duser.timezone=America/New_York") as run:
        finished(run)
    assert_exact(proof, job)


# Every exact design, each in the memory it needs for 200,000 items on two days.
DESIGNS = [
    pytest.param({"design": "bucket"}, "1216m", id="bucket"),
    pytest.param({"design": "bucket", "backend": "rocksdb"}, "1728m", id="bucket-rocksdb"),
    pytest.param({"design": "group"}, "1728m", id="group"),
    pytest.param({"design": "quiet"}, "2500m", id="quiet"),
    pytest.param({"design": "cumulate", "key": "categoryId", "step": "30 min"}, "1728m", id="cumulate"),
    pytest.param({"design": "incident", "trigger": "purging", "step": "60 min"}, "2500m", id="incident"),
]


@pytest.mark.heavy
@pytest.mark.parametrize(("options", "memory"), DESIGNS)
def test_five_million_events_over_two_days(
    options: dict[str, str], memory: str, redis: RedisServer, tmp_path: Path
) -> None:
    with redis.client() as client:
        client.flushall()
    plan = replace(PLAN, events=5_000_000, items=200_000, users=100_000)
    proof = Proof(tmp_path, redis, plan, options=options)
    job = proof.job()
    with embedded(job, memory=memory) as run:
        finished(run)
    assert_exact(proof, job)


@pytest.mark.heavy
@pytest.mark.parametrize(("zone", "first_day"), [("Europe/Berlin", "2017-10-28"), ("America/St_Johns", "2017-03-11")])
def test_days_of_23_and_25_hours(zone: str, first_day: str, redis: RedisServer, tmp_path: Path) -> None:
    with redis.client() as client:
        client.flushall()
    proof = Proof(tmp_path, redis, replace(PLAN, zone=zone, first_day=first_day, days=3))
    job = proof.job(zone=zone)
    with embedded(job) as run:
        finished(run)
    assert_exact(proof, job)


@pytest.mark.heavy
def test_a_kafka_topic_with_poison_a_killed_task_manager_and_a_read_only_redis(proof: Proof) -> None:
    with kafka_server() as kafka:
        kafka.create("views", 3)
        kafka.send("views", (proof.events / "part-00000.csv").read_bytes().splitlines())
        job = uv_job({
            "topic": "views", "bootstrap-servers": kafka.address, "until-now": "true", "start": "earliest",
            "redis": proof.redis.url, "watermark-delay": "2 min", "checkpoint-interval": "1 s", "rate": "30000",
            "late-dir": str(proof.folder / "late"), "dead-letter-dir": str(proof.folder / "dead"),
        })  # fmt: skip
        with embedded(job, parallelism=3) as run:
            in_the_middle(run, proof.redis)
            with proof.redis.client() as client:
                client.config_set("min-replicas-to-write", "1")  # there is none: read-only
                time.sleep(2)
                client.config_set("min-replicas-to-write", "0")
            run.cluster.workers[0].popen.kill()
            finished(run)
    assert_exact(proof, job)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_other_formats_with_dirt(kind: str, redis: RedisServer, tmp_path: Path) -> None:
    with redis.client() as client:
        client.flushall()
    proof = Proof(tmp_path, redis, kind=kind)
    if kind == "jsonl":
        (proof.events / "part-99999.jsonl").touch()  # an empty file says nothing and disturbs nobody
    job = proof.job()
    with embedded(job) as run:
        finished(run)
    assert_exact(proof, job)
