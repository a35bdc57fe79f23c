"""Alert rules, their states, and the webhook against a real HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flinkscope.errors import UsageError
from flinkscope.watch.alerts import DEFAULT_RULES, Alert, AlertBook, parse_rule
from flinkscope.watch.webhook import Webhook, alert_document


def test_rules_as_people_write_them() -> None:
    assert parse_rule("live_set_share > 90%").threshold == 9000
    assert parse_rule("watermark_lag_ms>10min").threshold == 600_000
    assert parse_rule("checkpoint_bytes >= 2g").threshold == 2 << 30
    assert parse_rule("checkpoint_bytes >= 2 MiB").threshold == 2 << 20
    assert parse_rule("metaspace_time_left_s < 1h").threshold == 3600
    assert parse_rule("threads > 500").threshold == 500
    assert all(parse_rule(text) for text in DEFAULT_RULES)
    for wrong in ("", "live_set_share", "live_set_share = 3", "nothing > 3", "threads > 3%", "live_set_share > 1.2.3",
                  "checkpoint_bytes > 3s", "watermark_lag_ms > 3g"):  # fmt: skip
        with pytest.raises(UsageError):
            parse_rule(wrong)


def test_an_alert_fires_once_and_clears_once() -> None:
    book = AlertBook([parse_rule("threads > 10"), parse_rule("live_set_share > 90%")])
    assert book.judge("tm", {"threads": 10}, 1) == []
    (fired,) = book.judge("tm", {"threads": 11}, 2)
    assert (fired.firing, fired.target, fired.value) == (True, "tm", 11)
    assert book.judge("tm", {"threads": 12}, 3) == []
    assert book.judge("other", {"threads": 3}, 3) == []
    (cleared,) = book.judge("tm", {}, 4)
    assert not cleared.firing
    assert alert_document(cleared)["value"] is None
    assert book.firing == {}
    assert book.ever_fired


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, list[dict[str, object]]]]:
    heard: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", heard
    finally:
        server.shutdown()
        server.server_close()


ALERT = Alert(parse_rule("threads > 10"), "tm-1", 11.0, True, 1_700_000_000_000_000_000)


def test_alerts_are_posted() -> None:
    with receiver() as (url, heard):
        hook = Webhook(url)
        hook.post(ALERT)
        hook.close()
    assert heard == [{
        "alert": "threads > 10", "quantity": "threads", "value": 11.0, "threshold": 10.0, "target": "tm-1",
        "state": "firing", "time_unix_ms": 1_700_000_000_000,
    }]  # fmt: skip
    assert hook.failures == 0


def test_a_receiver_that_fails_is_counted_not_waited_for() -> None:
    with receiver(500) as (url, _heard):
        hook = Webhook(url)
        hook.post(ALERT)
        hook.close()
    assert (hook.failures, hook.last_failure) == (1, "HTTP 500")
    dead = Webhook("http://127.0.0.1:9/")
    for _ in range(150):
        dead.post(ALERT)
    assert dead.failures >= 40  # those for which no place was left
    with pytest.raises(UsageError):
        Webhook("file:///etc/passwd")


@pytest.mark.parametrize(
    ("rule", "value", "text"),
    [
        ("gc_share > 50%", 5_786, "57.9 %"),
        ("live_set_share > 90%", 9_512, "95.1 %"),
        ("checkpoint_bytes > 2g", 3 << 30, "3.00 GiB"),
        ("watermark_lag_ms > 10min", 900_000, "15.0 min"),
        ("live_set_time_left_s < 1h", 1_800, "30.0 min"),
        ("threads > 10", 1_234, "1,234"),
        ("threads > 10", float("nan"), "unknown"),
    ],
)
def test_an_alert_tells_its_value_as_people_read_it(rule: str, value: float, text: str) -> None:
    assert Alert(parse_rule(rule), "tm-1", value, True, 0).value_text == text
