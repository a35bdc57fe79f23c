"""The docs site builds, every link and anchor leads somewhere, every page can be found, nothing is fetched."""

from __future__ import annotations

from pathlib import Path

from make_site import build, fetched_from_elsewhere, pages_without_place


def test_every_page_has_its_place() -> None:
    assert pages_without_place() == []


def test_the_site_builds_without_a_broken_link(tmp_path: Path) -> None:
    build(tmp_path / "site")
    assert (tmp_path / "site" / "index.html").is_file()
    assert fetched_from_elsewhere(tmp_path / "site") == []
