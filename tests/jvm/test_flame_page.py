"""The page in a real Chromium: search, zoom, inversion, threads, difference, keys; no request, nothing refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import flinkscope
from flinkscope.report.flame_page import flame_html
from report_support import browser
from report_support.browser import Browser

pytestmark = pytest.mark.skipif(browser.PATH is None, reason="no Chromium on this machine")

LINE = "document.getElementById('flame-line').innerText"
FOUND = "document.getElementById('flame-found').innerText"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


def page(folder: Path, *texts: str) -> Path:
    flames = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.collapsed"
        path.write_text(text)
        flames.append(flinkscope.read_flame(path))
    (folder / "page.html").write_text(flame_html(flames))
    return folder / "page.html"


def type_into(chromium: Browser, text: str) -> None:
    chromium.run(
        "(() => { const s = document.getElementById('flame-search'); s.value = " + repr(text) + ";"
        "s.dispatchEvent(new Event('input')); return 1; })()"
    )


def choose(chromium: Browser, name: str, value: str) -> None:
    chromium.run(
        f"(() => {{ const s = document.getElementById('{name}');"
        f"s.value = [...s.options].find(o => o.text.includes('{value}')).value;"
        "s.dispatchEvent(new Event('change')); return 1; })()"
    )


TEXT = "[main];a/Job.run;a/Job.map;java/lang/Long.valueOf 60\n[main];a/Job.run;a/Job.sink 30\n[other];a/Job.run 10\n"


@pytest.mark.parametrize("dark", [False, True])
def test_keys_walk_zoom_and_invert(chromium: Browser, tmp_path: Path, dark: bool) -> None:
    chromium.open(page(tmp_path, TEXT), dark=dark)
    assert chromium.run(LINE).startswith("all\n100 samples, 100.00 % of all")
    chromium.run("document.getElementById('flame').focus()")
    chromium.key("ArrowDown")
    assert "a.Job.run\n100 samples, 100.00 % of all; 10 samples (10.00 %) in itself" in chromium.run(LINE)
    chromium.key("ArrowDown")
    assert "a.Job.map\n60 samples, 60.00 %" in chromium.run(LINE)
    chromium.key("ArrowRight")
    assert "a.Job.sink\n30 samples" in chromium.run(LINE)
    chromium.key("Enter")
    chromium.key("Escape")
    assert "a.Job.run" in chromium.run(LINE)
    chromium.key("i")
    chromium.key("ArrowDown")
    assert "java.lang.Long.valueOf\n60 samples" in chromium.run(LINE)
    chromium.key("ArrowDown")
    assert "a.Job.map\n60 samples" in chromium.run(LINE)
    assert chromium.complaints() == []
    assert len(chromium.requests()) == 1


def test_search_and_threads(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(page(tmp_path, TEXT))
    type_into(chromium, "job.")
    assert chromium.run(FOUND) == "100.00 %, 100 samples"
    type_into(chromium, "/map$|sink$/")
    assert chromium.run(FOUND) == "90.00 %, 90 samples"
    type_into(chromium, "/(/")
    assert chromium.run(FOUND) == "not a pattern"
    type_into(chromium, "")
    choose(chromium, "flame-thread", "% other")
    assert chromium.run(LINE).startswith("all\n10 samples")
    choose(chromium, "flame-thread", "beside")
    chromium.run("document.getElementById('flame').focus()")
    chromium.key("ArrowDown")
    assert chromium.run(LINE).startswith("main\n90 samples")
    assert chromium.complaints() == []


def test_the_difference_of_two(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(page(tmp_path, TEXT, TEXT.replace("60", "310")))
    chromium.run("document.getElementById('flame').focus()")
    for _ in range(2):
        chromium.key("ArrowDown")
    said = chromium.run(LINE)
    assert "before: 60 samples, 60.00 %; after: 310 samples, 88.57 %; +28.57 percentage points" in said
    assert not chromium.run("document.getElementById('flame-width-label').hidden")
    choose(chromium, "flame-width", "before")
    assert chromium.complaints() == []


def test_a_click_zooms_and_the_canvas_is_painted(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(page(tmp_path, TEXT))
    where = chromium.run(
        "(() => { const r = document.getElementById('flame').getBoundingClientRect(); return [r.x, r.y, r.width]; })()"
    )
    x, y = where[0] + where[2] * 0.2, where[1] + 19 * 2 + 8
    for kind in ("mousePressed", "mouseReleased"):
        chromium.mouse(kind, x, y, clickCount=1)
    assert "a.Job.map" in chromium.run(LINE)
    painted = chromium.run(
        "(() => { const c = document.getElementById('flame');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const seen = new Set();"
        "for (let i = 0; i < d.length; i += 40) seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]);"
        "return seen.size; })()"
    )
    assert painted > 5


def test_hostile_names_stay_text(chromium: Browser, tmp_path: Path) -> None:
    evil = "[</script><script>document.title='x'</script>];<img src=x onerror=alert(1)>;\u202eX.y 5\n"
    chromium.open(page(tmp_path, evil))
    assert chromium.run("document.title") != "x"
    assert chromium.run("document.images.length") == 0
    assert chromium.complaints() == []


def test_it_fits_a_phone(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(page(tmp_path, TEXT), width=390, height=800)
    assert chromium.run("document.documentElement.scrollWidth") <= 390


def test_a_large_profile_stays_usable(chromium: Browser, tmp_path: Path) -> None:
    lines = [
        f"[t{n % 20}];" + ";".join(f"p/C{(n * k) % 997}.m" for k in range(1, 30)) + f" {n + 1}\n" for n in range(5000)
    ]
    path = page(tmp_path, "".join(lines))
    assert path.stat().st_size < 2_000_000
    chromium.open(path)
    chromium.run("document.getElementById('flame').focus()")
    chromium.key("i")
    chromium.key("ArrowDown")
    assert chromium.run(LINE)
    assert chromium.complaints() == []
