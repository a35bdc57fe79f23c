"""The explorer: who may ask, what the headers forbid, hostile text, and a walk through it in a real Chromium."""

from __future__ import annotations

import html
import http.client
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flinkscope.errors import SourceError
from flinkscope.heap.explorer import Explorer
from report_support.browser import PATH as CHROMIUM
from report_support.browser import Browser
from strategies.hprof import LONG
from strategies.java_heap import REF, JavaHeap, hash_map, with_collections

NOTE = "hunter2 <script>"
HOSTILE = "<script>document.title='owned'</script>"


def built_heap() -> tuple[JavaHeap, dict[str, int]]:
    built = JavaHeap()
    with_collections(built)
    built.cls("java.lang.Thread", {"name": REF})
    built.cls("app.Cache", {"table": REF, "note": REF})
    note = built.string(NOTE)
    blobs = [built.numbers(LONG, *range(100)) for _ in range(150)]
    cache = built.new("app.Cache", table=hash_map(built, [(note, b) for b in blobs], 64), note=note)
    thread = built.new("java.lang.Thread", name=built.string(f"task {HOSTILE}"))
    built.thread(thread, 1, [("app.Cache", "fill")])
    built.local(cache, 1, 0)
    return built, {"cache": cache, "thread": thread, "note": note}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Explorer, dict[str, int]]]:
    built, at = built_heap()
    explorer = Explorer(built.open(tmp_path_factory.mktemp("dump")))
    thread = threading.Thread(target=explorer.serve)
    thread.start()
    yield explorer, at
    explorer.close()
    thread.join(10)
    assert not thread.is_alive()


def get(explorer: Explorer, path: str, *, method: str = "GET", host: str = "") -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", explorer.port, timeout=20)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{explorer.port}"})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body


def page(explorer: Explorer, path: str) -> str:
    status, _, body = get(explorer, f"/{explorer.token}/{path}")
    assert status == 200, body
    return body


def test_only_with_the_token_and_only_from_this_machine(running: tuple[Explorer, dict[str, int]]) -> None:
    explorer, _ = running
    home = urlsplit(explorer.url).path
    assert get(explorer, home)[0] == 200
    assert get(explorer, home, host=f"localhost:{explorer.port}")[0] == 200
    for path in ("/", "/dominators", f"/{explorer.token[:-1]}/", f"/x{explorer.token}/", "//", "/%00/"):
        status, _, body = get(explorer, path)
        assert status == 404
        assert "Heap dump" not in body
    for host in ("evil.example", f"evil.example:{explorer.port}", "127.0.0.1", f"127.0.0.1:{explorer.port + 1}"):
        assert get(explorer, home, host=host)[0] == 403
    assert get(explorer, home, method="HEAD")[2] == ""
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert get(explorer, home, method=method)[0] == 501
    assert len(explorer.token) >= 32


def test_headers_allow_nothing_from_outside(running: tuple[Explorer, dict[str, int]]) -> None:
    explorer, _ = running
    _, headers, body = get(explorer, f"/{explorer.token}/")
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert "script" not in policy
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce is not None
    assert f'<style nonce="{nonce.group(1)}">' in body
    assert get(explorer, f"/{explorer.token}/")[1]["content-security-policy"] != policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert not re.findall(r'(?:src|href|action)="(?!/)', body)


def test_text_of_the_dump_cannot_act(tmp_path: Path) -> None:
    built, at = built_heap()
    explorer = Explorer(built.open(tmp_path), show_strings=True)
    thread = threading.Thread(target=explorer.serve)
    thread.start()
    try:
        note = f"object?address={at['note']:#x}"
        for path in ("threads", note, "search?q=document.title", f"search?q={HOSTILE}", ""):
            body = page(explorer, path.replace(" ", "+"))
            assert "<script" not in body
        assert html.escape(NOTE).replace("&#x27;", "&#39;") in page(explorer, note)
        assert f"{at['note']:#x}" in page(explorer, "search?q=hunter2")
        assert "shown" in page(explorer, "")
    finally:
        explorer.close()
        thread.join(10)


def test_pages_give_the_figures_of_the_library(running: tuple[Explorer, dict[str, int]]) -> None:
    explorer, at = running
    heap = explorer.pages.heap
    assert "app.Cache" in page(explorer, "")
    rows = page(explorer, "histogram?filter=long&sort=objects")
    assert '<td class="n">150</td>' in rows
    assert "Incomplete" not in rows
    view = page(explorer, f"object?address={at['cache']:#x}")
    assert "table" in view
    assert NOTE not in html.unescape(view)  # contents are hidden
    assert "hidden" in view
    below = page(explorer, f"dominators?address={heap.object(at['cache']).fields[0].reference.address:#x}")  # type: ignore[union-attr]
    assert "app.Cache @" in below
    row = heap.classes_named("long[]")[0].index
    first = page(explorer, f"instances?class={row}")
    assert "next" in first
    assert "back" in page(explorer, f"instances?class={row}&start=100")
    path = html.unescape(page(explorer, f"paths?address={at['note']:#x}"))
    assert re.findall(r'<span class="mono">(.*?)</span>', path)[-1] == "note"
    assert "Nothing found" in page(explorer, "search?q=zzzz")
    assert f"{at['cache']:#x}" in page(explorer, f"search?q={at['cache']:#x}")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nowhere", 404),
        ("object", 400),
        ("object?address=0x3", 400),
        ("object?address=9" + "9" * 40, 400),
        ("object?address=-1", 400),
        ("histogram?sort=evil", 400),
        ("histogram?start=-5", 400),
        ("histogram?start=99999999999999", 400),
        ("histogram?start=99999", 200),
        ("instances?class=100000", 400),
        ("instances?class=x", 400),
        ("dominators?address=zz", 400),
        ("search?q=%00%ff%fe", 200),
        ("search?" + "&".join(f"a{i}=1" for i in range(50)), 400),
    ],
)
def test_odd_questions(path: str, status: int, running: tuple[Explorer, dict[str, int]]) -> None:
    explorer, _ = running
    found, _, body = get(explorer, f"/{explorer.token}/{path}")
    assert found == status
    assert "Traceback" not in body


def test_a_port_that_is_taken(running: tuple[Explorer, dict[str, int]]) -> None:
    explorer, _ = running
    with pytest.raises(SourceError, match=f"port {explorer.port} cannot be used"):
        Explorer(explorer.pages.heap, port=explorer.port)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_walk_in_chromium(running: tuple[Explorer, dict[str, int]], tmp_path: Path) -> None:
    explorer, _ = running
    with Browser(tmp_path / "profile") as browser:

        def click(selector: str, contains: str = "") -> str:
            """Clicks the first link that matches and waits for the next page; returns its heading."""
            browser.events.clear()
            found = browser.run(
                f"(() => {{ const a = [...document.querySelectorAll({selector!r})]"
                f".find(e => e.textContent.includes({contains!r})); if (!a) return false; a.click(); return true }})()"
            )
            assert found, (selector, contains)
            browser._wait_for("Page.loadEventFired")
            return str(browser.run("document.querySelector('h1').textContent"))

        browser.events.clear()
        browser.call("Page.navigate", url=explorer.url)
        browser._wait_for("Page.loadEventFired")
        assert browser.run("document.title") == "Overview · flinkscope"
        assert browser.run("getComputedStyle(document.querySelector('table')).borderCollapse") == "collapse"
        assert click("nav a", "Dominators") == "Dominator tree"
        assert click("a", "below") == "Dominator tree"
        assert click("nav a", "Histogram") == "Histogram"
        assert click("td a", "app.Cache").startswith("Instances of app.Cache")
        assert click("td a", "app.Cache").startswith("app.Cache @")
        assert click("main a", "path to a GC root") == "Shortest path to a GC root"
        browser.run("document.querySelector('nav input').value = 'task'")
        assert click("nav button", "Go") == "Search: task"
        assert click("li a", "task").startswith("java.lang.Thread @")
        assert browser.run("document.title") != "owned"
        assert browser.complaints() == []
        assert {urlsplit(url).netloc for url in browser.requests()} == {f"127.0.0.1:{explorer.port}"}
        assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
