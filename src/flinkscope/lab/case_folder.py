"""The folder that an incident's case goes into."""

from __future__ import annotations

import shutil
from pathlib import Path

from flinkscope.errors import UsageError
from flinkscope.sources.case import is_case, open_case


def make_room(folder: Path, incident: str, replace: bool) -> None:
    """Sees to it that the folder is free; with ``replace`` a case of the same incident goes. Raises UsageError."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder.is_dir() and is_case(folder) and open_case(folder).labels.get("incident") == incident):
        raise UsageError(f"{folder}: there is something else", hint="choose another folder with --out")
    if not replace:
        raise UsageError(f"{folder}: there is a case already", hint="--replace, or another folder with --out")
    shutil.rmtree(folder)
