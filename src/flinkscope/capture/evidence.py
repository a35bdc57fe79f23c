"""Anything that people point at as one case: files, folders, zips, patterns, and live processes, clusters and pods.

What is live is recorded first, cheap things only unless wished otherwise, into a private temporary folder.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flinkscope.capture.target import Target, is_address, target_of
from flinkscope.errors import FlinkscopeError, SourceError
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.archive import private_folder
from flinkscope.sources.case import Case
from flinkscope.sources.inputs import Ignored, case_from
from flinkscope.sources.presence import is_there

if TYPE_CHECKING:
    from flinkscope.capture.collect import Wishes

_POD = ("pod/", "pods/", "po/")


@dataclass(frozen=True, slots=True)
class LiveSource:
    """What is to be recorded: ``words`` as the person gave them."""

    words: str
    target: Target


def evidence_of(
    sources: Sequence[str | Path],
    wishes: Wishes | None = None,
    *,
    namespace: str | None = None,
    context: str | None = None,
    progress: Progress = SILENT,
) -> tuple[Case, tuple[Ignored, ...]]:
    """One case of all sources, and what was left out, with the reason.

    A source that is no file: digits are a process id, ``http://…`` and ``host:port`` a cluster, ``pod/NAME`` or
    ``pod/NAMESPACE/NAME`` a pod. A live source that does not answer is left out as long as another source is there.
    Cost: about 6 s a live source. Raises SourceError, UsageError or UnreadableInputError when nothing is usable.
    """
    live, paths = sorted_out(sources, namespace=namespace, context=context)
    if not live:
        return case_from(paths)
    from flinkscope.capture.collect import collect  # what only live sources need: attach, kubectl, REST

    folder = private_folder("flinkscope-live-")
    recorded: list[str | Path] = []
    ignored: list[Ignored] = []
    first_error: FlinkscopeError | None = None
    for number, source in enumerate(live, 1):
        target = folder / f"{number}" / _safe(source.words)
        target.parent.mkdir()
        try:
            collect(source.target, target, wishes, progress=progress)
        except FlinkscopeError as error:
            first_error = first_error or error
            ignored.append(Ignored(source.words, error.message))
        else:
            recorded.append(target)
    if first_error is not None and not recorded and not paths:
        raise first_error
    case, others = case_from([*recorded, *paths])
    return case, (*ignored, *others)


def sorted_out(
    sources: Sequence[str | Path], *, namespace: str | None = None, context: str | None = None
) -> tuple[list[LiveSource], list[str | Path]]:
    """What is live and what is a path, each in its order. A file of that name always comes first.

    Raises SourceError for what is neither.
    """
    live: list[LiveSource] = []
    paths: list[str | Path] = []
    for source in sources:
        target = None if isinstance(source, Path) and is_there(source) else _live(str(source), namespace, context)
        if target is None:
            paths.append(_known(source))
        else:
            live.append(LiveSource(str(source), target))
    return live, paths


def _live(words: str, namespace: str | None, context: str | None) -> Target | None:
    if is_there(words) or glob.has_magic(words):
        return None
    prefix = next((p for p in _POD if words.startswith(p)), None)
    if prefix is not None:
        rest = words.removeprefix(prefix)
        return target_of(rest if "/" in rest else words, namespace=namespace, context=context)
    return target_of(words) if words.isdigit() or is_address(words) else None


def _known(source: str | Path) -> str | Path:
    if not is_there(source) and not glob.has_magic(str(source)):
        hint = "also taken: a process id, http://HOST:8081, pod/NAME or pod/NAMESPACE/NAME"
        raise SourceError(f"{source}: no such file or folder", hint=hint)
    return source


def _safe(words: str) -> str:
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in words.rpartition("://")[2])
    return name[:80].strip("._") or "live"
