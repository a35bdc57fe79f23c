"""Several cases as one: a private temporary folder of links, so that nothing is copied and names stay short."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from flinkscope.sources.archive import private_folder
from flinkscope.sources.case import Artifact, Case, CaseProcess
from flinkscope.sources.clues import clues_of, joined


def merged(cases: Sequence[Case]) -> tuple[Case, list[str]]:
    """One case with the processes and artifacts of all, and which of these were there twice; a single one as it is.

    Processes of the same id, or whose logs name the same ResourceID or start, are the same process: what one case does
    not know of it, another tells. Files of an unnamed process (``jvm``) are the only other process' where there is but
    one. Artifacts of a whole case stay with its own process where it has only one.
    """
    if len(cases) == 1:
        return cases[0], []
    same = _aliases(cases)
    folder = private_folder("flinkscope-merged-")
    artifacts: list[Artifact] = []
    processes: dict[str, CaseProcess] = {}
    for number, case in enumerate(cases, 1):
        name = _folder_name(case, number, cases)
        (folder / name).symlink_to(os.path.abspath(case.root))
        only = case.processes[0].id if len(case.processes) == 1 else None
        for artifact in case.artifacts:
            artifacts.append(
                replace(artifact, path=f"{name}/{artifact.path}", process=_id(same, number, artifact.process or only))
            )
        for process in case.processes:
            known = replace(process, id=_id(same, number, process.id) or process.id)
            processes[known.id] = _same(processes.get(known.id), known)
    kept = _each_once(artifacts, folder)
    case = Case(
        root=folder,
        title=", ".join(dict.fromkeys(case.title for case in cases)),
        created_at=max(case.created_at for case in cases),
        processes=tuple(processes.values()),
        artifacts=tuple(kept),
        missing=tuple(m for case in cases for m in case.missing),
        labels={key: value for case in reversed(cases) for key, value in case.labels.items()},
        name=cases[0].name,
    )
    return case, [a.path for a in artifacts if a not in kept]


def _each_once(artifacts: Sequence[Artifact], root: Path) -> list[Artifact]:
    """Of files of one process with the same kind and name, as a process and its cluster's REST give, the longest."""
    best: dict[tuple[str | None, str, str], Artifact] = {}
    for artifact in artifacts:
        key = (artifact.process, artifact.kind, artifact.path.rpartition("/")[2])
        known = best.get(key)
        if known is None or (root / artifact.path).stat().st_size > (root / known.path).stat().st_size:
            best[key] = artifact
    return [a for a in artifacts if a in best.values()]


def _folder_name(case: Case, number: int, cases: Sequence[Case]) -> str:
    safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in case.name).strip(".") or "case"
    return safe if [c.name for c in cases].count(case.name) == 1 and safe == case.name else f"{safe}-{number}"


def _id(aliases: Mapping[tuple[int, str], str], case: int, process: str | None) -> str | None:
    return None if process is None else aliases.get((case, process), process)


def _aliases(cases: Sequence[Case]) -> dict[tuple[int, str], str]:
    """(number of the case, process there) → its id in the merged case, where that is another one."""
    every = [(number, process) for number, case in enumerate(cases, 1) for process in case.processes]
    ids = {process.id for _, process in every}
    first_with: dict[str, str] = {}
    found: dict[tuple[int, str], str] = {}
    for number, process in every:
        mark = _birth_mark(cases[number - 1], process.id)
        if mark is not None:
            found[number, process.id] = mark if mark in ids else first_with.setdefault(mark, process.id)
    unnamed = [(number, process.id) for number, process in every if process.role == "jvm"]
    named = {found.get((n, p.id), p.id) for n, p in every if p.role not in ("jvm", "client")}
    if len(unnamed) == 1 and len(named) == 1:
        found[unnamed[0]] = named.pop()
    return found


def _birth_mark(case: Case, process: str) -> str | None:
    """What only one process has: its ResourceID; of a JobManager, which has none, the second it started in."""
    clues = joined(clues_of(case.path_of(log), log.kind) for log in case.of_kind("flink_log", process))
    if clues.resource_id is not None or clues.role is None or clues.begun_s is None:
        return clues.resource_id
    return f"{clues.role} {clues.begun_s}"


def _same(known: CaseProcess | None, other: CaseProcess) -> CaseProcess:
    if known is None:
        return other
    return CaseProcess(
        id=known.id,
        role=known.role if known.role != "jvm" else other.role,
        flink_version=known.flink_version or other.flink_version,
        java_version=known.java_version or other.java_version,
        exit_code=known.exit_code if known.exit_code is not None else other.exit_code,
        started_at=known.started_at or other.started_at,
        ended_at=known.ended_at or other.ended_at,
    )
