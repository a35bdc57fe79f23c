"""Whatever people have at hand, as one case: cases, folders, zips, globs, single files, or any mix of them."""

from __future__ import annotations

import glob
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.sources.archive import unpacked
from flinkscope.sources.case import ARTIFACT_KINDS, Artifact, Case, CaseProcess, is_case, open_case
from flinkscope.sources.joining import Found, JoinedProcess, group_of, join
from flinkscope.sources.merging import merged
from flinkscope.sources.presence import is_there
from flinkscope.sources.recognise import recognise

_MAX_FILES = 10_000

_NOT_READ = {
    "empty": "the file is empty",
    "jfr": "a JFR recording; not read yet by the diagnosis",
    "phd": "an OpenJ9 portable heap dump; flinkscope reads HPROF, as HotSpot writes it",
    "hsperfdata": "live performance counters; use `flinkscope gcutil`",
    "zip": "a zip or jar without anything that a Flink process leaves behind",
    "elf": "a program or core file",
    None: "not recognised as anything that a Flink process leaves behind",
}


@dataclass(frozen=True, slots=True)
class Ignored:
    """A file that was not taken, and why."""

    path: str
    why: str


def case_from(paths: Sequence[str | Path]) -> tuple[Case, tuple[Ignored, ...]]:
    """One case of everything given, and what was left out.

    A single case (folder or zip) is opened as it is; several, or cases beside files, become one case in a private
    temporary folder. A zip without a manifest is unpacked like a folder; a name with ``*`` stands for all that match.
    Files are joined to processes by folder, name and content (see ``joining``). Raises SourceError, UsageError or
    UnreadableInputError when nothing usable is there.
    """
    if not paths:
        raise UsageError(
            "nothing to read", hint="give a case, a folder, or files: flinkscope diagnose heap.hprof gc.log"
        )
    found = [_existing(path) for given in paths for path in expanded(given)]
    cases = [open_case(path) for path in found if is_case(path)]
    others = [path for path in found if not is_case(path)]
    ignored: tuple[Ignored, ...] = ()
    if others:
        try:
            loose, ignored = _case_of_files(others, title=", ".join(str(p) for p in paths[:3]))
            cases.append(loose)
        except UnreadableInputError as error:
            if not cases:
                raise
            ignored = (Ignored(str(others[0]), error.message),)
    case, twice = merged(cases)
    return case, (*ignored, *(Ignored(name, "the same file came by another way") for name in twice))


def expanded(given: str | Path) -> list[Path]:
    """The path itself, or what a pattern stands for. Raises SourceError for a pattern that nothing matches."""
    path = Path(given)
    if is_there(path) or not glob.has_magic(str(given)):
        return [path]
    matching = [Path(name) for name in sorted(glob.glob(str(given), recursive=True))]
    if not matching:
        raise SourceError(f"{given}: nothing matches", hint="quote the pattern, or let the shell expand it")
    return matching


def _case_of_files(paths: Sequence[Path], title: str) -> tuple[Case, tuple[Ignored, ...]]:
    folders = sum(path.is_dir() or _is_zip(path) for path in paths)
    files: list[Found] = []
    ignored: list[Ignored] = []
    for path, group in _listed(paths, name_them=folders > 1):
        kind = recognise(path)
        if kind in ARTIFACT_KINDS:
            files.append(Found(path, str(kind), group))
        else:
            ignored.append(Ignored(str(path), _NOT_READ.get(kind, _NOT_READ[None])))
    if not files:
        raise _nothing(paths, ignored)
    processes, shared = join(files)
    if not processes:
        processes, shared = [JoinedProcess("process", "", list(files))], []
    if len(processes) == 1:
        processes[0].name = _name_of_the_only_one(processes[0], paths)
    root = _common_folder([file.path for file in files])
    rows = [(file, process.name) for process in processes for file in process.files]
    artifacts = [_artifact(file, root, name) for file, name in rows] + [_artifact(f, root, None) for f in shared]
    described = tuple(CaseProcess(process.name, process.role or "jvm") for process in processes)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Case(root, title, now, described, tuple(artifacts), name=paths[0].name), tuple(ignored)


def _artifact(file: Found, root: Path, process: str | None) -> Artifact:
    return Artifact(os.path.relpath(os.path.abspath(file.path), root), file.kind, process)


def _name_of_the_only_one(process: JoinedProcess, paths: Sequence[Path]) -> str:
    last = process.group.rsplit("/", 1)[-1]
    return last or (paths[0].resolve().name if len(paths) == 1 and paths[0].is_dir() else "") or "process"


def _listed(paths: Iterable[Path], *, name_them: bool) -> Iterator[tuple[Path, str]]:
    """Each file with the folder that names its process; ``name_them``: the folder given belongs to that name.

    Files given one by one may come from anywhere, so their folders name nothing, unless two files have the same name.
    """
    paths = list(paths)
    loose = [path for path in paths if path.is_file()]
    base = _common_folder(loose) if len({path.name for path in loose}) < len(loose) else None
    for path in paths:
        folder = unpacked(path) if _is_zip(path) else path
        if not folder.is_dir():
            yield path, "" if base is None else group_of(path.absolute().parent.relative_to(base).parts)
            continue
        own = [path.stem if path.is_file() else path.resolve().name] if name_them else []
        for file in _files_below(folder):
            yield file, group_of([*own, *file.relative_to(folder).parts[:-1]])


def _is_zip(path: Path) -> bool:
    """A zip of evidence; a jar is a program."""
    return path.suffix.lower() != ".jar" and path.is_file() and zipfile.is_zipfile(path)


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


def _nothing(paths: Sequence[Path], ignored: Sequence[Ignored]) -> UnreadableInputError:
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
