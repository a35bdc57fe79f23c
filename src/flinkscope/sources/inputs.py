"""Whatever people have at hand, as one case: a case, a folder, a zip, single files, or any mix of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.sources.case import ARTIFACT_KINDS, Artifact, Case, CaseProcess, is_case, open_case
from flinkscope.sources.recognise import recognise

_MAX_FILES = 10_000

_NOT_READ = {
    "empty": "the file is empty",
    "jfr": "a JFR recording; not read yet by the diagnosis",
    "phd": "an OpenJ9 portable heap dump; flinkscope reads HPROF, as HotSpot writes it",
    "hsperfdata": "live performance counters; use `flinkscope gcutil`",
    "zip": "a zip or jar without a case manifest; unpack it first",
    "elf": "a program or core file",
    None: "not recognised as anything that a Flink process leaves behind",
}


@dataclass(frozen=True, slots=True)
class Ignored:
    """A file that was not taken, and why."""

    path: str
    why: str


def case_from(paths: list[str | Path]) -> tuple[Case, tuple[Ignored, ...]]:
    """One case of everything given, and what was left out.

    A single case (folder or zip) is opened as it is. Files of one folder are taken to be of one process; so are all
    files given one by one. Raises SourceError or UnreadableInputError when nothing usable is there.
    """
    if not paths:
        raise UsageError(
            "nothing to read", hint="give a case, a folder, or files: flinkscope diagnose heap.hprof gc.log"
        )
    if len(paths) == 1 and is_case(_existing(paths[0])):
        return open_case(paths[0]), ()
    groups = _groups([_existing(p) for p in paths])
    kinds = {path: recognise(path) for files in groups.values() for path in files}
    root = _common_folder(list(kinds))
    artifacts = tuple(
        Artifact(os.path.relpath(os.path.abspath(path), root), str(kinds[path]), process)
        for process, files in groups.items()
        for path in files
        if kinds[path] in ARTIFACT_KINDS
    )
    ignored = tuple(
        Ignored(str(p), _NOT_READ.get(k, _NOT_READ[None])) for p, k in kinds.items() if k not in ARTIFACT_KINDS
    )
    if not artifacts:
        raise _nothing(paths, ignored)
    used = {a.process for a in artifacts}
    processes = tuple(CaseProcess(name, "jvm") for name in groups if name in used)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    title = ", ".join(str(p) for p in paths[:3])
    return Case(root, title, now, processes, artifacts, name=Path(paths[0]).name), ignored


def _existing(path: str | Path) -> Path:
    found = Path(path)
    try:
        found.stat()
        if found.is_dir():
            next(iter(found.iterdir()), None)
    except FileNotFoundError:
        raise SourceError(f"{found}: no such file or folder") from None
    except OSError as error:
        raise SourceError(f"{found}: {error.strerror or error}", hint="check the path and its permissions") from error
    return found


def _common_folder(files: list[Path]) -> Path:
    """The deepest folder that holds all files, so that names in evidence are short."""
    return Path(os.path.commonpath([os.path.dirname(os.path.abspath(file)) for file in files] or ["/"]))


def _groups(paths: list[Path]) -> dict[str, list[Path]]:
    """Process name → files. Files given one by one belong together; in a folder, each subfolder is a process."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        if not path.is_dir():
            groups.setdefault("process", []).append(path)
            continue
        for file in _files_below(path):
            inside = file.relative_to(path).parts
            groups.setdefault(inside[0] if len(inside) > 1 else path.resolve().name, []).append(file)
    return groups


def _files_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for base, folders, files in os.walk(folder):
        folders.sort()
        found += [Path(base) / name for name in sorted(files)]
        if len(found) > _MAX_FILES:
            raise UsageError(
                f"{folder}: more than {_MAX_FILES:,} files", hint="give the folder of one process or one case"
            )
    return [file for file in found if file.is_file()]


def _nothing(paths: list[str | Path], ignored: tuple[Ignored, ...]) -> UnreadableInputError:
    if not ignored:
        return UnreadableInputError(
            f"{paths[0]}: the folder is empty", hint="give the folder with the dump and the logs"
        )
    first = ignored[0]
    more = f" (and {len(ignored) - 1} more files)" if len(ignored) > 1 else ""
    return UnreadableInputError(
        f"{first.path}: {first.why}{more}",
        hint="flinkscope reads heap dumps (HPROF), GC logs, Flink logs and configuration",
    )


def with_role(case: Case, process: str, role: str) -> Case:
    """The case with the role of one process set."""
    processes = tuple(replace(p, role=role) if p.id == process else p for p in case.processes)
    return replace(case, processes=processes)
