"""Writes small flight recordings from scratch: an oracle for the reader, with no code of the product."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

LONG, INT, BOOLEAN, STRING, THREAD, CLASS, SYMBOL, METHOD, TRACE, FRAME = range(20, 30)
SAMPLE, ALLOCATION, MONITOR, PARK, BUFFER = range(101, 106)

# id → (name, [(field, type, constant, array)])
TYPES: dict[int, tuple[str, list[tuple[str, int, bool, bool]]]] = {
    LONG: ("long", []),
    INT: ("int", []),
    BOOLEAN: ("boolean", []),
    STRING: ("java.lang.String", []),
    THREAD: (
        "java.lang.Thread",
        [
            ("osName", STRING, False, False),
            ("osThreadId", LONG, False, False),
            ("javaName", STRING, False, False),
            ("javaThreadId", LONG, False, False),
        ],
    ),
    SYMBOL: ("jdk.types.Symbol", [("string", STRING, False, False)]),
    CLASS: ("java.lang.Class", [("name", SYMBOL, True, False)]),
    METHOD: ("jdk.types.Method", [("type", CLASS, True, False), ("name", SYMBOL, True, False)]),
    FRAME: ("jdk.types.StackFrame", [("method", METHOD, True, False), ("lineNumber", INT, False, False)]),
    TRACE: ("jdk.types.StackTrace", [("truncated", BOOLEAN, False, False), ("frames", FRAME, False, True)]),
    SAMPLE: (
        "jdk.ExecutionSample",
        [("startTime", LONG, False, False), ("sampledThread", THREAD, True, False), ("stackTrace", TRACE, True, False)],
    ),
    ALLOCATION: (
        "jdk.ObjectAllocationSample",
        [
            ("startTime", LONG, False, False),
            ("eventThread", THREAD, True, False),
            ("stackTrace", TRACE, True, False),
            ("objectClass", CLASS, True, False),
            ("weight", LONG, False, False),
        ],
    ),
    MONITOR: (
        "jdk.JavaMonitorEnter",
        [
            ("startTime", LONG, False, False),
            ("duration", LONG, False, False),
            ("eventThread", THREAD, True, False),
            ("stackTrace", TRACE, True, False),
            ("monitorClass", CLASS, True, False),
        ],
    ),
    PARK: (
        "jdk.ThreadPark",
        [
            ("startTime", LONG, False, False),
            ("duration", LONG, False, False),
            ("eventThread", THREAD, True, False),
            ("stackTrace", TRACE, True, False),
            ("parkedClass", CLASS, True, False),
        ],
    ),
    BUFFER: (
        "jdk.ObjectAllocationInNewTLAB",
        [
            ("startTime", LONG, False, False),
            ("eventThread", THREAD, True, False),
            ("stackTrace", TRACE, True, False),
            ("objectClass", CLASS, True, False),
            ("allocationSize", LONG, False, False),
            ("tlabSize", LONG, False, False),
        ],
    ),
}


def leb(value: int) -> bytes:
    """LEB128 in at most 9 bytes; the ninth holds 8 bits."""
    found = bytearray()
    for _ in range(8):
        if value < 0x80:
            return bytes([*found, value])
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value & 0xFF])


def text(value: str | None, kind: int = 3) -> bytes:
    """A string as UTF-8 (3), UTF-16 units (4), Latin-1 (5) or null."""
    if value is None:
        return b"\0"
    if kind == 4:
        units = value.encode("utf-16-le")
        return b"\4" + leb(len(units) // 2) + b"".join(leb(u) for (u,) in struct.iter_unpack("<H", units))
    data = value.encode("latin-1" if kind == 5 else "utf-8")
    return bytes([kind]) + leb(len(data)) + data


def event(type_id: int, *parts: bytes) -> bytes:
    """One event: its size in 4 padded bytes, its type, its fields."""
    body = leb(type_id) + b"".join(parts)
    size = len(body) + 4
    return bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14 & 0x7F | 0x80, size >> 21 & 0x7F]) + body


@dataclass
class Chunk:
    """A chunk: stacks are tuples of (class, method), outermost first; each thing gets its constant when first used."""

    string_kind: int = 3
    ticks_per_second: int = 1_000_000_000
    types: dict[int, tuple[str, list[tuple[str, int, bool, bool]]]] = field(default_factory=lambda: dict(TYPES))
    _pools: dict[int, dict[bytes, int]] = field(default_factory=dict)
    _events: list[bytes] = field(default_factory=list)

    def sample(self, ticks: int, thread: str, stack: tuple[tuple[str, str], ...]) -> None:
        """A CPU sample."""
        self._events.append(event(SAMPLE, leb(ticks), leb(self.thread(thread)), leb(self.trace(stack))))

    def allocation(self, ticks: int, thread: str, stack: tuple[tuple[str, str], ...], of: str, weight: int) -> None:
        """An allocation sample."""
        parts = (leb(self.thread(thread)), leb(self.trace(stack)), leb(self.class_(of)), leb(weight))
        self._events.append(event(ALLOCATION, leb(ticks), *parts))

    def buffer(self, thread: str, stack: tuple[tuple[str, str], ...], of: str, size: int) -> None:
        """An allocation as Java 11 writes it."""
        parts = (leb(self.thread(thread)), leb(self.trace(stack)), leb(self.class_(of)), leb(16), leb(size))
        self._events.append(event(BUFFER, leb(1), *parts))

    def wait(self, kind: int, ticks: int, thread: str, stack: tuple[tuple[str, str], ...], of: str) -> None:
        """A wait for a monitor (MONITOR) or in a park (PARK)."""
        parts = (leb(ticks), leb(self.thread(thread)), leb(self.trace(stack)), leb(self.class_(of)))
        self._events.append(event(kind, leb(5), *parts))

    def raw(self, data: bytes) -> None:
        """Any bytes in the place of an event."""
        self._events.append(data)

    def thread(self, name: str) -> int:
        """The constant of a thread."""
        parts = (
            text(name, self.string_kind),
            leb(1000 + len(name)),
            text(name, self.string_kind),
            leb(hash(name) & 0xFFFF),
        )
        return self._constant(THREAD, b"".join(parts))

    def symbol(self, name: str) -> int:
        """The constant of a symbol."""
        return self._constant(SYMBOL, text(name, self.string_kind))

    def class_(self, name: str) -> int:
        """The constant of a class."""
        return self._constant(CLASS, leb(self.symbol(name)))

    def trace(self, stack: tuple[tuple[str, str], ...]) -> int:
        """The constant of a stack; the file has it innermost first."""
        frames = []
        for owner, method in reversed(stack):
            key = self._constant(METHOD, leb(self.class_(owner)) + leb(self.symbol(method)))
            frames.append(leb(key) + leb(7))
        return self._constant(TRACE, b"\0" + leb(len(frames)) + b"".join(frames))

    def bytes(self, *, size: int | None = None, features: int = 1) -> bytes:
        """The whole chunk; ``size``: what its header claims instead."""
        body = b"".join(self._events)
        pools = event(1, leb(1), leb(0), leb(0), b"\1", leb(len(self._pools)), *map(self._pool, self._pools))
        metadata_at = 68 + len(body) + len(pools)
        body += pools + self._metadata()
        claimed = 68 + len(body) if size is None else size
        head = struct.pack(
            ">4sHHQQQQQQQI", b"FLR\0", 2, 1, claimed, 68, metadata_at, 1, 1, 1, self.ticks_per_second, features
        )
        return head + body

    def _constant(self, type_id: int, value: bytes) -> int:
        pool = self._pools.setdefault(type_id, {})
        return pool.setdefault(value, len(pool) + 1)

    def _pool(self, type_id: int) -> bytes:
        entries = self._pools[type_id].items()
        return leb(type_id) + leb(len(entries)) + b"".join(leb(key) + value for value, key in entries)

    def _metadata(self) -> bytes:
        strings: dict[str, int] = {}

        def ref(word: str) -> bytes:
            return leb(strings.setdefault(word, len(strings)))

        def element(name: str, attributes: dict[str, str], children: list[bytes]) -> bytes:
            pairs = b"".join(ref(key) + ref(value) for key, value in attributes.items())
            return ref(name) + leb(len(attributes)) + pairs + leb(len(children)) + b"".join(children)

        classes = []
        for type_id, (name, fields) in self.types.items():
            rows = []
            for field_name, of, constant, many in fields:
                more = ({"constantPool": "true"} if constant else {}) | ({"dimension": "1"} if many else {})
                rows.append(element("field", {"name": field_name, "class": str(of), **more}, []))
            classes.append(element("class", {"id": str(type_id), "name": name}, rows))
        tree = element("root", {}, [element("metadata", {}, classes), element("region", {"locale": "en"}, [])])
        words = b"".join(text(word) for word in strings)
        return event(0, leb(1), leb(0), leb(1), leb(len(strings)), words, tree)
