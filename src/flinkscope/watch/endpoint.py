"""The web server of the Prometheus endpoint: ``GET /metrics`` and nothing else.

On loopback, other sites in the user's browser are kept out by the check of the Host header (DNS rebinding). On any
other address everybody who reaches it could read the figures, so a bearer token is needed there.
"""

from __future__ import annotations

import hmac
import ipaddress
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from flinkscope.errors import SourceError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


class MetricsServer:
    """Serves what ``expose`` returns until ``close``; ``token`` is asked for as a bearer token, unless empty."""

    def __init__(self, expose: Callable[[], bytes], port: int, address: str = "127.0.0.1", token: str = "") -> None:
        if not token and not _is_loopback(address):
            raise SourceError(
                f"{address}: not served without a token: everybody who reaches it could read the figures",
                hint="give --metrics-token, or the environment's FLINKSCOPE_METRICS_TOKEN",
            )
        self._expose, self._token, self._loopback = expose, token, _is_loopback(address)
        try:
            self._server = _Server((address, port), self)
        except OSError as error:
            raise SourceError(f"{address}:{port}: {error.strerror}", hint="choose another port") from error
        self.port = int(self._server.server_address[1])
        self.url = f"http://{address}:{self.port}/metrics"
        threading.Thread(target=self._server.serve_forever, args=(0.2,), name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stops serving and frees the port."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, host: str | None, authorization: str | None) -> tuple[HTTPStatus, bytes]:
        """Status and body for a GET."""
        if self._loopback and (host or "").rsplit(":", 1)[0] not in _LOCAL:
            return HTTPStatus.FORBIDDEN, b"this server answers on this machine's own names only\n"
        if self._token and not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._token}".encode()):
            return HTTPStatus.UNAUTHORIZED, b"a bearer token is needed\n"
        if path.partition("?")[0] != "/metrics":
            return HTTPStatus.NOT_FOUND, b"only /metrics is here\n"
        return HTTPStatus.OK, self._expose()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, address: tuple[str, int], metrics: MetricsServer) -> None:
        self.metrics = metrics
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "flinkscope"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        """One answer."""
        headers = self.headers
        status, body = self.server.metrics.answer(self.path, headers.get("Host"), headers.get("Authorization"))
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal belongs to the watch."""


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
