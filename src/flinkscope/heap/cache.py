"""Columns of dumps seen before, in the user's cache folder, so that opening a dump again takes under a second.

Keyed by size, modification time and a sample of the content; each column carries a checksum that is compared before
use, and a folder appears under its name only when it is complete. Least recently used dumps are removed past LIMIT.
Dumps below SMALL_BYTES are not worth it. ``FLINKSCOPE_CACHE`` names another folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

VERSION = 3
SMALL_BYTES = 16 << 20
LIMIT_BYTES = 12 << 30
SAMPLES = 64
SAMPLE_BYTES = 4096

_writers: list[threading.Thread] = []


def cache_root() -> Path:
    """The folder of all cached dumps."""
    named = os.environ.get("FLINKSCOPE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else (Path(base) if base else Path.home() / ".cache") / "flinkscope") / "heap"


def folder_of(path: str, data: Array) -> Path | None:
    """Where the columns of this dump belong; None if it is too small or its state cannot be read."""
    if len(data) < SMALL_BYTES:
        return None
    try:
        state = os.stat(path)
    except OSError:
        return None
    if state.st_size != len(data):  # a gzip dump is unpacked anew each time
        return None
    digest = hashlib.sha256(f"{VERSION} {len(data)} {state.st_mtime_ns}".encode())
    for position in np.linspace(0, len(data) - SAMPLE_BYTES, SAMPLES).astype(np.int64).tolist():
        digest.update(bytes(data[position : position + SAMPLE_BYTES]))
    return cache_root() / digest.hexdigest()[:32]


def load(folder: Path, group: str) -> tuple[dict[str, Any], dict[str, Array]] | None:
    """(facts, columns) of one group of a dump; None if it is absent, of another version, damaged or changed.

    Columns are private maps of their files: pages are read when used, writing does not reach the disk.
    """
    place = folder / group
    try:
        document = json.loads((place / "meta.json").read_text("utf-8"))
        if document["version"] != VERSION:
            return None
        columns = {name: _read(place / f"{name}.bin", about) for name, about in document["columns"].items()}
        os.utime(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return document["facts"], columns


def save_later(folder: Path, group: str, facts: dict[str, Any], columns: dict[str, Array]) -> None:
    """Writes a group in the background; the process waits for it at its end. A failure only means no cache."""
    if (folder / group).exists():
        return
    writer = threading.Thread(target=_save, args=(folder, group, facts, columns), name="flinkscope cache")
    writer.start()
    _writers.append(writer)


def wait_for_writers() -> None:
    """Returns when all columns are on disk."""
    while _writers:
        _writers.pop().join()


def _save(folder: Path, group: str, facts: dict[str, Any], columns: dict[str, Array]) -> None:
    need = sum(column.nbytes for column in columns.values())
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(folder).free < 4 * need:
            return
        _make_room(need)
        temporary = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
        about = {name: _write(temporary / f"{name}.bin", column) for name, column in columns.items()}
        document = {"version": VERSION, "facts": facts, "columns": about}
        (temporary / "meta.json").write_text(json.dumps(document), "utf-8")
        try:
            os.rename(temporary, folder / group)
        except OSError:  # another process was faster
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError:
        return


def _make_room(need: int) -> None:
    folders = [f for f in cache_root().iterdir() if f.is_dir()]
    sizes = {f: _size(f) for f in folders}
    for oldest in sorted(folders, key=_used):
        if sum(sizes.values()) + need <= LIMIT_BYTES:
            return
        shutil.rmtree(oldest, ignore_errors=True)
        sizes.pop(oldest)


def _size(folder: Path) -> int:
    """Bytes of its files, without what vanishes meanwhile: other writers rename folders, other processes make room.

    ``os.walk`` passes over a folder that is gone, where ``Path.rglob`` raises; a lost column is a lost cache.
    """
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _write(path: Path, column: Array) -> dict[str, Any]:
    flat = np.ascontiguousarray(column)
    with open(path, "wb") as stream:
        stream.write(flat.reshape(-1).view(np.uint8).data)
    return {"dtype": flat.dtype.str, "shape": list(flat.shape), "check": _fold(flat.reshape(-1).view(np.uint8))}


def _read(path: Path, about: dict[str, Any]) -> Array:
    dtype, shape = np.dtype(about["dtype"]), tuple(int(n) for n in about["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    if count == 0:
        return np.empty(shape, dtype)
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size != count * dtype.itemsize:
            raise ValueError(f"{path}: {size} bytes")
        content = np.frombuffer(mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_COPY), np.uint8)
    if _fold(content) != about["check"]:
        raise ValueError(f"{path}: checksum")
    column: Array = content.view(dtype).reshape(shape)
    return column


def _fold(content: Array) -> list[int]:
    """Exclusive or and sum of the 64-bit words, and of the odd bytes at the end: memory speed."""
    whole = len(content) // 8 * 8
    words = content[:whole].view(np.uint64)
    return [
        int(np.bitwise_xor.reduce(words)) if whole else 0,
        int(np.add.reduce(words)) if whole else 0,
        int(content[whole:].sum()),
    ]
