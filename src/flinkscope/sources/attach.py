"""HotSpot's attach protocol, versions 1 and 2: asks a running JVM to carry out a verb. No JDK, no class added to it.

Who may: the JVM's own user, or root. How: a file ``.attach_pidN`` and SIGQUIT make the JVM open a socket; each request
is one connection. A JVM that would print a dump or die of that signal is found out *before* it is sent. Measured on
11 to 25: failures may come with code 0; the socket's path may be longer than 108 bytes; root must act as the target's
user; a stopped process never answers.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from flinkscope.errors import SourceError, UnreadableInputError
from flinkscope.sources.process import PROC, JavaProcess, environment_of, java_process

HANDSHAKE_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
LARGEST_ANSWER_BYTES = 256 << 20
_STREAMING_SINCE = 24
_AS_TARGET = threading.Lock()


class AttachError(SourceError):
    """The JVM cannot be attached to, or did not answer."""


class AttachRefusedError(AttachError):
    """The JVM answered that it will not or cannot do it; ``answer`` is its own text."""

    def __init__(self, message: str, answer: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class AttachAnswer:
    """What the JVM said: ``code`` 0 means that it tried; ``text`` may still tell of a failure."""

    code: int
    text: str


def attach(
    process: JavaProcess,
    verb: str,
    *arguments: str,
    allowed: bool | None = None,
    java_major: int | None = None,
    timeout_s: float = ANSWER_TIMEOUT_S,
    on_text: Callable[[bytes], None] | None = None,
) -> AttachAnswer:
    """Sends one verb (``jcmd``, ``load``, ``properties``, …) with up to three arguments and waits for the answer.

    ``allowed``: whether the JVM lets itself be attached to, from hsperfdata's ``sun.rt.jvmCapabilities``; None if not
    known, then its flags decide. ``on_text`` is given each piece as it comes (a stream from Java 24 on). ``timeout_s``
    bounds the silence between two pieces. Leaves nothing behind but the JVM's own socket. Raises AttachError.
    """
    _check(process, allowed)
    with _socket_of(process) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.sendall(_request(verb, arguments, streaming=(java_major or 0) >= _STREAMING_SINCE))
            data = _read_all(connection, on_text)
        except TimeoutError as error:
            raise AttachError(
                f"process {process.pid}: no answer to {verb} for {timeout_s:.0f} s",
                hint="the JVM may be in a long collection or hang; look at its CPU and GC log",
            ) from error
        except OSError as error:
            raise AttachError(f"process {process.pid}: the connection broke: {error.strerror or error}") from error
    return _answer(process, data)


def attach_listens(process: JavaProcess) -> bool:
    """Whether the JVM's attach socket is there already, so that no signal is needed."""
    try:
        found = os.stat(_temporary(process) + "/" + _socket_name(process), follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == process.uid


def _check(process: JavaProcess, allowed: bool | None) -> None:
    if process.virtual_machine == "openj9":
        raise AttachError(f"process {process.pid} is an OpenJ9 JVM; only HotSpot's attach protocol is spoken here")
    if os.geteuid() not in (0, process.uid):
        raise AttachError(
            f"process {process.pid} belongs to user {process.uid}, we are user {os.geteuid()}",
            hint=f"run as user {process.uid} or as root; in a pod: the container's own user",
        )
    if not process.alive():
        raise AttachError(f"process {process.pid} has ended")
    if process.stopped():
        raise AttachError(f"process {process.pid} is stopped (SIGSTOP or a debugger) and cannot answer")
    if allowed is False or _disabled_by_flag(process):
        raise AttachError(
            f"process {process.pid} forbids attaching (-XX:+DisableAttachMechanism); nothing was sent to it",
            hint="use hsperfdata (`flinkscope gcutil`), Flink's REST or a restart without that flag",
        )
    if allowed is None and _flags_hidden(process) and not attach_listens(process):
        raise AttachError(
            f"process {process.pid}: it cannot be told whether it allows attaching: no hsperfdata, flags in a file",
            hint="without -XX:-UsePerfData it could be told; nothing was sent to the process",
        )


def _disabled_by_flag(process: JavaProcess) -> bool:
    environment = environment_of(process)
    words = [word for name in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS") for word in environment.get(name, "").split()]
    switches = [word for word in (*words, *process.command) if word[:5] in ("-XX:+", "-XX:-")]
    chosen = [word for word in switches if word[5:] == "DisableAttachMechanism"]
    return bool(chosen) and chosen[-1][4] == "+"


def _flags_hidden(process: JavaProcess) -> bool:
    return any(word.startswith(("@", "-XX:Flags=", "-XX:VMOptionsFile=")) for word in process.command[1:])


def _request(verb: str, arguments: tuple[str, ...], *, streaming: bool) -> bytes:
    if len(arguments) > 3 or any("\0" in word for word in (verb, *arguments)):
        raise ValueError("the attach protocol takes up to three arguments without NUL")
    if streaming:
        payload = b"".join(word.encode() + b"\0" for word in (f"{verb} streaming=1", *arguments))
        return f"2\0{len(payload)}\0".encode() + payload
    padded = (*arguments, *[""] * (3 - len(arguments)))
    return b"".join(word.encode() + b"\0" for word in ("1", verb, *padded))


def _read_all(connection: socket.socket, on_text: Callable[[bytes], None] | None) -> bytes:
    pieces, size = [], 0
    while piece := connection.recv(1 << 16):
        size += len(piece)
        if size > LARGEST_ANSWER_BYTES:
            raise AttachError(f"the answer is larger than {LARGEST_ANSWER_BYTES:,} bytes")
        pieces.append(piece)
        if on_text is not None:
            on_text(piece)
    return b"".join(pieces)


def _answer(process: JavaProcess, data: bytes) -> AttachAnswer:
    first, _, rest = data.partition(b"\n")
    if not first.strip().lstrip(b"-").isdigit():
        if not data:
            raise AttachError(f"process {process.pid} closed the connection without an answer; it may be ending")
        raise UnreadableInputError(f"process {process.pid}: expected a result code, found {first[:40]!r}")
    return AttachAnswer(int(first), rest.decode("utf-8", "replace"))


@contextmanager
def _socket_of(process: JavaProcess) -> Iterator[socket.socket]:
    connection = _connected(process) if attach_listens(process) else None
    if connection is None:  # none yet, or one that a dead JVM with the same pid left behind
        _handshake(process)
        connection = _connected(process)
    if connection is None:
        raise AttachError(f"process {process.pid}: its attach socket refuses connections")
    with connection:
        yield connection


def _handshake(process: JavaProcess) -> None:
    """Makes the JVM open its socket. Removes the file that asks for it, whatever happens."""
    fresh = java_process(process.pid)
    if fresh.start_ticks != process.start_ticks:
        raise AttachError(f"process {process.pid} has ended, and another has its pid now")
    if not fresh.catches_sigquit:
        raise AttachError(
            f"process {process.pid} does not handle SIGQUIT and would die of it; nothing was sent",
            hint="started with -Xrs? then it needs -XX:+StartAttachListener; or it is still starting",
        )
    pidfd = os.pidfd_open(process.pid)
    try:
        if not process.alive():
            raise AttachError(f"process {process.pid} has ended")
        with _wish_file(process):
            signal.pidfd_send_signal(pidfd, signal.SIGQUIT)
            _wait_for_socket(process, pidfd)
    except ProcessLookupError as error:
        raise AttachError(f"process {process.pid} has ended") from error
    finally:
        os.close(pidfd)


def _wait_for_socket(process: JavaProcess, pidfd: int) -> None:
    deadline = time.monotonic() + HANDSHAKE_TIMEOUT_S
    pause_ms = 10
    while not _answers(process):
        ended, _, _ = select.select([pidfd], [], [], pause_ms / 1000)
        pause_ms = min(200, pause_ms * 2)
        if ended:
            raise AttachError(f"process {process.pid} ended while it was attached to")
        if time.monotonic() > deadline:
            raise AttachError(
                f"process {process.pid} did not open its attach socket within {HANDSHAKE_TIMEOUT_S:.0f} s",
                hint="it hangs, or waits for a safepoint; a thread dump may stand in its standard output",
            )


def _answers(process: JavaProcess) -> bool:
    if not attach_listens(process):
        return False
    connection = _connected(process)
    if connection is None:
        return False
    connection.close()
    return True


@contextmanager
def _wish_file(process: JavaProcess) -> Iterator[None]:
    """``.attach_pidN`` in the target's working directory, or in its /tmp: HotSpot looks there in this order."""
    name = f".attach_pid{process.namespace_pid}"
    directory = _put_wish(process, name)
    try:
        yield
    finally:
        with suppress(FileNotFoundError), _as_target(process):
            os.unlink(name, dir_fd=directory)
        os.close(directory)


def _put_wish(process: JavaProcess, name: str) -> int:
    """Creates the file; the descriptor of its folder."""
    errors = []
    for folder in (str(PROC / str(process.pid) / "cwd"), _temporary(process)):
        directory = -1
        try:
            directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            with _as_target(process):
                os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=directory))
        except OSError as error:
            if directory >= 0:
                os.close(directory)
            if isinstance(error, FileExistsError):
                raise AttachError(
                    f"process {process.pid}: another attach is under way ({folder}/{name} is there)",
                    hint="try again; remove the file if no other tool is at work",
                ) from error
            errors.append(f"{folder}: {error.strerror}")
        else:
            return directory
    raise AttachError(f"process {process.pid}: no place for the attach file: {'; '.join(errors)}")


def _connected(process: JavaProcess) -> socket.socket | None:
    """A connection to the JVM's socket; None when nobody listens there. The path goes through a descriptor: it may be
    longer than the 108 bytes of a socket address."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(HANDSHAKE_TIMEOUT_S)
    try:
        with _directory(_temporary(process)) as directory, _as_target(process):
            connection.connect(f"/proc/self/fd/{directory}/{_socket_name(process)}")
    except (ConnectionRefusedError, FileNotFoundError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise AttachError(f"process {process.pid}: its attach socket cannot be reached: {error.strerror}") from error
    return connection


@contextmanager
def _directory(path: str) -> Iterator[int]:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield directory
    finally:
        os.close(directory)


@contextmanager
def _as_target(process: JavaProcess) -> Iterator[None]:
    """Acts as the target's user and group: HotSpot accepts files and peers of its own user only."""
    if (os.geteuid() == process.uid and os.getegid() == process.gid) or os.geteuid() != 0:
        yield
        return
    with _AS_TARGET:  # the identity is that of the whole process, not of a thread
        group = os.getegid()
        os.setegid(process.gid)
        try:
            os.seteuid(process.uid)
            yield
        finally:
            os.seteuid(0)
            os.setegid(group)


def _temporary(process: JavaProcess) -> str:
    return f"{process.root}/tmp"


def _socket_name(process: JavaProcess) -> str:
    return f".java_pid{process.namespace_pid}"
