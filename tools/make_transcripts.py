"""Runs the commands of the tutorials and writes what they print into the pages.

    python tools/make_transcripts.py [PAGE …]      default: every page under docs/tutorial

Every fenced block of the language ``console`` is a transcript: its lines that begin with ``$`` are commands; what
follows them is replaced by what they print now, in one private folder a page, in the order of the page. A comment
``<!-- lines 1-12 -->`` in front of the block shows only these lines of it, with an ellipsis for the rest. The lab's
commands start a real Flink: a page takes minutes. Nothing in such a block is written by hand.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
BLOCK = re.compile(r"(?:<!-- lines (\d+)-(\d+) -->\n)?```console\n(.*?)```\n", re.DOTALL)
MOST_LINES = 60


def commands_of(block: str) -> list[str]:
    """The commands of a transcript; a backslash at a line's end continues it."""
    joined = block.replace("\\\n", "")
    return [" ".join(line[1:].split()) for line in joined.splitlines() if line.startswith("$")]


def run(command: str, folder: Path) -> list[str]:
    """What a command prints, its standard error left out; exit codes 0 and 1 are answers, others are failures."""
    environment = {**os.environ, "COLUMNS": "96", "NO_COLOR": "1", "TERM": "dumb"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"$ {command}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.replace(f"{folder}/", "").rstrip().splitlines()


def shown(lines: list[str], first: int, last: int) -> list[str]:
    """Those lines (from 1), with an ellipsis where some are left out."""
    part = lines[first - 1 : last]
    return [*(["…"] if first > 1 else []), *part, *(["…"] if last < len(lines) else [])]


def fill(page: Path) -> None:
    """Runs a page from top to bottom and rewrites it."""
    with tempfile.TemporaryDirectory(prefix="flinkscope-tutorial-") as name:
        folder = Path(name)

        def transcript(match: re.Match[str]) -> str:
            first, last = int(match[1] or 1), int(match[2] or MOST_LINES)
            text = []
            for command in commands_of(match[3]):
                print(f"$ {command}", flush=True)
                text += [f"$ {command}", *shown(run(command, folder), first, last)]
            head = match[0].split("```", 1)[0]
            return f"{head}```console\n" + "\n".join(text) + "\n```\n"

        page.write_text(BLOCK.sub(transcript, page.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Fills the pages named, or all tutorials."""
    for page in [Path(word) for word in sys.argv[1:]] or sorted((DOCS / "tutorial").glob("*.md")):
        fill(page)


if __name__ == "__main__":
    main()
