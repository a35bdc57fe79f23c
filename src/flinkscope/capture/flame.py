"""Who allocates: collapsed stacks of some seconds, taken in the best way that is open (``jvm.flame_live``).

Opened by ``flinkscope flame FILE``. A pod gives a flight recording, which is opened in the same way.
"""

from __future__ import annotations

from flinkscope.capture.pod_jvm import PodJvm
from flinkscope.capture.recording import Recording, Step
from flinkscope.formats.collapsed import collapsed_lines
from flinkscope.jvm.flame_live import FlameTarget, record_flame

_EVENT = "alloc"


def flame_step(target: FlameTarget, process: str, seconds: int) -> Step:
    """A process here or of a cluster. The user asked for it, so an agent or a recording may be started in it."""

    def record(recording: Recording) -> None:
        found = record_flame(target, _EVENT, seconds, may_change=True)
        text = "\n".join(collapsed_lines(found.profile)) + "\n"
        recording.save_text(f"flame-{_EVENT}.collapsed", text, f"{found.way}, {seconds} s")

    return Step(f"flame graph of {process}", "flame", process, record)


def recording_step(reach: PodJvm, seconds: int) -> Step:
    """A flight recording by attach: started, fetched and ended. Costs about 1 % of CPU meanwhile; stops nothing."""

    def record(recording: Recording) -> None:
        target = recording.path("flame.jfr")
        target.unlink(missing_ok=True)
        reach.record(target, seconds)
        recording.add(target, f"attach: flight recording of {seconds} s, settings=profile")

    return Step("flight recording", "flame", reach.jvm.process.id, record)
