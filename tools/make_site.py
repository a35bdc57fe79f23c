"""Builds the docs site from docs/*.md with Zensical, and checks what a builder does not.

    python tools/make_site.py [FOLDER]      default: site/

Fails on a broken link or anchor, on a page that no reader would find (not in the navigation), and on anything that a
page would fetch from elsewhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
LISTED_ELSEWHERE = ("rules/R", "adr/0")  # by their own index pages
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|link(?=[^>]*stylesheet))[^>]*(?:src|href)=["']?(?:https?:)?//[^"' >]+"""
)


def pages_without_place() -> list[str]:
    """Pages that neither the navigation nor an index page lists."""
    listed = set(_listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    return sorted(page for page in pages - listed if not page.startswith(LISTED_ELSEWHERE)) + sorted(listed - pages)


def _listed(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [page for part in parts for page in _listed(part)]


def build(folder: Path) -> None:
    """The site into ``folder``; raises CalledProcessError with the builder's own words on a broken link."""
    with tempfile.TemporaryDirectory(prefix="flinkscope-site-") as name:
        work = Path(name)
        shutil.copytree(ROOT / "docs", work / "docs")
        shutil.copy(ROOT / "mkdocs.yml", work)
        builder = Path(sys.executable).parent / "zensical"
        subprocess.run([builder, "build", "--strict", "-f", "mkdocs.yml"], cwd=work, check=True, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(work / "site", folder)


def fetched_from_elsewhere(folder: Path) -> list[str]:
    """What pages of a built site would load from other hosts."""
    found = []
    for page in sorted(folder.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        found += [f"{page.relative_to(folder)}: {match[0]}" for match in _FETCHED.finditer(text)]
    return found


def main() -> None:
    """Builds, then says what is wrong."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    try:
        build(folder)
    except subprocess.CalledProcessError as error:
        raise SystemExit(_COLOUR.sub("", error.stdout.decode(errors="replace"))) from None
    wrong = [f"in no navigation, or missing: {page}" for page in pages_without_place()]
    wrong += [f"fetches from elsewhere: {place}" for place in fetched_from_elsewhere(folder)]
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"{folder}: {sum(1 for _ in folder.rglob('*.html'))} pages")


if __name__ == "__main__":
    main()
