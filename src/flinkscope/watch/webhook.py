"""Alerts posted as JSON, from a thread of their own: a slow or dead receiver never delays the watch."""

from __future__ import annotations

import json
import queue
import threading
from typing import Any
from urllib.parse import urlsplit

import urllib3

from flinkscope.errors import UsageError
from flinkscope.watch.alerts import Alert

MOST_WAITING = 100
_TIMEOUT_S = 10.0


def alert_document(alert: Alert) -> dict[str, Any]:
    """The alert as it is posted, and as ``--json`` prints it."""
    return {
        "alert": alert.rule.text,
        "quantity": alert.rule.quantity,
        "value": None if alert.value != alert.value else alert.value,
        "threshold": alert.rule.threshold,
        "target": alert.target,
        "state": "firing" if alert.firing else "cleared",
        "time_unix_ms": alert.time_ns // 1_000_000,
    }


class Webhook:
    """Posts to one URL. ``failures`` counts what could not be delivered (also when more than 100 were waiting)."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"{url}: not a web address", hint="--webhook https://example.org/hook")
        self._url = url
        self._waiting: queue.Queue[Alert | None] = queue.Queue(MOST_WAITING)
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT_S, retries=urllib3.Retry(2, backoff_factor=0.5))
        self.failures = 0
        self.last_failure = ""
        self._thread = threading.Thread(target=self._deliver, name="webhook", daemon=True)
        self._thread.start()

    def post(self, alert: Alert) -> None:
        """Puts it in the queue; never waits."""
        try:
            self._waiting.put_nowait(alert)
        except queue.Full:
            self.failures += 1
            self.last_failure = f"more than {MOST_WAITING} alerts are waiting"

    def close(self, wait_s: float = 5.0) -> None:
        """Lets what waits be delivered, for so long."""
        try:
            self._waiting.put(None, timeout=wait_s)
        except queue.Full:
            return
        self._thread.join(wait_s)

    def _deliver(self) -> None:
        while (alert := self._waiting.get()) is not None:
            body = json.dumps(alert_document(alert)).encode()
            try:
                answer = self._pool.request("POST", self._url, body=body, headers={"Content-Type": "application/json"})
                if answer.status >= 400:
                    raise urllib3.exceptions.HTTPError(f"HTTP {answer.status}")
            except urllib3.exceptions.HTTPError as error:
                self.failures += 1
                self.last_failure = str(error)[:200]
