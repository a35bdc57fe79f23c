"""Zips from outside: unpacked into a private folder, refused when they are bombs."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import zipfile
from pathlib import Path

from flinkscope.errors import SourceError, UnreadableInputError

_SPARE_BYTES = 1 << 30
_MOST_RATIO = 100  # dumps of the lab shrink to a fifth, logs to a thirtieth; zeros to a thousandth
_unpacked_before: dict[tuple[int, ...], Path] = {}


def unpacked(archive_path: Path) -> Path:
    """The files of a zip in a private temporary folder that lives until the process ends.

    The same unchanged zip is unpacked once a process, so that a thousand diagnoses do not fill the disk. Absolute
    paths and ``..`` stay inside that folder, links become plain files (``zipfile``). Raises SourceError when there is
    no room, UnreadableInputError when the zip is damaged or claims more than a hundred times its size.
    """
    about = archive_path.stat()
    identity = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
    known = _unpacked_before.get(identity)
    if known is not None and known.is_dir():
        return known
    target = private_folder("flinkscope-zip-")
    try:
        with zipfile.ZipFile(archive_path) as archive:
            _check_size(archive_path, sum(info.file_size for info in archive.infolist()), target)
            archive.extractall(target)
    except (zipfile.BadZipFile, RuntimeError, EOFError, NotImplementedError) as error:
        raise UnreadableInputError(f"{archive_path}: damaged zip: {error}", hint="unpack it by hand") from error
    _unpacked_before[identity] = target
    return target


def private_folder(prefix: str) -> Path:
    """A new folder that only we can read, removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _check_size(archive_path: Path, need: int, target: Path) -> None:
    packed, free = archive_path.stat().st_size, shutil.disk_usage(target).free
    if need > _SPARE_BYTES + _MOST_RATIO * packed:
        raise UnreadableInputError(
            f"{archive_path}: {packed:,} bytes that claim to unpack to {need:,}: a zip bomb, not a case",
            hint="unpack it yourself and give the folder, if you trust it",
        )
    if need > free:
        raise SourceError(f"{archive_path}: needs {need:,} bytes unpacked, {free:,} are free in {target.parent}")
