"""How a process ended, from those who saw it end: Kubernetes, the kernel, the JVM's crash file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flinkscope.diagnosis.facts import LogEvent
from flinkscope.errors import SourceError
from flinkscope.formats.dmesg import kernel_kills
from flinkscope.formats.flink_symptoms import symptoms_in
from flinkscope.formats.hs_err import parse_hs_err
from flinkscope.formats.pod_status import read_pod_status
from flinkscope.place import Place
from flinkscope.sources.recognise import text_of

MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class EndFacts:
    """``events``: as LogEvents, so that rules need not care who said it. ``exit_code``: None where nobody tells."""

    events: tuple[LogEvent, ...]
    exit_code: int | None = None
    limit_bytes: int | None = None  # of the container, as the pod tells it
    place: Place | None = None


def end_facts(path: Path, name: str, kind: str) -> EndFacts:
    """What one artifact (hs_err, pod_status or dmesg) tells. ``name`` is used in places.

    Raises SourceError when it cannot be read, UnreadableInputError or FormatError when it is something else.
    """
    try:
        text = text_of(path, MOST_BYTES)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    if kind == "pod_status":
        return _of_pod(text, name)
    if kind == "dmesg":
        return EndFacts(tuple(_of_kernel(text, name)))
    return EndFacts(tuple(_of_crash(text, name)))


def _of_pod(text: str, name: str) -> EndFacts:
    containers = [c for pod in read_pod_status(text, name) for c in pod.containers]
    ends = [end for c in containers for end in c.ends]
    killed = tuple(
        LogEvent("container_killed", f"{e.reason}, exit code {e.exit_code}", e.place, e.finished_at)
        for e in ends
        if e.reason == "OOMKilled"
    )
    codes = [e.exit_code for e in ends if e.exit_code not in (None, 0)]
    limited = next((c for c in containers if c.memory_limit_bytes is not None), None)
    return EndFacts(
        killed,
        codes[0] if codes else None,
        limited.memory_limit_bytes if limited else None,
        limited.place if limited else None,
    )


def _of_kernel(text: str, name: str) -> Iterator[LogEvent]:
    for kill in kernel_kills(text.splitlines(), name):
        kind = "container_killed" if "java" in kill.name else "python_killed" if "python" in kill.name else None
        if kind is not None:
            text = f"the kernel killed {kill.name} (pid {kill.pid})" + (f" in {kill.group}" if kill.group else "")
            yield LogEvent(kind, text, kill.place, kill.time)


def _of_crash(text: str, name: str) -> Iterator[LogEvent]:
    crash = parse_hs_err(text, name)
    if crash.refused_bytes is not None or crash.refused_for is not None:
        yield LogEvent("native_memory", crash.headline, crash.place)
    if crash.out_of_memory is not None:
        for symptom, _ in symptoms_in(f"java.lang.OutOfMemoryError: {crash.out_of_memory}"):
            yield LogEvent(symptom.kind, crash.out_of_memory, crash.place)
