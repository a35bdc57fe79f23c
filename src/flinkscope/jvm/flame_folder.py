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

    Each name is handed out once; whatever lies there under these names is removed at the end.
    """

    def __init__(self, process: JavaProcess, folder: str) -> None:
        if not folder.startswith("/") or ".." in Path(folder).parts:
            raise UsageError(f"{folder!r} is not an absolute path in the target's file system")
        self._process = process
        self._folder = folder.rstrip("/")
        self._names: list[str] = []

    def __enter__(self) -> TargetFolder:
        """Nothing is made yet. WayUnavailable where there is no such folder."""
        if not self._outside(self._folder or "/").is_dir():
            raise WayUnavailable(f"there is no folder {self._folder} in its file system")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Removes what lies under the names."""
        for name in self._names:
            self.remove(name)

    def name(self, ending: str) -> str:
        """A new path in the target's file system, for the target to write to."""
        name = f"{self._folder}/flinkscope-{secrets.token_hex(8)}{ending}"
        self._names.append(name)
        return name

    def put(self, data: bytes, ending: str) -> str:
        """A new file with these bytes that the target may read and execute; its path there."""
        name = self.name(ending)
        try:
            handle = os.open(self._outside(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                os.fchmod(stream.fileno(), 0o755)
        except OSError as error:
            raise WayUnavailable(f"no file can be put into its {self._folder}: {error.strerror}") from error
        return name

    def read(self, name: str) -> bytes:
        """The bytes that the target wrote: only of a plain file of its own user, and of no link."""
        try:
            with open(os.open(self._outside(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
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
            self._outside(name).unlink()

    def remove_own(self, name: str) -> None:
        """Removes it if we put it there; another's file stays."""
        if name in self._names:
            self.remove(name)

    def _outside(self, name: str) -> Path:
        return self._process.root / name.lstrip("/")
