"""The bytes of a dump: mapped when plain, unpacked to an unnamed temporary file when gzip, else refused by name."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.errors import SourceError, UnreadableInputError
from flinkscope.progress import SILENT, Progress

MAGIC = b"JAVA PROFILE 1.0."

# first bytes → (what it is, what to do)
OTHER_KINDS = (
    (
        b"FLR\0",
        "a Java Flight Recording",
        "open it with `jfr summary` or JDK Mission Control; a heap dump is wanted here",
    ),
    (
        b"\x00\x12portable heap dump",
        "an OpenJ9 portable heap dump",
        "let OpenJ9 write HPROF, or convert it with Eclipse MAT",
    ),
    (b"\x7fELF", "an ELF file (a core dump?)", "turn it into HPROF: `jhsdb jmap --binaryheap --core CORE --exe JAVA`"),
    (b"PK\x03\x04", "a zip archive", "unzip it first, or give it to `flinkscope diagnose` if it is a case"),
    (b"\x28\xb5\x2f\xfd", "zstd compressed", "unpack it first: `zstd -d FILE`"),
    (b"\xfd7zXZ", "xz compressed", "unpack it first: `xz -dk FILE`"),
    (b"BZh", "bzip2 compressed", "unpack it first: `bzip2 -dk FILE`"),
    (b"\xca\xfe\xba\xbe", "a Java class file", "a heap dump is wanted here"),
    (b"JAVA PROFILE ", "a profile of another HPROF version", "HPROF 1.0.1 and 1.0.2 are read"),
)


@dataclass(frozen=True, slots=True)
class DumpBytes:
    """The plain bytes of a dump. ``data``: read-only uint8; ``damage``: why the bytes end early, or empty."""

    path: str
    data: npt.NDArray[Any]
    compressed_bytes: int | None
    damage: str = ""


def open_bytes(path: str | Path, *, work_dir: str | Path | None = None, progress: Progress = SILENT) -> DumpBytes:
    """Maps the dump, or unpacks a gzip one into ``work_dir`` (an unnamed file: it goes away with the process).

    Raises SourceError (missing, not permitted, disk full) or UnreadableInputError (a directory, empty, another kind).
    """
    name = os.fspath(path)
    try:
        if os.path.isdir(name):
            raise UnreadableInputError(f"{name}: a directory, not a heap dump", hint=_inside(name))
        with open(name, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            head = stream.read(64)
            if head.startswith(b"\x1f\x8b"):
                from flinkscope.formats.hprof.gzipped import unpack

                unpacked, damage = unpack(stream, size, work_dir, progress)
                with unpacked:
                    plain = os.fstat(unpacked.fileno()).st_size
                    unpacked.seek(0)
                    _check(name, unpacked.read(64), plain)
                    return DumpBytes(name, _mapped(unpacked.fileno(), plain), size, damage)
            _check(name, head, size)
            return DumpBytes(name, _mapped(stream.fileno(), size), None)
    except OSError as error:
        raise SourceError(f"{name}: {error.strerror or error}", hint="check the path and its permissions") from error


def _mapped(descriptor: int, size: int) -> npt.NDArray[Any]:
    return np.frombuffer(mmap.mmap(descriptor, size, access=mmap.ACCESS_READ), dtype=np.uint8)


def _check(name: str, head: bytes, size: int) -> None:
    if size == 0:
        raise UnreadableInputError(
            f"{name}: empty file", hint="the JVM died or the disk was full before it wrote the dump"
        )
    if head.startswith((MAGIC + b"1\0", MAGIC + b"2\0")):
        if size < 31:
            raise UnreadableInputError(f"{name}: cut inside the file header ({size} bytes)", hint="copy the dump again")
        return
    for magic, what, hint in OTHER_KINDS:
        if head.startswith(magic):
            raise UnreadableInputError(f"{name}: {what}, not an HPROF heap dump", hint=hint)
    if _is_text(head):
        hint = (
            "a GC log or other log goes to `flinkscope diagnose`" if head.startswith(b"[") else "a heap dump is wanted"
        )
        raise UnreadableInputError(f"{name}: a text file, not an HPROF heap dump", hint=hint)
    raise UnreadableInputError(
        f"{name}: at byte 0: expected 'JAVA PROFILE 1.0.2' or gzip, found {head[:20]!r}",
        hint="make a dump with `jcmd PID GC.heap_dump FILE` or -XX:+HeapDumpOnOutOfMemoryError",
    )


def _is_text(head: bytes) -> bool:
    return all(byte >= 32 or byte in (9, 10, 13) for byte in head)


def _inside(directory: str) -> str:
    found = sorted(n for n in os.listdir(directory) if n.endswith((".hprof", ".hprof.gz")))
    return f"did you mean {os.path.join(directory, found[0])}?" if found else "give the dump file itself"
