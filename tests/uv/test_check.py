"""The recount against a brute-force twin, in all formats, with all dirt; and its comparison with a real Redis."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from flinkscope.cli.main import cli
from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.uv.events import EventPlan, write_events
from flinkscope.uv.recount import recount
from flinkscope.uv.sources import event_files, key_column
from flinkscope.uv.zone import day_end_ms, day_start_ms, offset_changes, time_zone
from uv_support.redis_server import RedisServer, redis_cluster, redis_server

PLAN = EventPlan(
    events=20_000, items=300, users=200, disorder_ms=60_000, duplicates_bp=800, late_bp=100, malformed_bp=150
)
Key = tuple[str, str]


def slow_counts(lines: list[bytes], zone: str, key: int, late: list[bytes] = []) -> dict[Key, int]:  # noqa: B006
    """The twin: one row at a time, as plainly as can be, only for rows as ``write_events`` makes them."""
    left = Counter(row for row in (slow_row(line, zone, key) for line in late) if row)
    users: dict[Key, set[int]] = defaultdict(set)
    for line in lines:
        row = slow_row(line, zone, key)
        if row and left[row]:
            left[row] -= 1
        elif row:
            users[row[:2]].add(row[2])
    return {pair: len(found) for pair, found in users.items()}


def slow_row(line: bytes, zone: str, key: int) -> tuple[str, str, int] | None:
    try:
        fields = line.decode().split(",")
        user, item, category, ts = (int(fields[n]) for n in (0, 1, 2, 4))
    except (ValueError, IndexError):
        return None
    if min(user, item, category) < 0 or max(user, item) >= 1 << 63 or fields[3] != "pv" or ts > 4_000_000_000:
        return None
    day = datetime.fromtimestamp(ts, UTC).astimezone(ZoneInfo(zone)).date().isoformat()
    return day, "*" if key < 0 else fields[key], user


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csv")
    write_events(PLAN, folder, rows_per_file=7_000)
    return folder


def lines_of(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.iterdir()) for line in path.read_bytes().splitlines()]


def counts_of(*words: object, zone: str = "Asia/Shanghai", key: str = "itemId", **more: object) -> dict[Key, int]:
    with recount(event_files([str(word) for word in words]), zone=zone, key=key, **more) as counted:
        rows = counted.connection.execute("SELECT day, key, visitors FROM expected").fetchall()
    return {(day, value): visitors for day, value, visitors in rows}


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/St_Johns", "Pacific/Apia"])
def test_the_recount_is_what_one_row_at_a_time_counts(csv: Path, zone: str) -> None:
    expected = slow_counts(lines_of(csv), zone, 1)
    assert len(expected) > 500
    assert counts_of(csv, zone=zone) == expected


@pytest.mark.parametrize(("key", "column"), [("categoryId", 2), ("shop", -1), ("user", 0), ("behavior", 3)])
def test_other_keys(csv: Path, key: str, column: int) -> None:
    assert counts_of(csv, key=key) == slow_counts(lines_of(csv), "Asia/Shanghai", column)


def test_all_formats_say_the_same(csv: Path, tmp_path: Path) -> None:
    sound = EventPlan(**{**{name: getattr(PLAN, name) for name in PLAN.__slots__}, "malformed_bp": 0})
    results = []
    for kind, compressed in (("csv", False), ("csv", True), ("jsonl", False), ("jsonl", True), ("parquet", False)):
        folder = tmp_path / f"{kind}{compressed}"
        write_events(sound, folder, kind=kind, compressed=compressed, rows_per_file=9_000)
        results.append(counts_of(folder))
    assert len(results[0]) > 500
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_malformed_rows_are_counted_and_nothing_else(kind: str, tmp_path: Path) -> None:
    written = write_events(PLAN, tmp_path, kind=kind)
    with recount(event_files([str(tmp_path)])) as counted:
        assert counted.rows.malformed == written.malformed > 200
        assert counted.rows.rows == PLAN.events


def test_the_same_seed_writes_the_same_bytes(csv: Path, tmp_path: Path) -> None:
    write_events(PLAN, tmp_path / "again", rows_per_file=3_000)
    assert lines_of(tmp_path / "again") == lines_of(csv)
    other = EventPlan(events=1_000, seed=2, items=300, users=200)
    write_events(other, tmp_path / "other")
    assert lines_of(tmp_path / "other") != lines_of(csv)[:1_000]
    with pytest.raises(UsageError, match="already"):
        write_events(other, tmp_path / "other")
    write_events(other, tmp_path / "other", replace=True)


def test_late_rows_are_taken_off_each_once(csv: Path, tmp_path: Path) -> None:
    rows = [line for line in lines_of(csv) if b",pv,1" in line]
    late = rows[::7] + rows[:3]  # some twice: copies of one row may be late both times
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "part-0.csv").write_bytes(b"\n".join(late) + b"\n")
    expected = slow_counts(lines_of(csv), "Asia/Shanghai", 1, late)
    found = counts_of(csv, late=event_files([str(tmp_path / "late")]))
    assert found == expected
    assert found != counts_of(csv)


def test_what_rows_may_look_like(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows = [
        b"userId,itemId,categoryId,behavior,ts", b"1,2,3,pv,1511701200", b'"2" , "2",3,"pv",1511701200123,more\xff',
        b"", b"   ", b"3,2,3,pv,1511701200\r", b"4,2,3,buy,1511701200", b"1,2,3,pv,1511701200000000",
        b"9223372036854775807,2,3,pv,1511701200", b"9223372036854775808,2,3,pv,1511701200", b"-5,2,3,pv,1511701200",
        b"6,2,3,,1511701200", b"7,2,3,pv,0", b'8,2,3,"pv,1511701200', b"\xff\xfe,2,3,pv,1511701200", b"9,2",
        b"x" * 3_000_000, b"10,2,3,pv,1511701200", b"11,2,3,pv,1511701200," + b"x" * 1_100_000,
    ]  # fmt: skip
    path.write_bytes(b"\n".join(rows))
    with recount(event_files([str(path)])) as counted:
        assert counted.visitors("2017-11-26", "2") == 5
        assert (counted.rows.views, counted.rows.malformed) == (5, 9)
        assert counted.visitors("2017-11-26", "3") is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"PAR1 this is none", "a.parquet"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00 cut", "a.csv.gz"),
        ("a.parquet", b"", "a.parquet"),
    ],
)
def test_files_that_cannot_be_read(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableInputError, match=message), recount(event_files([str(tmp_path)])):
        pass


def test_a_gzip_file_that_is_cut(tmp_path: Path) -> None:
    whole = gzip.compress(b"1,2,3,pv,1511701200\n" * 50_000)
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableInputError), recount(event_files([str(tmp_path)])):
        pass


def test_files_with_nothing_in_them(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    with recount(event_files([str(tmp_path)])) as counted:
        assert (counted.rows.rows, counted.pairs(), counted.days()) == (0, 0, [])


def test_words_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such"):
        event_files([str(tmp_path / "*.csv")])
    (tmp_path / "a.log").touch()
    with pytest.raises(UsageError, match="CSV, JSON lines or Parquet"):
        event_files([str(tmp_path / "a.log")])
    with pytest.raises(UsageError, match="time zone") as caught:
        time_zone("Asia/Shangai")
    assert "Asia/Shanghai" in caught.value.hint
    with pytest.raises(UsageError, match="not a column"):
        key_column("item; DROP")


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/St_Johns", "Africa/Casablanca", "Asia/Shanghai"])
def test_the_offsets_are_those_of_the_zone(name: str) -> None:
    zone = ZoneInfo(name)
    changes = offset_changes(zone)
    for at_ms, offset_ms in changes[1:]:
        for moment_ms, expected in ((at_ms, offset_ms), (at_ms - 1000, None)):
            local = datetime.fromtimestamp(moment_ms // 1000, UTC).astimezone(zone).utcoffset()
            assert local is not None
            assert (local.total_seconds() * 1000 == offset_ms) is (expected is not None)
    hours = {(day_end_ms(zone, day) - day_start_ms(zone, day)) // 3_600_000 for day in ("2017-03-26", "2017-10-29")}
    assert hours == ({23, 25} if name in ("Europe/Berlin", "Africa/Casablanca") else {24})


def check(redis: RedisServer, *words: object, **options: object) -> Result:
    return CliRunner().invoke(
        cli, ["uv", "check", *map(str, words), "--redis", redis.url], standalone_mode=False, **options
    )


def fill(redis: RedisServer, counts: dict[Key, int]) -> None:
    with redis.client() as client:
        client.flushall()
        days: dict[str, dict[str, int]] = defaultdict(dict)
        for (day, key), visitors in counts.items():
            days[day][key] = visitors
        for day, fields in days.items():
            client.hset(f"uv:{day}", mapping=fields)
        client.hset("uv:meta", mapping={"zone": "Asia/Shanghai", "key": "itemId", "design": "bucket"})


def test_redis_equals_the_recount(redis: RedisServer, csv: Path) -> None:
    fill(redis, slow_counts(lines_of(csv), "Asia/Shanghai", 1))
    done = check(redis, csv, "--json")
    document = json.loads(done.stdout)
    assert (done.return_value, document["differences"], document["exact"]) == (0, 0, True)
    assert document["equal"] == document["pairs"] > 500


def test_every_kind_of_difference_is_found(redis: RedisServer, csv: Path) -> None:
    counts = slow_counts(lines_of(csv), "Asia/Shanghai", 1)
    fill(redis, counts)
    (missing, wrong, bad), day = list(counts)[:3], "2017-11-26"
    with redis.client() as client:
        client.hdel(f"uv:{missing[0]}", missing[1])
        client.hset(f"uv:{wrong[0]}", wrong[1], counts[wrong] + 1)
        client.hset(f"uv:{bad[0]}", bad[1], "many")
        client.hset(f"uv:{day}", "no-item", 5)
        client.hset("uv:2031-01-01", "1", 5)
    document = json.loads(check(redis, csv, "--json").stdout)
    assert {kind: document[kind] for kind in ("missing", "extra", "wrong", "unreadable")} == {
        "missing": 1, "extra": 2, "wrong": 1, "unreadable": 1,
    }  # fmt: skip
    assert document["other_days"] == ["2031-01-01"]
    assert {(e["day"], e["key"]) for e in document["examples"]} == {
        missing, wrong, bad, (day, "no-item"), ("2031-01-01", "1"),
    }  # fmt: skip
    done = check(redis, csv, "--first", "2")
    assert done.return_value == 1
    assert "… 3 more" in done.stdout
    assert "2031-01-01; see --day" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    narrowed = json.loads(check(redis, csv, "--json", "--day", "2017-11-24").stdout)
    assert narrowed["days"] == ["2017-11-24"]
    assert narrowed["differences"] == sum(pair[0] == "2017-11-24" for pair in (missing, wrong, bad))


def test_a_tolerance_lets_approximate_counts_pass(redis: RedisServer, csv: Path) -> None:
    counts = slow_counts(lines_of(csv), "Asia/Shanghai", -1)
    fill(redis, {pair: visitors + (1 if visitors > 100 else 0) for pair, visitors in counts.items()})
    strict = json.loads(check(redis, csv, "--key", "shop", "--json").stdout)
    assert strict["wrong"] > 0
    assert 0 < strict["largest_error_bp"] <= 100
    done = check(redis, csv, "--key", "shop", "--tolerance", "1")
    assert done.return_value == 0
    assert "the job counted by key itemId" in done.stdout


def test_redis_that_is_not_as_it_should_be(redis: RedisServer, csv: Path) -> None:
    fill(redis, {})
    with redis.client() as client:
        client.set("uv:2017-11-26", "a string")
    assert isinstance(check(redis, csv).exception, UnreadableInputError)
    nobody = CliRunner().invoke(cli, ["uv", "check", str(csv), "--redis", "redis://me:geheim@127.0.0.1:9"])
    assert isinstance(nobody.exception, SourceError)
    assert "geheim" not in str(nobody.exception)
    assert isinstance(CliRunner().invoke(cli, ["uv", "check", str(csv), "--redis", "ftp://x"]).exception, UsageError)


def test_a_password_and_a_cluster(csv: Path, tmp_path: Path) -> None:
    with redis_server("--requirepass", "geheim-4711") as server:
        refused = check(server, csv)
        assert isinstance(refused.exception, SourceError)
        assert "password" in refused.exception.hint
        (tmp_path / "password").write_text("geheim-4711\n")
        words = ("--redis-password-file", tmp_path / "password", "--json")
        assert json.loads(check(server, csv, *words).stdout)["missing"] > 500
        named = check(server, csv, env={"FLINKSCOPE_REDIS_PASSWORD": "geheim-4711"})
        assert named.return_value == 1
    with redis_cluster() as servers:
        from redis import RedisCluster

        counts = slow_counts(lines_of(csv), "Asia/Shanghai", 1)
        with RedisCluster(host="127.0.0.1", port=servers[0].port) as client:
            for (day, key), visitors in counts.items():
                client.hset(f"uv:{day}", key, visitors)
        done = check(servers[1], csv, "--redis-cluster", "--json")
        assert json.loads(done.stdout)["differences"] == 0
