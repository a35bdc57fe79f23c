"""The explorer's web server: loopback only, a token in every address, one page a request, nothing from outside.

Who could ask: other users of this machine (kept out by the token), other sites in the user's browser (kept out by the
token, by the check of the Host header against DNS rebinding, and by answering GET only), and text inside the dump (kept
from acting by autoescaping and a content security policy that allows no script at all).
"""

from __future__ import annotations

import hmac
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from flinkscope.errors import FlinkscopeError, SourceError, UsageError
from flinkscope.heap.explorer.pages import Pages

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

LOOPBACK = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class Explorer:
    """A running explorer. ``url`` opens it; ``serve`` blocks until ``close`` or Ctrl-C.

    ``port``: 0 takes any free one. Raises SourceError if the port is taken.
    """

    def __init__(self, heap: Heap, *, port: int = 0, show_strings: bool = False) -> None:
        self.token = secrets.token_urlsafe(24)
        self.pages = Pages(heap, show_strings, f"/{self.token}")
        self.lock = threading.Lock()
        try:
            self._server = _Server((LOOPBACK, port), self)
        except OSError as error:
            why = f"port {port} cannot be used: {error.strerror}"
            raise SourceError(why, hint="--port 0 takes a free one") from error

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address of the first page, with the token."""
        return f"http://{LOOPBACK}:{self.port}/{self.token}/"

    def serve(self) -> None:
        """Answers requests until ``close`` is called."""
        self._server.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Stops ``serve`` and frees the port."""
        self._server.shutdown()
        self._server.server_close()

    def allows(self, host: str | None, path: str) -> HTTPStatus:
        """Whether a request may be answered: its Host is this server (no DNS rebinding), its token ours."""
        if host not in (f"{LOOPBACK}:{self.port}", f"localhost:{self.port}"):
            return HTTPStatus.FORBIDDEN
        given = path.split("/")[1] if path.startswith("/") else ""
        known = hmac.compare_digest(given.encode(), self.token.encode())
        return HTTPStatus.OK if known else HTTPStatus.NOT_FOUND


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, address: tuple[str, int], explorer: Explorer) -> None:
        self.explorer = explorer
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "flinkscope"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        """One page."""
        explorer = self.server.explorer
        path, _, query = self.path.partition("?")
        allowed = explorer.allows(self.headers.get("Host"), path)
        if allowed is not HTTPStatus.OK:
            self._send(allowed, f"{allowed.phrase}\n", "text/plain; charset=utf-8", "")
            return
        nonce = secrets.token_urlsafe(16)
        name = path.removeprefix(f"/{explorer.token}").removeprefix("/")
        status, page = self._page(explorer, name, query, nonce)
        self._send(status, page, "text/html; charset=utf-8", nonce)

    do_HEAD = do_GET

    def _page(self, explorer: Explorer, name: str, query: str, nonce: str) -> tuple[HTTPStatus, str]:
        with explorer.lock:  # one computation at a time: the heap's columns are made on first use
            try:
                page = explorer.pages.page(name, _words(query), nonce)
            except FlinkscopeError as error:
                return HTTPStatus.BAD_REQUEST, explorer.pages.error(error.message, error.hint, nonce)
        if page is None:
            return HTTPStatus.NOT_FOUND, explorer.pages.error(f"there is no page {name!r}", "", nonce)
        return HTTPStatus.OK, page

    def _send(self, status: HTTPStatus, text: str, kind: str, nonce: str) -> None:
        body = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", _POLICY.format(nonce=nonce))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: addresses contain the token."""


def _words(query: str) -> dict[str, str]:
    """The words of a query string, the last of each name. Raises UsageError for too many."""
    try:
        return {key: values[-1] for key, values in parse_qs(query, max_num_fields=20).items()}
    except ValueError as error:
        raise UsageError(f"the address makes no sense: {error}") from error
