"""The real servers that the tests of the daily-UV job stand on."""

from __future__ import annotations

import pytest

from uv_support.kafka_server import kafka_server
from uv_support.redis_server import redis_server


def test_a_killed_redis_comes_back_with_what_it_had_acknowledged() -> None:
    with redis_server() as server:
        with server.client() as client:
            client.hset("uv:2017-11-26", mapping={str(item): item for item in range(1, 2_000)})
        server.kill()
        server.start()
        with server.client() as client:
            assert client.hlen("uv:2017-11-26") == 1_999
            assert client.hget("uv:2017-11-26", "1999") == "1999"


@pytest.mark.jvm
def test_kafka_gives_back_what_was_sent() -> None:
    rows = [f"{user},1,1,pv,1511701200" for user in range(1_000)]
    with kafka_server() as server:
        server.create("events", 3)
        server.send("events", [*rows, b"\xff\xfe"])
        received = server.receive("events")
    assert sorted(received) == sorted([*rows, "\ufffd\ufffd"])
