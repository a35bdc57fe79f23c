"""The lines of a log file as text: unpacked, decoded, cut to size, without the prefixes that a wrapper put there."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator

from flinkscope.formats.flink_log_records import LONGEST_LINE, log_records
from flinkscope.sources.logfiles import LogFile
from flinkscope.sources.wrappers import cleaner

_BLOCK_BYTES = 1 << 20
_SAMPLE_LINES = 300
_PREFIXES = (
    re.compile(rb"(?m)^\[pod/[^\]\n]{1,300}\] "),  # kubectl logs --prefix
    re.compile(rb"(?m)^[\w.-]{1,100} {1,30}\| "),  # docker compose logs
)


def log_lines(file: LogFile, damage: Callable[[str], None]) -> Iterator[str]:
    """The lines without their ends. Memory: about 2 MiB whatever the length of the lines; these are cut at 16,384.

    ``damage`` is told what could not be read (a gzip cut short) and how many lines were cut.
    """
    clean = _cleaner(file)
    cut = 0
    for block in _blocks(file, damage):
        for line in clean(block).split(b"\n"):
            cut += len(line) > LONGEST_LINE
            yield line[:LONGEST_LINE].rstrip(b"\r").decode("utf-8", "replace")
    if cut:
        damage(f"{file.name}: {cut} lines longer than {LONGEST_LINE:,} bytes were cut")


def _cleaner(file: LogFile) -> Callable[[bytes], bytes]:
    """Takes a wrapper's prefix off where that shows more records: a log's own time must not be taken for one."""
    sample = file.sample()
    steps: list[Callable[[bytes], bytes]] = [bytes, cleaner(sample)]
    steps += [lambda block, prefix=prefix: prefix.sub(b"", block) for prefix in _PREFIXES]  # type: ignore[misc]
    return max(steps, key=lambda clean: _records_in(clean(sample)))


def _records_in(sample: bytes) -> int:
    lines = sample.decode("utf-8", "replace").split("\n")[:_SAMPLE_LINES]
    return sum(record.laid_out and record.time is not None for record in log_records(iter(lines)))


def _blocks(file: LogFile, damage: Callable[[str], None]) -> Iterator[bytes]:
    """Blocks of whole lines without the last line end; of a line longer than two blocks only the first part."""
    rest, skipping, done = b"", False, 0
    with file.open() as stream:
        read = getattr(stream, "read1", stream.read)  # read() of a gzip cut short loses what it has unpacked
        while True:
            try:
                block = read(_BLOCK_BYTES)
            except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
                damage(f"{file.name}: cannot be read beyond {done:,} unpacked bytes: {error}")
                break
            if not block:
                break
            done += len(block)
            rest += block
            end = rest.rfind(b"\n")
            if skipping:
                start = rest.find(b"\n")
                rest, skipping = (rest[start:], False) if start >= 0 else (b"", True)
                end = rest.rfind(b"\n")
            if end > 0:
                yield rest[:end]
                rest = rest[end + 1 :]
            elif len(rest) > 2 * _BLOCK_BYTES:
                yield rest
                rest, skipping = b"", True
    if rest:
        yield rest.removesuffix(b"\n")
