"""Facts from the logs and the output of one process: what it said when it failed, and what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from flinkscope.diagnosis.facts import LogEvent
from flinkscope.formats.flink_log import read_flink_log
from flinkscope.formats.flink_log_facts import StartUp, Symptom
from flinkscope.place import Place

# nobody logs its own kill: a JobManager tells of its workers
_OF_OTHERS = frozenset({"container_killed", "worker_ended", "worker_exit_code"})


@dataclass(frozen=True, slots=True)
class LogFacts:
    """``started_with``: the -D arguments of the last start, which hold the memory split; empty where not logged."""

    events: tuple[LogEvent, ...]
    flink_version: str | None = None
    java_version: str | None = None
    role: str | None = None
    started_with: Mapping[str, str] = field(default_factory=dict)
    starts: tuple[StartUp, ...] = ()
    programs: tuple[LogEvent, ...] = ()


def log_facts(files: Mapping[str, Path]) -> LogFacts:
    """What the files (name → path) of one process say together. ``name`` is used in places.

    Raises SourceError or UnreadableInputError when a file is no text.
    """
    names = {path.name: name for name, path in files.items()} | {str(path): name for name, path in files.items()}
    log = read_flink_log(list(files.values()))
    start = log.starts[-1] if log.starts else None
    return LogFacts(
        events=tuple(_event(s, names) for s in log.symptoms),
        flink_version=start.flink_version if start else None,
        java_version=start.java_version if start else None,
        role=_role(log.starts),
        started_with=start.dynamic_properties() if start else {},
        starts=tuple(replace(s, place=_place(s.place, names)) for s in log.starts),
        programs=tuple(
            LogEvent("program", "Starting program", _place(s.place, names), s.time)
            for s in log.submissions
            if s.kind == "program"
        ),
    )


def _event(symptom: Symptom, names: Mapping[str, str]) -> LogEvent:
    where = _place(symptom.place, names)
    of_task = symptom.of_task or symptom.kind in _OF_OTHERS
    return LogEvent(symptom.kind, symptom.text, where, symptom.time, symptom.details, symptom.stack, of_task)


def _place(place: Place, names: Mapping[str, str]) -> Place:
    return Place(names.get(place.source, place.source), line=place.line)


def _role(starts: Sequence[StartUp]) -> str | None:
    roles = [start.role for start in starts if start.role in ("taskmanager", "jobmanager")]
    return roles[-1] if roles else None
