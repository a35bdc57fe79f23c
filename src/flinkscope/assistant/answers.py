"""What the tools answer: a flinkscope command in a process of its own, its JSON cut to what an assistant can read.

A process for each question gives a heap dump's gigabytes back when the answer is there, and a crash or a runaway ends
with it. Arguments are never options: paths must exist and are made absolute, settings must be ``key=value``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_CHARACTERS = 60_000
TIMEOUT_S = 900
_SETTING = re.compile(r"[A-Za-z][\w.-]*=[^\n]*")
_DRAWN = ("timeline", "memory", "heap", "state", "loaders")  # pictures of a process: their facts are in the findings
_SHORTER = (60, 20, 5)  # items of a list that are kept, in turn, until an answer is short enough


class ToolError(ValueError):
    """What the assistant is told when a tool cannot answer: the command's own message and hint."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``root``: only files below it may be read (None: any); ``live``: processes and clusters may be asked too."""

    root: Path | None = None
    live: bool = False

    def path(self, given: str) -> str:
        """The absolute path of a file or folder that is there. Raises ToolError: not there, or outside of ``root``."""
        try:
            found = Path(given).expanduser().resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise ToolError(f"{given!r}: no such file or folder here") from error
        if self.root is not None and not found.is_relative_to(self.root.resolve()):
            raise ToolError(f"{given!r} is outside of {self.root}, the folder that this server may read")
        return str(found)

    def source(self, given: str) -> str:
        """A path; with ``live`` also a process id, a REST address or a pod."""
        from flinkscope.capture.target import is_address

        if self.live and (given.isdigit() or is_address(given) or given.startswith("pod/")):
            return given
        return self.path(given)


def settings(given: Sequence[str]) -> list[str]:
    """``key=value`` words. Raises ToolError for anything else."""
    for word in given:
        if not _SETTING.fullmatch(word):
            raise ToolError(f"{word[:80]!r} is no key=value")
    return list(given)


def answer_of(*words: str) -> Any:
    """The JSON that ``flinkscope WORDS`` prints, a list as ``found``.

    Raises ToolError with the command's message when it ends with another exit code than 0 and 1.
    """
    command = [sys.executable, "-m", "flinkscope", *words]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"not done after {TIMEOUT_S} s") from error
    if done.returncode not in (0, 1):
        told = [line for line in done.stderr.splitlines() if not line.startswith("…")]
        raise ToolError("\n".join(told)[:4000] or f"ended with exit code {done.returncode}")
    try:
        document = json.loads(done.stdout)
        return shortened({"found": document} if isinstance(document, list) else document)
    except ValueError as error:
        raise ToolError(f"no JSON came from flinkscope {words[0]}") from error


def without_pictures(report: dict[str, Any]) -> dict[str, Any]:
    """A report without its charts and tables; story, findings, figures and what to collect stay."""
    bare = [{k: v for k, v in process.items() if k not in _DRAWN} for process in report["processes"]]
    return {**report, "processes": bare}


def shortened(document: Any) -> Any:
    """The document with long lists cut, the cut told as a last item, until it is short enough to be read."""
    for most in _SHORTER:
        if len(json.dumps(document, ensure_ascii=False)) <= MOST_CHARACTERS:
            break
        document = _cut(document, most)
    return document


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, dict):
        return {key: _cut(item, most) for key, item in value.items()}
    if isinstance(value, list):
        kept = [_cut(item, most) for item in value[:most]]
        return [*kept, f"… {len(value) - most:,} more left out"] if len(value) > most else kept
    return value
