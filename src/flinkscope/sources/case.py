"""A case: a folder or zip of named artifacts with ``manifest.json``. Everything that diagnoses takes a case.

The manifest says of each artifact what it is, which process it belongs to, when and how it was taken, and whether
secrets were taken out; and of what could not be had, why. The lab and ``collect`` write cases; tests replay them.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from flinkscope.errors import SourceError, UnreadableInputError, UsageError
from flinkscope.sources.archive import unpacked
from flinkscope.sources.presence import is_there

MANIFEST_NAME = "manifest.json"
LARGEST_MANIFEST_BYTES = 16 << 20
FORMAT_NAME = "flinkscope-case"
FORMAT_VERSION = 1

ARTIFACT_KINDS = frozenset(
    {
        "heap_dump",  # HPROF, plain or gzip
        "gc_log",  # one file of a GC log (rotated sets: one artifact a file)
        "gcutil",  # hsperfdata samples as `jstat -gcutil -t` prints them
        "flink_log",  # log4j output of a Flink process
        "stdout",  # the process' .out: what it and the JVM print
        "config",  # config.yaml or flink-conf.yaml
        "command_line",  # the java command line, one argument a line
        "checkpoints",  # JSON of REST /jobs/:id/checkpoints
        "job",  # JSON of REST /jobs/:id
        "job_truth",  # what the lab's job itself counted (JSON)
        "thread_dump",
        "class_histogram",
        "hs_err",
        "pod_status",  # kubectl get pod -o json
        "dmesg",  # the kernel's log
        "results",  # what the job wrote
        "submissions",  # the lab's submissions and the metaspace after each (JSON)
        "cgroup",  # one memory file of the control group
        "jvm_info",  # text of a diagnostic command: flags, metaspace, class loaders, native memory
        "metrics",  # JSON: metric → value
        "flame",  # collapsed stacks, JFR or the profiler's page
        "rest",  # JSON of any other REST path; its name is the path
    }
)


@dataclass(frozen=True, slots=True)
class CaseProcess:
    """One process of the case. ``role``: jobmanager, taskmanager, client or jvm; sizes and codes None if unknown."""

    id: str
    role: str
    flink_version: str | None = None
    java_version: str | None = None
    exit_code: int | None = None
    started_at: str | None = None
    ended_at: str | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of the case: ``path`` is relative to the case with forward slashes."""

    path: str
    kind: str
    process: str | None = None
    collected_at: str | None = None
    how: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class MissingArtifact:
    """What should be there and is not, with the reason."""

    kind: str
    why: str
    process: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """An opened case. ``root`` is a folder (a zip is unpacked into a private temporary one)."""

    root: Path
    title: str
    created_at: str
    processes: tuple[CaseProcess, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    missing: tuple[MissingArtifact, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    name: str = ""

    def path_of(self, artifact: Artifact) -> Path:
        """The artifact's file on disk."""
        return self.root / artifact.path

    def of_kind(self, kind: str, process: str | None = None) -> list[Artifact]:
        """All artifacts of one kind, of one process or of all."""
        return [a for a in self.artifacts if a.kind == kind and process in (None, a.process)]

    def process(self, process_id: str) -> CaseProcess | None:
        """The process of that id, or None."""
        return next((p for p in self.processes if p.id == process_id), None)


class CaseWriter:
    """Builds a case folder step by step; the manifest is rewritten after each step, so a killed run leaves a case."""

    def __init__(self, root: Path, title: str, labels: dict[str, str] | None = None) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._case = Case(root, title, now, labels=dict(labels or {}), name=root.name)
        self._save()

    @classmethod
    def resume(cls, root: Path) -> CaseWriter:
        """Goes on with a case folder that an earlier run left; what was missing then is forgotten, to be tried again.

        Raises as ``open_case`` does when there is none.
        """
        writer = cls.__new__(cls)
        writer._root = root
        writer._case = replace(_from_folder(root), missing=())
        writer._save()
        return writer

    @property
    def root(self) -> Path:
        """The folder that is being written."""
        return self._root

    def put_process(self, process: CaseProcess) -> None:
        """Adds the process, or replaces the one of the same id."""
        others = tuple(p for p in self._case.processes if p.id != process.id)
        self._case = replace(self._case, processes=(*others, process))
        self._save()

    def add(self, path: Path, kind: str, *, process: str | None = None, how: str = "", redacted: bool = False) -> None:
        """Registers a file that already lies in the case folder."""
        if kind not in ARTIFACT_KINDS:
            raise UsageError(f"unknown artifact kind {kind!r}", hint=f"one of {', '.join(sorted(ARTIFACT_KINDS))}")
        relative = path.resolve().relative_to(self._root.resolve()).as_posix()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        others = tuple(a for a in self._case.artifacts if a.path != relative)
        artifact = Artifact(relative, kind, process, now, how, redacted)
        self._case = replace(self._case, artifacts=(*others, artifact))
        self._save()

    def note_missing(self, kind: str, why: str, *, process: str | None = None) -> None:
        """Records that an artifact could not be had, and why."""
        self._case = replace(self._case, missing=(*self._case.missing, MissingArtifact(kind, why, process)))
        self._save()

    def label(self, **labels: str) -> None:
        """Adds labels: short facts about the whole case (``incident``, ``trigger``, ``outcome``)."""
        self._case = replace(self._case, labels={**self._case.labels, **labels})
        self._save()

    def case(self) -> Case:
        """The case as written so far."""
        return self._case

    def _save(self) -> None:
        case = self._case
        document = {
            "format": FORMAT_NAME,
            "version": FORMAT_VERSION,
            "title": case.title,
            "created_at": case.created_at,
            "labels": case.labels,
            "processes": [asdict(p) for p in case.processes],
            "artifacts": [asdict(a) for a in case.artifacts],
            "missing": [asdict(m) for m in case.missing],
        }
        handle, temporary = tempfile.mkstemp(dir=self._root, prefix=".manifest")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=1, ensure_ascii=False)
        os.replace(temporary, self._root / MANIFEST_NAME)


def open_case(path: str | Path) -> Case:
    """Opens a case folder or zip.

    Raises SourceError when it cannot be reached, UnreadableInputError when it is not a flinkscope case.
    A zip is unpacked into a private temporary folder that lives until the process ends.
    """
    root = Path(path)
    try:
        if root.is_file() and zipfile.is_zipfile(root):
            return replace(_from_folder(_unpack(root)), name=root.name)
        if root.is_dir():
            return _from_folder(root)
        if not is_there(root):
            raise SourceError(f"{root}: no such file or folder")
    except OSError as error:
        raise SourceError(f"{root}: {error.strerror or error}", hint="check the path and its permissions") from error
    raise UnreadableInputError(
        f"{root}: neither a case folder nor a zip", hint="give the file to `flinkscope diagnose`"
    )


def is_case(path: Path) -> bool:
    """Whether the path is a folder or zip with a manifest at its top."""
    if path.is_dir():
        return (path / MANIFEST_NAME).is_file()
    if path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(PurePosixPath(n).name == MANIFEST_NAME for n in archive.namelist())
    return False


def _from_folder(root: Path) -> Case:
    manifest = root / MANIFEST_NAME
    if not manifest.is_file():
        raise UnreadableInputError(
            f"{root}: no {MANIFEST_NAME}, so this is not a flinkscope case",
            hint="give the folder or its files to `flinkscope diagnose`; it recognises them by content",
        )
    if manifest.stat().st_size > LARGEST_MANIFEST_BYTES:
        raise UnreadableInputError(f"{manifest}: {manifest.stat().st_size:,} bytes: larger than any manifest")
    try:
        document = json.loads(manifest.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UnreadableInputError(f"{manifest}: not valid JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT_NAME:
        raise UnreadableInputError(
            f'{manifest}: expected "format": "{FORMAT_NAME}", found {_shown(document)}',
            hint="this manifest was written by another program",
        )
    if document.get("version") != FORMAT_VERSION:
        raise UnreadableInputError(
            f"{manifest}: case version {document.get('version')!r}; this flinkscope reads {FORMAT_VERSION}",
            hint="update flinkscope",
        )
    try:
        return _from_document(root, document)
    except (TypeError, KeyError, AttributeError) as error:
        raise UnreadableInputError(f"{manifest}: damaged manifest: {error}") from error


def _from_document(root: Path, document: dict[str, Any]) -> Case:
    artifacts = tuple(Artifact(**a) for a in document.get("artifacts", []))
    for artifact in artifacts:
        inside = PurePosixPath(artifact.path)
        if inside.is_absolute() or ".." in inside.parts:
            raise UnreadableInputError(f"{root / MANIFEST_NAME}: artifact path leaves the case: {artifact.path!r}")
    return Case(
        root=root,
        title=str(document.get("title", "")),
        created_at=str(document.get("created_at", "")),
        processes=tuple(CaseProcess(**p) for p in document.get("processes", [])),
        artifacts=artifacts,
        missing=tuple(MissingArtifact(**m) for m in document.get("missing", [])),
        labels={str(k): str(v) for k, v in document.get("labels", {}).items()},
        name=root.name,
    )


def _unpack(archive_path: Path) -> Path:
    target = unpacked(archive_path)
    if (target / MANIFEST_NAME).is_file():
        return target
    inner = sorted(target.glob(f"*/{MANIFEST_NAME}"))
    return inner[0].parent if inner else target


def _shown(document: object) -> str:
    if isinstance(document, dict):
        return repr(document.get("format")) if "format" in document else "no format"
    return type(document).__name__
