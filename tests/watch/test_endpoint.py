"""The metrics endpoint: who may read it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from flinkscope.errors import SourceError
from flinkscope.watch.endpoint import MetricsServer


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    opened = MetricsServer(lambda: b"flinkscope_up 1\n", 0, token="s3cret")
    yield opened
    opened.close()


def status(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            assert answer.read() == b"flinkscope_up 1\n"
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_only_with_the_token_and_this_machines_name(server: MetricsServer) -> None:
    bearer = {"Authorization": "Bearer s3cret"}
    assert status(server.url, **bearer) == 200
    assert status(server.url) == 401
    assert status(server.url, Authorization="Bearer other") == 401
    assert status(server.url, Host="evil.example", **bearer) == 403
    assert status(server.url.replace("/metrics", "/../etc/passwd"), **bearer) == 404
    assert status(server.url.replace("/metrics", "/"), **bearer) == 404


def test_an_open_address_needs_a_token() -> None:
    with pytest.raises(SourceError, match="token"):
        MetricsServer(bytes, 0, "0.0.0.0")


def test_a_port_that_is_taken(server: MetricsServer) -> None:
    with pytest.raises(SourceError, match=str(server.port)):
        MetricsServer(bytes, server.port)
