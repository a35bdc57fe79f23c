"""Log files as chunks of whole lines: plain, gzip or zip, one file or a rotated set, with wrapper prefixes taken off.

Memory stays at a few chunks whatever the size of the file or of its longest line.
"""

from __future__ import annotations

import codecs
import glob
import gzip
import io
import os
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from flinkscope.errors import SourceError, UnreadableInputError
from flinkscope.sources.presence import is_there
from flinkscope.sources.wrappers import cleaner

CHUNK_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 16
LONGEST_LINE_BYTES = 1 << 16
_ROTATION = re.compile(r"(?:\.\d+)?(?:\.current)?(?:\.gz)?$")
_COLOURS = re.compile(rb"\x1b\[[0-9;]{0,20}[A-Za-z]")  # docker compose and stern paint names, even into files
_UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log on disk, or one member of a zip. ``bytes_on_disk`` is for progress; 0 inside a zip."""

    path: Path
    member: str = ""
    bytes_on_disk: int = 0

    @property
    def name(self) -> str:
        """How to call it to a person: ``logs.zip!gc.log.0``."""
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    @property
    def stem(self) -> str:
        """The name that all files of a rotated set share, with its folder."""
        inner = Path(self.member) if self.member else self.path
        return str(inner.with_name(_ROTATION.sub("", inner.name)))

    def open(self) -> IO[bytes]:
        """The bytes as they were logged (unpacked). SourceError when it cannot be opened."""
        try:
            if self.member:
                return zipfile.ZipFile(self.path).open(self.member)
            stream = self.path.open("rb")
            if stream.read(2) == b"\x1f\x8b":
                stream.seek(0)
                return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]
            stream.seek(0)
            return stream
        except (OSError, zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SourceError(f"{self.name}: {reason}", hint="check the path and its permissions") from error

    def sample(self) -> bytes:
        """The first 64 KiB, unpacked, as UTF-8 without colours; what can be read where the file is damaged.

        Leading zeros are passed over: ``logrotate`` with copytruncate leaves a hole before what the JVM writes next.
        """
        with self.open() as stream:
            sample, _ = _read(stream, SAMPLE_BYTES)
            block = sample
            while block and not block.strip(b"\x00"):
                block, _ = _read(stream, CHUNK_BYTES)
            text = block.lstrip(b"\x00")[:SAMPLE_BYTES] if block is not sample and block else sample
            return _unpainted(_as_utf8(text))

    def tail(self) -> bytes:
        """The last 64 KiB of a plain file; of a packed one the whole must be unpacked, a chunk at a time."""
        with self.open() as stream:
            if isinstance(stream, io.BufferedReader):
                stream.seek(max(0, self.bytes_on_disk - SAMPLE_BYTES))
                return stream.read(SAMPLE_BYTES)
            last, damage = b"", None
            while damage is None:
                block, damage = _read(stream, CHUNK_BYTES)
                if not block:
                    break
                last = (last + block)[-SAMPLE_BYTES:]
            return last


def find_logs(paths: str | Path | Sequence[str | Path]) -> list[LogFile]:
    """The files meant by paths, globs, folders, zips; a member of a rotated set brings its siblings along.

    Raises SourceError where nothing is found. The order is that of the names; content decides later.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    found: dict[str, LogFile] = {}
    for path in given:
        for file in _expand(path):
            found.setdefault(file.name, file)
    if not found:
        raise SourceError("no log files found", hint="give files, a folder or a glob in quotes")
    return sorted(found.values(), key=lambda file: file.name)


def _expand(given: str | Path) -> Iterator[LogFile]:
    path = Path(given)
    try:
        if path.is_dir():
            yield from (_plain(child) for child in sorted(path.iterdir()) if child.is_file())
        elif path.is_file():
            if zipfile.is_zipfile(path):
                yield from _members(path)
            else:
                yield from (_plain(sibling) for sibling in _rotated_set(path))
        elif any(sign in str(given) for sign in "*?["):
            for match in sorted(glob.glob(str(given))):
                yield from _expand(Path(match)) if Path(match).is_dir() else [_plain(Path(match))]
        elif is_there(path):
            yield _plain(path)
        elif path.parent.is_dir() and (
            rotated := _rotated(path)
        ):  # -Xloggc:gc.log of JDK 8 writes gc.log.0.current and so on, but no gc.log
            yield from (_plain(sibling) for sibling in rotated)
        else:
            raise SourceError(f"{given}: no such file or folder", hint="check the path; quote a glob")
    except OSError as error:
        raise SourceError(f"{given}: {error.strerror or error}", hint="check the path and its permissions") from error


def _plain(path: Path) -> LogFile:
    return LogFile(path, bytes_on_disk=path.stat().st_size)


def _members(path: Path) -> list[LogFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [LogFile(path, info.filename) for info in archive.infolist() if info.file_size]
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableInputError(f"{path}: damaged zip: {error}", hint="pack the logs again") from error


def _rotated_set(path: Path) -> list[Path]:
    return _rotated(path) or [path]


def _rotated(path: Path) -> list[Path]:
    """The file, if it is there, and its siblings ``gc.log``, ``gc.log.0``, ``gc.log.1.current``, ``gc.log.2.gz``."""
    stem = _ROTATION.sub("", path.name)
    siblings = [
        child
        for child in path.parent.iterdir()
        if child.name.startswith(stem) and _ROTATION.sub("", child.name) == stem
    ]
    return sorted(child for child in siblings if child.is_file())


def chunks(
    file: LogFile, damage: Callable[[str], None], advance: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """The log as chunks of whole lines of about 1 MiB, without wrapper prefixes and carriage returns.

    A file that cannot be read to its end (cut gzip) gives what could be read; ``damage`` is told the reason.
    Lines are cut after 64 KiB. Cost: one pass, a few MiB of memory.
    """
    return map(cleaner(file.sample()), raw_chunks(file, damage, advance))


def raw_chunks(
    file: LogFile, damage: Callable[[str], None], advance: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """The same as they are in the file, wrapper prefixes and all, without a terminal's colours."""
    with file.open() as stream:
        rest, skipping = b"", False
        for block in _blocks(stream, file, damage, advance):
            if skipping:
                end = block.find(b"\n")
                if end < 0:
                    continue
                block, skipping = block[end:], False
            text = rest + block
            end = text.rfind(b"\n") + 1
            rest = text[end:]
            if len(rest) > CHUNK_BYTES:
                damage(f"{file.name}: a line longer than {CHUNK_BYTES:,} bytes was cut")
                yield _unpainted(text[:end] + rest[:LONGEST_LINE_BYTES])
                rest, skipping = b"", True
            elif end:
                yield _unpainted(text[:end])
        if rest:
            yield _unpainted(rest)


def _unpainted(text: bytes) -> bytes:
    return _COLOURS.sub(b"", text) if b"\x1b[" in text else text


def _blocks(
    stream: IO[bytes], file: LogFile, damage: Callable[[str], None], advance: Callable[[int], None] | None
) -> Iterator[bytes]:
    done, decode, returns_only = 0, None, False
    error: Exception | None = None
    while error is None:
        block, error = _read(stream, CHUNK_BYTES)
        if done == 0:
            if block[:2] in _UTF16_MARKS:
                decode = codecs.getincrementaldecoder(_UTF16_MARKS[block[:2]])("replace")
            returns_only = b"\r" in block and b"\n" not in block
            done, block = len(block) - len(block.removeprefix(codecs.BOM_UTF8)), block.removeprefix(codecs.BOM_UTF8)
        done += len(block)
        if error is not None:
            damage(f"{file.name}: after {done:,} unpacked bytes: {error}")
        if not block:
            return
        text = decode.decode(block).lstrip("\ufeff").encode() if decode else block
        yield text.replace(b"\r", b"\n") if returns_only else text
        if advance is not None:
            advance(len(block))


def _read(stream: IO[bytes], most: int) -> tuple[bytes, Exception | None]:
    """The next bytes, and why there are no more where the file is damaged: what came before the damage is not lost."""
    parts, size = [], 0
    try:
        while size < most and (part := stream.read1(most - size)):  # type: ignore[attr-defined]
            parts.append(part)
            size += len(part)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        return b"".join(parts), error
    return b"".join(parts), None


def _as_utf8(sample: bytes) -> bytes:
    encoding = _UTF16_MARKS.get(sample[:2])
    return sample[2:].decode(encoding, "replace").encode() if encoding else sample


def follow(file: LogFile, poll_seconds: float = 0.5) -> Iterator[bytes]:
    """The whole lines of a file that is still being written, then what is added, without end.

    Yields ``b""`` when nothing new came within ``poll_seconds``. A file that was rotated is read to its end, then the
    one that took its name, or (JDK 8: ``gc.log.0.current``) its place; one that shrank is read anew.
    """
    clean, path = cleaner(file.sample()), file.path
    while True:
        with path.open("rb") as stream:
            inode, rest = os.fstat(stream.fileno()).st_ino, b""
            ended = False
            while not ended:
                block = stream.read(CHUNK_BYTES)
                if not block:
                    yield b""
                    time.sleep(poll_seconds)
                    path, now = _written_now(path)
                    rotated = now is not None and now.st_ino != inode
                    ended = rotated or (now is not None and now.st_size < stream.tell())
                    block = stream.read() if rotated else b""
                text = rest + block
                end = text.rfind(b"\n") + 1
                rest = text[end:][-LONGEST_LINE_BYTES:]
                if end:
                    yield clean(_unpainted(text[:end]))


def _written_now(path: Path) -> tuple[Path, os.stat_result | None]:
    """The file that is being written: the same name, or the set's ``.current``; None in the moment between two."""
    try:
        if not path.exists():
            path = next((other for other in _rotated_set(path) if other.suffix == ".current"), path)
        return path, path.stat()
    except OSError:
        return path, None
