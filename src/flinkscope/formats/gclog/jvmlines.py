"""Lines of unified logging in which the JVM tells about itself: collector, version, sizes, processors."""

from __future__ import annotations

import re

from flinkscope.formats.gclog.numbers import size_bytes
from flinkscope.formats.gclog.records import EventBuilder

FACT_LINE = (
    rb"((?:Using [A-Z]|Initializing The Z|Using legacy single|Version: |CPUs: |Memory: \d|Heap [Rr]egion [Ss]ize: |"
    rb"(?:Heap )?(?:Min|Initial|Max) Capacity: |Heap address: |Parallel Workers: |GC Workers|Mode: |Heap: \d|"
    rb"Initialize |CommandLine flags|Command [Ll]ine: |VM Arguments|jvm_args: |java_command: |Resizeable heap; |"
    rb"Heap$|garbage-first heap |def new gen|PSYoungGen  )[^\n]*)"
)
# messages with the bare tag `gc` (Shenandoah: or `gc,ergo`) that carry no event
PLAIN_DETAIL = re.compile(
    rb"(?:GC\(\d+\) )?(?:Trigger|Cancelling|Cancelled|Cannot finish |After Concurrent |"
    rb"Heuristics|Min heap|Failed to allocate|Full GC|Uncommit|Free|"
    rb"Clearing All|Using |Good progress|Bad progress|Consider|Periodic|Collect |Metadata GC|Immediate|"
    rb"At end of|Abort|Old gen|Young gen|Evacuation|Degenerate|Upgrade|Allocation Failure|"
    rb"Candidate|### |Finalize |GC trigg|Attempt|Pacer|Success|No progress|[Ss]kip|Concurrent |Pause |Cancel |Clear |"
    rb"YG occupancy|Shrinking |Expanding |\w+ generation size |Bootstrap |Terminating |Running |Old: \d)"
)
_COLLECTORS = (
    ("Using G1", "G1"),
    ("Using Serial", "Serial"),
    ("Using Parallel", "Parallel"),
    ("Using Concurrent Mark Sweep", "CMS"),
    ("Using The Z Garbage Collector", "ZGC"),
    ("Initializing The Z Garbage Collector", "ZGC"),
    ("Using Shenandoah", "Shenandoah"),
    ("Using Epsilon", "Epsilon"),
)
_SIZE = re.compile(r"(\d+)\s?([BKMGT])B?\b")
_COOPS = re.compile(r"size: (\d+) MB")


def note(builder: EventBuilder, text: str) -> None:
    """Files one such line among the facts of the JVM at hand. A line that tells nothing is left alone."""
    jvm = builder.jvm
    collector = next((name for start, name in _COLLECTORS if text.startswith(start)), None)
    if collector is not None:
        _note_collector(builder, collector)
    elif text.startswith("Version: "):
        jvm.jdk = text[9:].split(" (", maxsplit=1)[0].strip()
    elif text.startswith("CPUs: "):
        jvm.cpus = _integer(text.rpartition(", ")[2]) if "available" in text else _integer(text[6:])
    elif text.startswith("Memory: "):
        jvm.memory_bytes = _size(text)
    elif text.lower().startswith("heap region size: "):
        jvm.region_bytes = _size(text)
    elif "Max Capacity: " in text:
        jvm.max_heap_bytes = _size(text)
    elif "Initial Capacity: " in text:
        jvm.initial_heap_bytes = _size(text)
    elif text.startswith("Heap address: "):
        reserved = _COOPS.search(text)
        if reserved and jvm.max_heap_bytes is None:
            jvm.max_heap_bytes = int(reserved[1]) << 20
    elif text.startswith("Parallel Workers: "):
        jvm.parallel_workers = _integer(text[18:])
    elif text.startswith("GC Workers for Old Generation"):
        jvm.collector = "Generational ZGC"
    elif text.startswith("Mode: Generational"):
        jvm.collector = "Generational Shenandoah"
    else:
        _note_words(builder, text)


def _note_collector(builder: EventBuilder, collector: str) -> None:
    jvm = builder.jvm
    if jvm.collector is None or not jvm.collector.endswith(collector):
        jvm.collector = collector


def _note_words(builder: EventBuilder, text: str) -> None:
    jvm = builder.jvm
    for start in ("CommandLine flags: ", "VM Arguments: ", "jvm_args: "):
        if text.startswith(start):
            jvm.flags = tuple(text[len(start) :].split())
    if text.startswith(("Command Line: ", "Command line: ", "java_command: ")):
        jvm.command_line = text.partition(": ")[2]
    if text.startswith(("Heap", "garbage-first heap", "def new gen", "PSYoungGen")) and not text.startswith("Heap: "):
        jvm.heap_at_exit = True


def _size(text: str) -> int | None:
    found = _SIZE.search(text)
    return size_bytes(f"{found[1]}{found[2]}".encode()) if found else None


def _integer(text: str) -> int | None:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else None
