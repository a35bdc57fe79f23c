"""A heap dump of one of the lab's own JVMs while it runs: HotSpot's attach protocol (version 1) in its simplest form.

The JVM is our child, in our namespaces, of our user, with its signal handlers in place; none of the protocol's pitfalls
applies. Source: jdk.attach's VirtualMachineImpl and hotspot's attachListener_posix.cpp of JDK 17.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

from flinkscope.errors import LabError

_SOCKET_TIMEOUT_S = 10.0
_DUMP_TIMEOUT_S = 180.0


def dump_live_heap(pid: int, working_folder: Path, target: Path) -> None:
    """Writes an HPROF of the objects that survive a full collection; the JVM stands still meanwhile (about 50 MB/s).

    ``working_folder`` is the JVM's. Raises LabError when the JVM does not answer or cannot write.
    """
    endpoint = Path("/tmp") / f".java_pid{pid}"
    if not endpoint.is_socket():
        _open_endpoint(pid, working_folder, endpoint)
    words = ("1", "dumpheap", str(target), "-live", "")
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(_DUMP_TIMEOUT_S)
        try:
            channel.connect(str(endpoint))
            channel.sendall(b"".join(word.encode() + b"\0" for word in words))
            answer = b"".join(iter(lambda: channel.recv(4096), b"")).decode(errors="replace")
        except OSError as error:
            raise LabError(f"process {pid}: heap dump over the attach socket failed: {error}") from error
    code, _, text = answer.partition("\n")
    if code != "0" or not target.is_file():  # a failed write answers with code 0 too
        raise LabError(f"process {pid}: no heap dump: {text.strip() or code}")


def _open_endpoint(pid: int, working_folder: Path, endpoint: Path) -> None:
    request = working_folder / f".attach_pid{pid}"
    request.touch()
    try:
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + _SOCKET_TIMEOUT_S
        while not endpoint.is_socket():
            if time.monotonic() > deadline:
                raise LabError(f"process {pid}: opened no attach socket in {_SOCKET_TIMEOUT_S:.0f} s")
            time.sleep(0.05)
    except ProcessLookupError as error:
        raise LabError(f"process {pid}: has ended") from error
    finally:
        request.unlink(missing_ok=True)
