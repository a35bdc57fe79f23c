"""hs_err_pid files: why HotSpot itself died: a crash, native memory that the system refused, a wanted abort."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flinkscope.errors import UnreadableInputError
from flinkscope.place import Place

_KIB = {"": 1, "k": 1 << 10, "K": 1 << 10, "kB": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_REFUSED = re.compile(
    r"Native memory allocation \((?P<call>\w+)\) failed to (?:map|allocate) (?P<bytes>\d+) bytes"
    r"(?:(?: for |\. Error detail: )(?P<what>.*?))?\.?$"
)
_SIGNAL = re.compile(r"(?P<signal>SIG[A-Z]+) \(0x[0-9a-f]+\) at pc=")
_WANTED = re.compile(r"OutOfMemory encountered: (?P<kind>.*)")
_INTERNAL = re.compile(r"(?:Internal Error|Out of Memory Error) \((?P<where>[^)]{1,200})\)")
_HEAD = {
    "jre": re.compile(r"# JRE version: (.*)"),
    "vm": re.compile(r"# Java VM: (.*)"),
}
_MEMORY = re.compile(
    r"(?<![A-Za-z_])(?P<name>MemTotal|MemAvailable|MemFree|CommitLimit|Committed_AS|SwapTotal|memory_limit_in_bytes|memory_usage_in_bytes"
    r"|memory_max_usage_in_bytes|memory_and_swap_limit_in_bytes|VmRSS|Resident Set Size|Virtual Size): +"
    r"(?P<size>\d+) ?(?P<unit>kB|k|K|M|G)?\b"
)
_LINES_READ = 20_000


@dataclass(frozen=True, slots=True)
class HsErr:
    """One hs_err file. ``kind``: native_memory, crash, out_of_memory (a wanted abort), internal_error.

    ``refused_bytes``: the allocation that failed; ``memory``: figures of the machine and the control group in bytes.
    None: the file does not tell (it is often cut short).
    """

    place: Place
    kind: str
    headline: str
    signal: str | None
    refused_bytes: int | None
    refused_for: str | None
    out_of_memory: str | None
    frame: str | None
    thread: str | None
    jre: str | None
    vm: str | None
    jvm_arguments: str | None
    java_command: str | None
    elapsed_s: float | None
    memory: Mapping[str, int]
    memory_places: Mapping[str, Place]


def parse_hs_err(text: str, source: str) -> HsErr:
    """Reads an hs_err file, also a truncated one. Raises UnreadableInputError when its head is not that of one."""
    lines = [line[:4096] for line in text.splitlines()[:_LINES_READ]]
    first = next((n for n, line in enumerate(lines) if _begins(line)), None)
    if first is None:
        raise UnreadableInputError(
            f"{source}: not an hs_err file: no “A fatal error has been detected by the Java Runtime Environment”",
            hint="HotSpot writes hs_err_pidN.log to the working directory or to -XX:ErrorFile",
        )
    head = [line for line in lines[first : first + 60] if line.startswith("#")]
    signal, refused = _first(_SIGNAL, head), _first(_REFUSED, head)
    wanted, internal = _first(_WANTED, head), _first(_INTERNAL, head)
    kind = "out_of_memory" if wanted else "native_memory" if refused or _insufficient(head) else ""
    memory, places = _memory(lines, source)
    return HsErr(
        place=Place(source, line=first + 1),
        kind=kind or ("crash" if signal else "internal_error"),
        headline=_headline(head, wanted, refused, signal, internal),
        signal=signal["signal"] if signal else None,
        refused_bytes=int(refused["bytes"]) if refused else None,
        refused_for=refused["what"] if refused else None,
        out_of_memory=wanted["kind"].strip() if wanted else None,
        frame=_frame(head),
        thread=_after(lines, re.compile(r'Current thread .*?"(?P<value>[^"]+)"')),
        jre=_group(_HEAD["jre"], head),
        vm=_group(_HEAD["vm"], head),
        jvm_arguments=_after(lines, re.compile(r"jvm_args: (?P<value>.+)")),
        java_command=_after(lines, re.compile(r"java_command: (?P<value>.+)")),
        elapsed_s=_elapsed(lines),
        memory=memory,
        memory_places=places,
    )


def _begins(line: str) -> bool:
    return line.startswith("#") and (
        "A fatal error has been detected by the Java Runtime Environment" in line
        or "There is insufficient memory for the Java Runtime Environment" in line
    )


def _insufficient(head: list[str]) -> bool:
    return any("There is insufficient memory" in line for line in head)


def _headline(head: list[str], *matches: re.Match[str] | None) -> str:
    match = next((m for m in matches if m is not None), None)
    return (match.string if match is not None else head[0]).lstrip("# ").strip()


def _memory(lines: list[str], source: str) -> tuple[dict[str, int], dict[str, Place]]:
    sizes: dict[str, int] = {}
    places: dict[str, Place] = {}
    for number, line in enumerate(lines, 1):
        match = _MEMORY.search(line) if ":" in line else None
        if match is not None and match["name"] not in sizes:
            sizes[match["name"]] = int(match["size"]) * _KIB[match["unit"] or ""]
            places[match["name"]] = Place(source, line=number)
    return sizes, places


def _frame(head: list[str]) -> str | None:
    at = next((n for n, line in enumerate(head) if "Problematic frame" in line), None)
    return head[at + 1].lstrip("# ").strip() if at is not None and at + 1 < len(head) else None


def _elapsed(lines: list[str]) -> float | None:
    text = _after(lines, re.compile(r"elapsed time: (?P<value>[\d.]+) seconds"))
    return float(text) if text and re.fullmatch(r"\d+(\.\d+)?", text) else None


def _first(pattern: re.Pattern[str], lines: list[str]) -> re.Match[str] | None:
    return next((match for match in map(pattern.search, lines) if match is not None), None)


def _group(pattern: re.Pattern[str], lines: list[str]) -> str | None:
    match = _first(pattern, lines)
    return match[1].strip() if match else None


def _after(lines: list[str], pattern: re.Pattern[str]) -> str | None:
    match = _first(pattern, lines)
    return match["value"].strip() if match else None
