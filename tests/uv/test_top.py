"""Reading the counts back: leaders, curves, one key; from a real Redis with more keys than one step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flinkscope.cli.main import cli
from flinkscope.errors import FormatError, SourceError, UnreadableInputError, UsageError
from flinkscope.uv.events import EventPlan, write_events
from flinkscope.uv.live import MOST_KEYS, MOST_SAMPLES, Follower, History, Sample, read_history, sparkline
from flinkscope.uv.recount import curve, recount
from flinkscope.uv.sources import event_files
from flinkscope.uv.store import KeyCount, RedisAddress, VisitorStore
from uv_support.redis_server import RedisServer, redis_server

DAY = "2017-11-26"
KEYS = 20_000  # twenty steps


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        with server.client() as client:
            client.hset(f"uv:{DAY}", mapping={f"item{n:05}": (n * 7_919) % 100_003 for n in range(KEYS)})
            client.hset("uv:2017-11-25", mapping={"a": "1", "b": "none"})
            meta = {"zone": "Asia/Shanghai", "key": "itemId", "design": "bucket", "batch:x:0": "7"}
            client.hset("uv:meta", mapping=meta)
        yield server


@pytest.fixture
def store(redis: RedisServer) -> Iterator[VisitorStore]:
    with VisitorStore(RedisAddress(redis.url)) as opened:
        yield opened


def run(redis: RedisServer, *words: object) -> Result:
    return CliRunner().invoke(cli, ["uv", *map(str, words), "--redis", redis.url], standalone_mode=False)


def test_the_leaders_are_those_of_all_keys(store: VisitorStore) -> None:
    everything = {f"item{n:05}": (n * 7_919) % 100_003 for n in range(KEYS)}
    expected = sorted(everything.items(), key=lambda item: (-item[1], item[0]))
    assert store.top(DAY, 50) == [KeyCount(key, visitors) for key, visitors in expected[:50]]
    assert len(store.top(DAY, KEYS + 5)) == store.size(DAY) == KEYS
    assert store.days() == ["2017-11-25", DAY]
    assert store.meta() == {"zone": "Asia/Shanghai", "key": "itemId", "design": "bucket"}
    assert store.visitors(DAY, "item00001") == 7_919
    assert store.visitors(DAY, "none") is None
    with pytest.raises(UnreadableInputError, match="not a count"):
        store.visitors("2017-11-25", "b")
    assert store.top("2017-11-25") == [KeyCount("a", 1)]


def test_a_follower_tells_who_gains_and_keeps_the_curve(redis: RedisServer, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with redis.client() as client, VisitorStore(RedisAddress(redis.url, "live:")) as store:
        client.hset(f"live:{DAY}", mapping={"a": 5, "b": 3, "c": 1})
        follower = Follower(store, DAY, 2, History(DAY, path))
        first = follower.look(1_000)
        assert [(s.rank, s.key, s.visitors, s.gained) for s in first] == [(1, "a", 5, None), (2, "b", 3, None)]
        client.hset(f"live:{DAY}", mapping={"b": 9, "c": 7})
        second = follower.look(2_000)
        assert [(s.key, s.gained) for s in second] == [("b", 6), ("c", None)]
        assert second[0].curve == (Sample(1_000, 3), Sample(2_000, 9))
        again = Follower(store, DAY, 2, History(DAY, path)).look(3_000)
        assert again[0].curve == second[0].curve, "what did not change is not written again"
    assert list(read_history(path, "2017-11-25")) == []


def test_a_history_is_bounded_and_survives_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(DAY, path)
    for number in range(3 * MOST_SAMPLES):
        history.take({"a": number}, number)
    curve_of_a = history.curve("a")
    assert len(curve_of_a) <= MOST_SAMPLES
    assert (curve_of_a[0], curve_of_a[-1].visitors) == (Sample(0, 0), 3 * MOST_SAMPLES - 1)
    history.take({f"key{n}": 1 for n in range(2 * MOST_KEYS)}, 9_999)
    assert history.curve("a") == ()
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert len(list(read_history(path, DAY))) == whole.count(b"\n") - 1
    path.write_bytes(b"{}\n" + whole)
    with pytest.raises(FormatError, match="at byte 0"):
        list(read_history(path, DAY))


def test_the_sparkline_rises_where_the_count_does() -> None:
    samples = [Sample(100, 0), Sample(150, 7), Sample(200, 14)]
    assert sparkline(samples, 10, 0, 200) == "    ▁▁▁▄▄█"
    assert sparkline([], 5) == "     "
    assert sparkline([Sample(5, 3)], 3) == "███"


def test_top_and_show_on_the_command_line(redis: RedisServer, tmp_path: Path) -> None:
    shown = run(redis, "top", "latest", "--most", "3")
    assert shown.stdout.splitlines()[0] == f"{DAY}: {KEYS:,} keys, key itemId, zone Asia/Shanghai, design bucket"
    assert len(shown.stdout.splitlines()) == 5
    followed = run(redis, "top", DAY, "--follow", "--every", "10ms", "--rounds", "2", "--json", "--history",
                   tmp_path / "h")  # fmt: skip
    looks = [json.loads(line) for line in followed.stdout.splitlines()]
    assert len(looks) == 2
    assert [look["top"][0]["gained"] for look in looks] == [None, 0]
    one = json.loads(run(redis, "show", DAY, "item00001", "--json").stdout)
    assert (one["visitors"], one["curve"]) == (7_919, None)
    key = looks[0]["top"][0]["key"]
    assert "in 1 steps" in run(redis, "show", DAY, key, "--history", tmp_path / "h").stdout
    assert "no visitors in Redis" in run(redis, "show", DAY, "nobody").stdout
    assert isinstance(run(redis, "top", "2017-11-27").exception, SourceError)
    assert isinstance(run(redis, "top", "26.11.2017").exception, UsageError)
    assert isinstance(run(redis, "top", "latest", "--prefix", "none:").exception, SourceError)


def test_the_curve_from_the_events_ends_at_the_days_count(redis: RedisServer, tmp_path: Path) -> None:
    write_events(EventPlan(events=20_000, items=50, users=900), tmp_path / "events")
    files = event_files([str(tmp_path / "events")])
    with recount(files) as counted:
        visitors = counted.visitors(DAY, "1")
    steps = curve(files, day=DAY, value="1")
    counts = [count for _, count in steps]
    assert counts == sorted(set(counts))
    assert counts[-1] == visitors
    assert all(at_ms % 180_000 == 0 for at_ms, _ in steps)
    shown = run(redis, "show", DAY, "1", "--events", tmp_path / "events").stdout
    assert "00:00 ▁" in shown
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_a_redis_that_goes_away_is_told_at_once(tmp_path: Path) -> None:
    with redis_server() as server, server.client() as client:
        client.hset(f"uv:{DAY}", "a", 1)
        with VisitorStore(RedisAddress(server.url)) as store:
            server.kill()
            with pytest.raises(SourceError, match=f"127.0.0.1:{server.port}"):
                store.top(DAY)
