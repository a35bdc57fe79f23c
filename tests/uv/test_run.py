"""``uv run`` end to end: real Flink, Redis and Kafka; what it counts equals an exact recount; what is wrong is said."""

from __future__ import annotations

import csv
import gzip
import json
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli
from flinkscope.errors import LabError, SourceError
from flinkscope.lab.check import Counts
from flinkscope.lab.cluster import Cluster
from flinkscope.uv.compare import read_counts
from flinkscope.uv.generated import recount_generated
from flinkscope.uv.job import uv_job
from flinkscope.uv.ready import check_ready
from flinkscope.uv.recount import recount
from flinkscope.uv.run import Embedded
from flinkscope.uv.sources import event_files
from flinkscope.uv.store import RedisAddress, VisitorStore
from flinkscope.uv.zone import day_name
from uv_support.kafka_server import kafka_server
from uv_support.redis_server import RedisServer, free_port, redis_cluster, redis_server

GENERATED = {
    "source": "generator",
    "events": "60000",
    "items": "3000",
    "users": "4000",
    "disorder-ms": "60000",
    "duplicates-per-mille": "50",
    "watermark-delay": "60 s",
}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


FIELDS = '"itemId": 1, "categoryId": 1, "behavior": "pv", "ts": 1511701200, "city": "odd"}'
# Unusual, but rows: numbers as texts of digits, of a name that comes twice the first, more than is asked for.
ODD = [
    '{"userId": "7", ' + FIELDS,
    '{"userId": "0000000000000000008", ' + FIELDS,
    ' {"userId": 9, "userId": 10, ' + FIELDS + "  ",
    '{"userId": 11, "more": {"userId": [1, null]}, ' + FIELDS,
]
MALFORMED = [
    *(
        f'{{"userId": {user}, {FIELDS}'
        for user in (
            "-1", "null", "1.5", "1e3", "true", "[1]", '""', '"+5"', '" 5 "', '"٣"', "9223372036854775808",
            '"00000000000000000012"',
        )
    ),
    '{"userId": 1, ' + FIELDS + " and text behind it",
    '{"userId": 1, ' + FIELDS + '{"userId": 2}',
    '{"userId": 1, ' + FIELDS[:-1],
    '{"userId": 1, ' + FIELDS.replace("1511701200", "1511701200000000"),
    '{"userId": 1, ' + FIELDS.replace("1511701200", "-1511701200"),
    '{"userId": 1, ' + FIELDS.replace('"odd"', "null"),
    '{"userId": 1, ' + FIELDS.replace('"pv"', '""'),
    "[1, 2]", "null", "pv", "{}", "\u2003",
    '{"userId": 1, "more": "' + "x" * 1_100_000 + '", ' + FIELDS,
]  # fmt: skip


def by_pair(counts: Counts) -> dict[tuple[str, str], str]:
    rows = zip(counts.day, counts.item, counts.visitors, strict=True)
    return {(day_name(int(day)), str(key)): str(visitors) for day, key, visitors in rows}


def in_redis(server: RedisServer, prefix: str) -> dict[tuple[str, str], str]:
    with VisitorStore(RedisAddress(server.url, prefix)) as store:
        return {
            (day, key): value
            for day in store.days()
            for step in store.steps(day)
            for key, value in step.items()
        }  # fmt: skip


@pytest.mark.flink
def test_generated_events_across_midnight_are_in_redis_to_the_last_visitor(redis: RedisServer) -> None:
    words = [word for name, value in GENERATED.items() for word in (f"--{name}", value)]
    done = CliRunner().invoke(
        cli, ["uv", "run", *words, "--redis", redis.url, "--prefix", "gen:", "--json"], standalone_mode=False
    )
    assert done.exception is None, done.exception
    told = json.loads(done.stdout)
    expected = recount_generated(uv_job({**GENERATED, "redis": redis.url}))
    assert told["state"] == "FINISHED"
    assert told["rows"] == 60_000
    assert told["late"] == told["malformed"] == 0
    assert {day for day, _ in by_pair(expected)} == {"2017-11-26", "2017-11-27"}
    assert in_redis(redis, "gen:") == by_pair(expected)
    with redis.client() as client:
        assert 0 < client.ttl("gen:2017-11-26") <= 7 * 86_400
        meta = client.hgetall("gen:meta")
    assert meta["zone"] == "Asia/Shanghai"
    assert meta["design"] == "bucket"
    assert not [field for field in meta if field.startswith("batch:")], "a finished job leaves no bookkeeping"


@pytest.mark.flink
def test_ids_of_62_bits_and_texts_as_keys(tmp_path: Path) -> None:
    numbers = random.Random(7)
    visitors = {f"city {n}, {'north' if n % 2 else 'south'}": 3_000 if n < 3 else n % 90 + 1 for n in range(400)}
    rows = [
        (city, user, 1_511_701_200 + n)
        for city, many in visitors.items()
        for n, user in enumerate([numbers.randrange(1 << (62 if numbers.random() < 0.5 else 20)) for _ in range(many)])
    ]
    rows += numbers.choices(rows, k=3_000)
    numbers.shuffle(rows)
    template = '{"userId": %d, "itemId": 1, "categoryId": 1, "behavior": "pv", "ts": %d, "city": "%s"}\n'
    text = "".join(template % (user, ts, city) for city, user, ts in rows)
    (tmp_path / "rows.jsonl").write_text(text + "\n".join([*ODD, "", "\0 ", *MALFORMED]))
    (tmp_path / "nothing.jsonl").touch()
    expected = {city: len({user for other, user, _ in rows if other == city}) for city in visitors} | {"odd": len(ODD)}
    dead = tmp_path / "dead"
    options = {"path": f"{tmp_path}/*.jsonl", "key": "city", "sink": "files", "out": str(tmp_path / "out")}
    with Embedded(uv_job({**options, "dead-letter-dir": str(dead)})) as run:
        summary = run.wait(300)
    assert (summary.state, summary.malformed, summary.late) == ("FINISHED", len(MALFORMED), 0)
    aside = [row for path in dead.glob("[!.]*.csv") for row in csv.reader(path.open(newline=""))]
    assert sorted(raw for raw, _ in aside) == sorted(row[:16_384] for row in MALFORMED), (
        "kept as they came, each with its reason"
    )
    with recount(event_files([options["path"]]), key="city") as counted:
        assert counted.rows.malformed == len(MALFORMED), "the proof goes by the job's rule"
        assert counted.visitors("2017-11-26", "odd") == len(ODD)
    found: dict[str, int] = {}
    for path in (tmp_path / "out").glob("[!.]*.csv"):
        with path.open(newline="") as stream:
            for _, city, count in csv.reader(stream):
                found[city] = max(found.get(city, 0), int(count))
    assert found == expected


@pytest.mark.flink
@pytest.mark.heavy
def test_files_that_come_later_are_counted_and_one_that_is_cut_off_ends_the_job(
    redis: RedisServer, tmp_path: Path
) -> None:
    folder = tmp_path / "incoming"
    folder.mkdir()

    def rows(users: int, first_s: int) -> str:
        """Visitors of item 5, then one of another a minute later, so that their step is over."""
        views = [f"{user},5,1,pv,{first_s + user}\n" for user in range(users)]
        return "".join([*views, f"1,6,1,pv,{first_s + users + 60}\n"])

    (folder / "first.csv").write_text(rows(100, 1_511_701_200))
    watched = {"path": str(folder), "watch": "1 s", "idleness": "1 s", "watermark-delay": "0 s"}
    job = uv_job({**watched, "redis": redis.url, "prefix": "later:", "step": "1 s"})

    def wait_for(visitors: str) -> None:
        deadline = time.monotonic() + 300
        while in_redis(redis, "later:").get(("2017-11-26", "5")) != visitors:
            assert run.state() == "RUNNING"
            assert time.monotonic() < deadline
            time.sleep(0.25)

    with Embedded(job) as run:
        wait_for("100")
        (tmp_path / "second.csv").write_text(rows(150, 1_511_702_000))
        (tmp_path / "second.csv").rename(folder / "second.csv")
        wait_for("150")
        (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(random.Random(1).randbytes(200_000))[:100_000])
        (tmp_path / "cut.csv.gz").rename(folder / "cut.csv.gz")
        with pytest.raises(LabError, match="compressed input file is cut off"):
            run.wait(300)


@pytest.mark.flink
@pytest.mark.heavy
def test_redis_as_a_cluster_and_with_tls_and_a_password(tmp_path: Path) -> None:
    options = {**GENERATED, "prefix": "safe:"}
    expected = by_pair(recount_generated(uv_job({**options, "sink": "print"})))
    with redis_cluster() as nodes:
        job = uv_job({**options, "redis": nodes[0].url, "redis-cluster": "true"})
        with Embedded(job) as run:
            assert run.wait(300).state == "FINISHED"
        with VisitorStore(RedisAddress(nodes[0].url, "safe:", cluster=True)) as store:
            assert {
                (day, k): v for day in store.days() for step in store.steps(day) for k, v in step.items()
            } == expected
    port, authority, words = tls_words(tmp_path)
    with redis_server(*words, "--requirepass", "s3cret"):
        (tmp_path / "password").write_text("s3cret\n")
        url = f"rediss://localhost:{port}/0"
        files = {"redis-ca-file": str(authority), "redis-password-file": str(tmp_path / "password")}
        with Embedded(uv_job({**options, "redis": url, **files})) as run:
            assert run.wait(300).state == "FINISHED"
        with VisitorStore(
            RedisAddress(f"rediss://:s3cret@localhost:{port}/0", "safe:", False, str(authority))
        ) as store:
            assert {
                (day, k): v for day in store.days() for step in store.steps(day) for k, v in step.items()
            } == expected
        with pytest.raises(SourceError) as caught:
            VisitorStore(RedisAddress(f"rediss://:s3cret@localhost:{port}/0"))
        assert "--redis-ca-file" in caught.value.hint
        (tmp_path / "guessed").write_text("guess\n")
        guessed = {**files, "redis-password-file": str(tmp_path / "guessed")}
        unknown = {"redis-password-file": files["redis-password-file"]}
        for given, said in ((guessed, "refuses user or password"), (unknown, "certificate that is not believed")):
            with Embedded(uv_job({**options, "redis": url, **given})) as run, pytest.raises(LabError, match=said):
                run.wait(300)


def tls_words(folder: Path) -> tuple[int, Path, tuple[str, ...]]:
    """A port, a certificate for localhost that is its own authority, and redis-server's words for them."""
    key, certificate, port = folder / "key.pem", folder / "certificate.pem", free_port()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", key, "-out", certificate, "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    words = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
             "--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no")  # fmt: skip
    return port, certificate, words


@pytest.mark.flink
@pytest.mark.heavy
def test_on_a_session_cluster_and_printed(tmp_path: Path) -> None:
    options = {**GENERATED, "sink": "files,print", "out": str(tmp_path / "out")}
    with Cluster({"taskmanager.numberOfTaskSlots": "2", "web.submit.enable": "false"}) as cluster:
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        done = CliRunner().invoke(
            cli, ["uv", "run", *words, "--cluster", cluster.rest_url, "--parallelism", "2", "--json"],
            standalone_mode=False,
        )  # fmt: skip
        assert done.exception is None, done.exception
        submitted = json.loads(done.stdout)
        assert submitted["warning"] is None
        deadline = time.monotonic() + 300
        while (state := cluster.rest.get(f"/jobs/{submitted['job']}")["state"]) != "FINISHED":
            assert state not in ("FAILED", "CANCELED")
            assert time.monotonic() < deadline
            time.sleep(0.5)
        printed = cluster.workers[0].out.read_text()
    expected = by_pair(recount_generated(uv_job(options)))
    assert by_pair(read_counts(tmp_path / "out")) == expected
    (day, item), visitors = max(expected.items(), key=lambda pair: int(pair[1]))
    assert f"{day} {item}: {visitors} visitors" in printed


@pytest.mark.flink
def test_from_kafka_to_kafka_with_dead_letters_and_a_missing_topic(tmp_path: Path) -> None:
    rows = [f"{user},{user % 7},{user % 3},pv,{1_511_701_200 + user}" for user in range(2_000)]
    rows += [*rows[:500], "1,1,1,buy,1511701200", "nobody,1,1,pv,1511701200", "1,1,1,pv,1511701200000000"]
    with kafka_server() as kafka:
        kafka.create("rows", 2)
        kafka.create("counts", 1)
        kafka.create("dead", 1)
        kafka.send("rows", rows)
        options = {
            "bootstrap-servers": kafka.address, "topic": "rows", "until-now": "true", "format": "csv",
            "sink": "kafka", "out-topic": "counts", "dead-letter-topic": "dead", "watermark-delay": "1 h",
        }  # fmt: skip
        with Embedded(uv_job(options)) as run:
            summary = run.wait(180)
        assert (summary.state, summary.rows, summary.malformed, summary.late) == ("FINISHED", 2_503, 2, 0)
        last = dict(line.split("\t") for line in kafka.receive("counts", keys=True))
        assert last == {f"2017-11-26,{item}": str(len(range(item, 2_000, 7))) for item in range(7)}
        dead = kafka.receive("dead")
        assert len(dead) == 2
        assert any("year 49" in line or "in the year" in line for line in dead)
        with (
            Embedded(uv_job({**options, "topic": "nowhere"})) as run,
            pytest.raises(LabError, match="topic does not exist"),
        ):
            run.wait(180)


def test_a_redis_that_cannot_take_counts_is_known_before_the_start(redis: RedisServer) -> None:
    assert check_ready(uv_job({"redis": redis.url})) == []
    with redis_server("--maxmemory-policy", "noeviction") as full:
        with full.client() as client:
            client.config_set("maxmemory", "100kb")  # less than an empty server takes
        with pytest.raises(SourceError, match="is full"):
            check_ready(uv_job({"redis": full.url}))
    with redis_server("--replicaof", "127.0.0.1", str(redis.port)) as replica:
        with pytest.raises(SourceError, match="read-only replica") as refused:
            check_ready(uv_job({"redis": replica.url}))
        assert str(redis.port) in refused.value.hint
    gone = f"redis://127.0.0.1:{replica.port}"
    with pytest.raises(SourceError):
        check_ready(uv_job({"redis": gone}))
    with redis_server("--appendonly", "no") as forgetful:
        assert "append-only" in check_ready(uv_job({"redis": forgetful.url}))[0]


def test_a_kafka_that_is_not_there_is_known_before_the_start() -> None:
    job = uv_job({"bootstrap-servers": "127.0.0.1:9", "topic": "t", "sink": "print"})
    with pytest.raises(SourceError, match=r"Kafka at 127\.0\.0\.1:9"):
        check_ready(job)
