"""Our files in the target's own file system: made with names that nobody can guess, fetched, and always removed."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from types import TracebackType

from flinkscope.errors import SourceError, UsageError
from flinkscope.sources.process import JavaProcess

LARGEST_FETCH_BYTES = 1 << 30


class WayUnavailable(SourceError):
    """This way to profile cannot be taken here; the message says why."""


class TargetFolder:
    """A folder of the target (``/tmp`` in its mount namespace) for the length of a ``with`` block.

    Each name is handed out once; whatever lies there under these names is removed at the end, also when the target has
    ended meanwhile: the folder is held by a descriptor, since ``/proc/PID/root`` goes with the process.
    """

    def __init__(self, process: JavaProcess, folder: str) -> None:
        if not folder.startswith("/") or ".." in Path(folder).parts:
            raise UsageError(f"{folder!r} is not an absolute path in the target's file system")
        self._process = process
        self._folder = folder.rstrip("/")
        self._names: list[str] = []
        self._descriptor = -1

    def __enter__(self) -> TargetFolder:
        """Nothing is made yet. WayUnavailable where there is no such folder."""
        try:
            outside = self._process.root / self._folder.lstrip("/")
            self._descriptor = os.open(outside, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise WayUnavailable(f"its folder {self._folder} cannot be opened: {error.strerror}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Removes what lies under the names."""
        for name in self._names:
            self.remove(name)
        os.close(self._descriptor)

    def name(self, ending: str) -> str:
        """A new path in the target's file system, for the target to write to."""
        name = f"{self._folder}/flinkscope-{secrets.token_hex(8)}{ending}"
        self._names.append(name)
        return name

    def put(self, data: bytes, ending: str) -> str:
        """A new file with these bytes that the target may read and execute; its path there."""
        name = self.name(ending)
        try:
            with os.fdopen(self._open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY), "wb") as stream:
                stream.write(data)
                os.fchmod(stream.fileno(), 0o755)
        except OSError as error:
            raise WayUnavailable(f"no file can be put into its {self._folder}: {error.strerror}") from error
        return name

    def read(self, name: str) -> bytes:
        """The bytes that the target wrote: only of a plain file of its own user, and of no link."""
        try:
            with os.fdopen(self._open(name, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
                found = os.fstat(stream.fileno())
                if not stat.S_ISREG(found.st_mode) or found.st_uid != self._process.uid:
                    raise WayUnavailable(f"{name} is not a plain file of user {self._process.uid}; it was left alone")
                if found.st_size > LARGEST_FETCH_BYTES:
                    raise WayUnavailable(f"{name} is larger than {LARGEST_FETCH_BYTES:,} bytes")
                return stream.read(LARGEST_FETCH_BYTES)
        except OSError as error:
            raise WayUnavailable(f"{name} was not written: {error.strerror}") from error

    def remove(self, name: str) -> None:
        """Removes it if it is there."""
        with contextlib.suppress(OSError):
            os.unlink(os.path.basename(name), dir_fd=self._descriptor)

    def remove_own(self, name: str) -> None:
        """Removes it if we put it there; another's file stays."""
        if name in self._names:
            self.remove(name)

    def _open(self, name: str, flags: int) -> int:
        return os.open(os.path.basename(name), flags | os.O_NOFOLLOW, 0o600, dir_fd=self._descriptor)
