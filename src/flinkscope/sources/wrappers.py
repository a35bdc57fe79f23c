"""What others write around a log's lines: containerd, docker, kubectl, journald, syslog, service wrappers, JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

_STAMP = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_WRAPPERS = (
    rb"(?:\[pod/(?P<source>[^\]\n]{1,300})\] )?" + _STAMP + rb" (?:stdout|stderr) (?:(?P<part>P)|F) ",  # containerd
    rb"\[pod/(?P<source>[^\]\n]{1,300})\] (?:" + _STAMP + rb" )?",  # kubectl logs --prefix
    rb"(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? "
    rb"(?P<source>\S{1,100} [^:\[\n]{1,100}(?:\[\d+\])?): ",  # journalctl, syslog
    rb"<\d{1,3}>1 " + _STAMP + rb" (?P<source>\S{1,100} \S{1,100} \S{1,100}) \S{1,100} (?:-|\[[^\]\n]{0,500}\]) ",
    _STAMP + rb" (?P<source>\S{1,100} [^:\[\n ]{1,100}\[\d+\]): ",  # journalctl -o short-iso
    rb"(?:INFO|STATUS|ERROR|WARN|DEBUG) {1,4}\| [^|\n]{1,40}\| (?:[^|\n]{1,40}\| )?",  # Java service wrapper
    rb"(?P<source>[\w.-]{1,100}) {1,30}\| (?:" + _STAMP + rb" )?",  # docker compose
    _STAMP + rb" (?P<source>[\w.-]{1,100}(?:/[\w.:-]{1,100}){1,5}) ",  # aws logs tail
    _STAMP + rb" (?=[^:\n])",  # docker logs -t, kubectl logs --timestamps
)
# one JSON object a line: Docker's json-file ("log"), journalctl -o json ("MESSAGE"), log shippers; fluentd's tag before
# Objects that stand before the message are passed over whole.
_PASSED = rb"(?:[^\n{}]|\{(?:[^\n{}]|\{[^\n{}]{0,2000}\}){0,2000}\}){0,2000}?"
_IN_JSON = re.compile(
    rb"(?m)^(?:" + _STAMP + rb" (?:[+-]\d{4} )?[\w.-]{1,200}: )?"
    rb"\{(?:" + _PASSED + rb"[,{ ])?"
    rb'"(?:log|message|MESSAGE|msg|line|textPayload|body)": ?"((?:[^"\\\n]|\\.)*)"[^\n]*\}\r?$'
)
_JSON_SOURCE = re.compile(
    rb'(?m)^[^\n]*?"(?:pod_name|podname|container_name|container_id|_PID)": ?"(?P<source>[^"\n]{1,200})"'
)
_DOCKER_ESCAPES = {b"n": b"", b"t": b"\t", b"r": b"", b'"': b'"', b"\\": b"\\", b"/": b"/"}
# how a line of a GC log begins; what stands before it in most lines is somebody's prefix
_BEGINNING = re.compile(
    rb"\[(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d{3}[+-]\d{4}|\d{1,9}[.,]\d{3}s|\d{1,18}[mn]s)\](?=[\[ ])|"
    rb"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d{3}[+-]\d{4}: ?)?(?:(?<!\d)\d{1,9}[.,]\d{3}: ?)?(?:#\d{1,9}: ?)?"
    rb"(?:\[Full GC\b|\[GC(?!\w| Worker)|\[CMS-concurrent-|Total time for which application|CommandLine flags: )"
)
_LONGEST_PREFIX = 200
_DIGITS = re.compile(rb"\d+")


def cleaner(sample: bytes) -> Callable[[bytes], bytes]:
    """A function that takes the wrapper's prefix (as the sample shows it) and carriage returns off a chunk."""
    lines = _lines(sample)
    steps: list[Callable[[bytes], bytes]] = [lambda chunk: chunk.replace(b"\x00", b"")]  # holes of a truncated file
    if b"\r\n" in sample:
        steps.append(lambda chunk: chunk.replace(b"\r\n", b"\n"))
    if _most(_IN_JSON, lines):
        steps.append(lambda chunk: _IN_JSON.sub(_unescape, chunk))
    else:
        wrapper = _wrapper(lines)
        if wrapper is not None:
            steps.append(lambda chunk: _joined(wrapper, chunk))

    def clean(chunk: bytes) -> bytes:
        for step in steps:
            chunk = step(chunk)
        return chunk

    return clean


def source_pattern(sample: bytes) -> re.Pattern[bytes] | None:
    """Finds who wrote each line (group ``source``: a pod, a process), where the wrapper tells it; else None."""
    lines = _lines(sample)
    if _most(_IN_JSON, lines):
        return _JSON_SOURCE if _most(_JSON_SOURCE, lines) else None
    wrapper = _wrapper(lines)
    return wrapper if wrapper is not None and "source" in wrapper.groupindex else None


def _lines(sample: bytes) -> list[bytes]:
    return [line.rstrip(b"\r") for line in sample.split(b"\n")[:400] if line.strip()]


def _most(pattern: re.Pattern[bytes], lines: list[bytes]) -> bool:
    return bool(lines) and sum(pattern.match(line) is not None for line in lines) * 2 > len(lines)


def _wrapper(lines: list[bytes]) -> re.Pattern[bytes] | None:
    """The prefix that most lines have: a known one, else what stands before most beginnings."""
    for form in _WRAPPERS:
        anchored = re.compile(rb"(?m)^(?:" + form + rb")")
        if _most(anchored, lines):
            return anchored
    found = [match for line in lines if (match := _BEGINNING.search(line, 0, _LONGEST_PREFIX))]
    before = Counter(_DIGITS.sub(rb"0", match.string[: match.start()]) for match in found)
    for shape, count in before.most_common(1):
        if shape and count * 2 > len(found):
            anchored = re.compile(rb"(?m)^" + re.escape(shape).replace(b"0", rb"\d+"))
            return anchored if _most(anchored, lines) else None
    return None


def _joined(wrapper: re.Pattern[bytes], chunk: bytes) -> bytes:
    """Without the prefixes; containerd cuts lines of 16 KiB in parts, which belong together."""
    if "part" in wrapper.groupindex and any(match["part"] for match in wrapper.finditer(chunk)):
        chunk = wrapper.sub(lambda match: b"\x00" if match["part"] else b"\x01", chunk)
        chunk = re.sub(rb"(?m)^\x00([^\n]*)\n", rb"\1", chunk)
        return chunk.replace(b"\x00", b"").replace(b"\x01", b"")
    return wrapper.sub(b"", chunk)


def _unescape(match: re.Match[bytes]) -> bytes:
    return re.sub(
        rb"\\(?:u([0-9a-fA-F]{4})|(.))",
        lambda m: chr(int(m[1], 16)).encode("utf-8", "replace") if m[1] else _DOCKER_ESCAPES.get(m[2], m[2]),
        match[1],
    )
