"""Facts from a thread dump: how many threads, which names repeat, who turns in a trigger."""

from __future__ import annotations

from pathlib import Path

from flinkscope.diagnosis.facts import ThreadFacts
from flinkscope.errors import SourceError
from flinkscope.formats.thread_dump import ThreadRecord, parse_thread_dump
from flinkscope.jvm.threads import thread_view
from flinkscope.sources.recognise import text_of

MOST_BYTES = 64 * 1024 * 1024
_FRAMES = 6


def thread_facts(path: Path, name: str) -> ThreadFacts:
    """One thread dump. Raises SourceError, or UnreadableInputError when it is none."""
    try:
        dump = parse_thread_dump(text_of(path, MOST_BYTES), name)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    looping = [thread for thread in dump.threads if _turns_in_trigger(thread)]
    return ThreadFacts(
        place=dump.place,
        threads=len(dump.threads),
        repeated={row.name: row.count for row in thread_view(dump).repeated},
        trigger_loops=len(looping),
        trigger_frames=looping[0].frames[:_FRAMES] if looping else (),
    )


def _turns_in_trigger(thread: ThreadRecord) -> bool:
    """Whether it runs a processing-time trigger from a timer (FLINK-35069 never leaves that loop)."""
    frames = "\n".join(thread.frames)
    return "InternalTimerServiceImpl.onProcessingTime" in frames and "ContinuousProcessingTimeTrigger" in frames
