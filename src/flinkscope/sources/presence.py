"""Whether something is at a path, when that may be asked at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from flinkscope.errors import SourceError

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


def is_there(path: str | Path) -> bool:
    """True for a file or folder. Raises SourceError where it cannot be told: ``Path.exists`` says no there from Python
    3.14 on, and a folder without rights would be called missing."""
    try:
        os.stat(path)
    except ValueError:  # a zero byte in it
        return False
    except OSError as error:
        if error.errno in _NOT_THERE:
            return False
        raise SourceError(f"{path}: {error.strerror or error}", hint="check the path and its permissions") from error
    return True
