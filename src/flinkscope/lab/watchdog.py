"""Kills the lab's JVMs when the process that started them is gone, however it ended (also by SIGKILL).

Runs as a script of its own, in its own session, and reads lines from a pipe that only the starter holds: ``watch PID``,
``forget PID``, ``folder PATH``. End of the pipe means that the starter is done or dead: it kills the process group of
each PID that is still watched and removes the folder, if that has the lab's marker in it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys

MARKER = ".flinkscope-lab"


def main() -> None:
    """Watches until the pipe ends, then cleans up."""
    watched: set[int] = set()
    folder = ""
    for line in sys.stdin:
        word, _, value = line.rstrip("\n").partition(" ")
        if word == "watch":
            watched.add(int(value))
        elif word == "forget":
            watched.discard(int(value))
        elif word == "folder":
            folder = value
    for pid in watched:
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    if folder and os.path.isfile(os.path.join(folder, MARKER)):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
