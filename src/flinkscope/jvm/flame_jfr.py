"""The way by attach with the JVM's own flight recorder: started for so many seconds, dumped, ended, read by us."""

from __future__ import annotations

import contextlib
import secrets

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.jfr import read_jfr
from flinkscope.formats.jfr_stacks import EVENTS_OF, stacks_of
from flinkscope.formats.stacks import StackProfile
from flinkscope.jvm.flame_folder import TargetFolder, WayUnavailable
from flinkscope.jvm.flame_wait import waited
from flinkscope.jvm.verbs import JvmVerbs
from flinkscope.progress import Progress
from flinkscope.sources.attach import AttachError

_MORE_SECONDS = 60  # after which the recording ends itself, should we be killed
_TIMEOUT_S = 120.0


def profile_with_jfr(verbs: JvmVerbs, event: str, seconds: int, *, folder: str, progress: Progress) -> StackProfile:
    """A recording with settings=profile for so many seconds; cpu in samples, alloc in bytes, lock in nanoseconds.

    Raises WayUnavailable when the runtime has no recorder (no module jdk.jfr), or for wall, which it does not know.
    """
    if event not in EVENTS_OF:
        raise WayUnavailable(f"it knows no samples for {event}")
    name = f"flinkscope-{secrets.token_hex(4)}"
    with TargetFolder(verbs.process, folder) as files:
        path = files.name(".jfr")
        try:
            # with a duration JDK 21 writes a file of its own choice into the target's folder when the recording stops
            ends = f"duration={seconds + _MORE_SECONDS}s filename={files.name('-end.jfr')}"
            verbs.jcmd(f"JFR.start name={name} settings=profile dumponexit=false {ends}", timeout_s=_TIMEOUT_S)
        except AttachError as error:
            raise WayUnavailable(error.message) from error
        try:
            waited(verbs.process, seconds, f"recording {event} with JFR", progress)
            verbs.jcmd(f"JFR.dump name={name} filename={path}", timeout_s=_TIMEOUT_S)
        except AttachError as error:
            raise WayUnavailable(error.message) from error
        finally:
            with contextlib.suppress(AttachError):  # it ends itself a minute later
                verbs.jcmd(f"JFR.stop name={name}", timeout_s=_TIMEOUT_S)
        data = files.read(path)
    recording = read_jfr(data, f"process {verbs.process.pid} JFR", progress)
    try:
        return stacks_of(recording, event)
    except UnreadableInputError as error:
        raise WayUnavailable(f"nothing of {event} happened in {seconds} s: {error.message}") from error
