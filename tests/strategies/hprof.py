"""Writes small HPROF dumps: a plain model of classes, objects and roots, its bytes, and hypothesis graphs of them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from hypothesis import strategies as st

OBJECT, BOOLEAN, CHAR, FLOAT, DOUBLE, BYTE, SHORT, INT, LONG = 2, 4, 5, 6, 7, 8, 9, 10, 11
FORMATS = {BOOLEAN: "?", CHAR: "H", FLOAT: "f", DOUBLE: "d", BYTE: "b", SHORT: "h", INT: "i", LONG: "q"}
UNKNOWN, JNI_GLOBAL, JNI_LOCAL, JAVA_FRAME, NATIVE_STACK, STICKY, BLOCK, MONITOR, THREAD = 255, 1, 2, 3, 4, 5, 6, 7, 8


@dataclass
class JavaClass:
    """A class: ``fields`` are (name, type) of its own; ``statics`` (name, type, value)."""

    address: int
    name: str
    parent: int = 0
    loader: int = 0
    fields: list[tuple[str, int]] = field(default_factory=list)
    statics: list[tuple[str, int, int]] = field(default_factory=list)


@dataclass
class Instance:
    """An instance: ``values`` by field, own class's first, then its super classes'."""

    address: int
    cls: int
    values: list[int]


@dataclass
class ObjectArray:
    """An array of references."""

    address: int
    cls: int
    elements: list[int]


@dataclass
class PrimitiveArray:
    """An array of numbers."""

    address: int
    type: int
    elements: list[int]


@dataclass
class Root:
    """A GC root; ``thread`` and ``frame`` where the kind has them."""

    kind: int
    address: int
    thread: int = 0
    frame: int = -1


@dataclass
class Dump:
    """A whole dump in file order."""

    classes: list[JavaClass] = field(default_factory=list)
    objects: list[Instance | ObjectArray | PrimitiveArray] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)
    frames: list[tuple[int, str, str]] = field(default_factory=list)  # id, method, class name
    traces: list[tuple[int, int, list[int]]] = field(default_factory=list)  # serial, thread, frame ids
    id_size: int = 8
    version: str = "JAVA PROFILE 1.0.2"

    def lineage(self, address: int) -> list[JavaClass]:
        """The class at an address and its super classes."""
        by_address = {c.address: c for c in self.classes}
        found = []
        while address in by_address and by_address[address] not in found:
            found.append(by_address[address])
            address = by_address[address].parent
        return found

    def to_bytes(self, segment_bytes: int = 1 << 20, *, end: bool = True, one_record: bool = False) -> bytes:
        """The file. ``segment_bytes``: a new segment is begun past this; ``one_record``: a single HEAP_DUMP (1.0.1)."""
        return _Writer(self).file(segment_bytes, end, one_record)


class _Writer:
    def __init__(self, dump: Dump) -> None:
        self.dump = dump
        self.names: dict[str, int] = {}
        self.head = bytearray()

    def ident(self, value: int) -> bytes:
        return (value % (1 << 8 * self.dump.id_size)).to_bytes(self.dump.id_size, "big")

    def top(self, tag: int, body: bytes) -> bytes:
        return struct.pack(">BII", tag, 0, len(body)) + body

    def name(self, text: str) -> int:
        if text not in self.names:
            self.names[text] = 0x1000 + len(self.names)
            self.head += self.top(1, self.ident(self.names[text]) + text.encode())
        return self.names[text]

    def value(self, code: int, value: int) -> bytes:
        return self.ident(value) if code == OBJECT else struct.pack(">" + FORMATS[code], value)

    def file(self, segment_bytes: int, end: bool, one_record: bool) -> bytes:
        dump = self.dump
        serials = {}
        for serial, cls in enumerate(dump.classes, 1):
            serials[cls.name] = serial
            name = self.name(cls.name)
            body = struct.pack(">I", serial) + self.ident(cls.address) + struct.pack(">I", 1) + self.ident(name)
            self.head += self.top(2, body)
        records = [self.class_dump(c) for c in dump.classes]
        records += [self.root(r) for r in dump.roots] + [self.object(o) for o in dump.objects]
        for frame, method, owner in dump.frames:
            ids = self.ident(frame) + self.ident(self.name(method)) + self.ident(self.name("()V")) + self.ident(0)
            self.head += self.top(4, ids + struct.pack(">Ii", serials.get(owner, 0), 7))
        for serial, thread, frames in dump.traces:
            body = struct.pack(">III", serial, thread, len(frames)) + b"".join(self.ident(f) for f in frames)
            self.head += self.top(5, body)
        start = dump.version.encode() + b"\0" + struct.pack(">IQ", dump.id_size, 1_700_000_000_000) + bytes(self.head)
        if one_record:
            return start + self.top(0x0C, b"".join(records))
        segments, current = [], b""
        for record in records:
            if current and len(current) + len(record) > segment_bytes:
                segments.append(current)
                current = b""
            current += record
        segments.append(current)
        return start + b"".join(self.top(0x1C, s) for s in segments) + (self.top(0x2C, b"") if end else b"")

    def class_dump(self, cls: JavaClass) -> bytes:
        names = [self.name(n) for n, *_ in (*cls.fields, *cls.statics)]
        body = b"\x20" + self.ident(cls.address) + struct.pack(">I", 1) + self.ident(cls.parent)
        body += self.ident(cls.loader) + self.ident(0) * 4
        size = sum(len(self.value(t, 0)) for c in self.dump.lineage(cls.address) for _, t in c.fields)
        body += struct.pack(">IHH", size, 0, len(cls.statics))
        for (_, code, value), name in zip(cls.statics, names[len(cls.fields) :], strict=True):
            body += self.ident(name) + bytes([code]) + self.value(code, value)
        body += struct.pack(">H", len(cls.fields))
        for (_, code), name in zip(cls.fields, names, strict=False):
            body += self.ident(name) + bytes([code])
        return body

    def root(self, root: Root) -> bytes:
        body = bytes([root.kind]) + self.ident(root.address)
        if root.kind == JNI_GLOBAL:
            body += self.ident(1)
        if root.kind in (JNI_LOCAL, JAVA_FRAME, NATIVE_STACK, BLOCK, THREAD):
            body += struct.pack(">I", root.thread)
        if root.kind in (JNI_LOCAL, JAVA_FRAME, THREAD):
            body += struct.pack(">i", root.frame)
        return body

    def object(self, thing: Instance | ObjectArray | PrimitiveArray) -> bytes:
        if isinstance(thing, Instance):
            types = [t for c in self.dump.lineage(thing.cls) for _, t in c.fields]
            data = b"".join(self.value(t, v) for t, v in zip(types, thing.values, strict=True))
            return (
                b"\x21"
                + self.ident(thing.address)
                + struct.pack(">I", 1)
                + self.ident(thing.cls)
                + (struct.pack(">I", len(data)) + data)
            )
        if isinstance(thing, ObjectArray):
            head = b"\x22" + self.ident(thing.address) + struct.pack(">II", 1, len(thing.elements))
            return head + self.ident(thing.cls) + b"".join(self.ident(e) for e in thing.elements)
        head = b"\x23" + self.ident(thing.address) + struct.pack(">II", 1, len(thing.elements)) + bytes([thing.type])
        return head + b"".join(self.value(thing.type, e) for e in thing.elements)


BASE_CLASSES = ("java/lang/Object", "java/lang/Class", "java/lang/ClassLoader", "[I", "[Ljava/lang/Object;")


@st.composite
def dumps(draw: st.DrawFn, max_objects: int = 30) -> Dump:
    """Dumps with random graphs: several classes and loaders, null and dangling references, all kinds of roots,
    islands, self-references, thread locals, shuffled file order, dense, sparse or odd addresses."""
    id_size = draw(st.sampled_from([8, 8, 8, 4]))
    step = draw(st.sampled_from([8, 8, 16, 1, 24, 1 << 21 if id_size == 8 else 64]))
    base = draw(st.sampled_from([0x1000, 0x80000000] if id_size == 4 else [0x1000, 0x7_0000_0000, 0x3FFF_0000_0000]))
    class_count = draw(st.integers(0, 4))
    count = draw(st.integers(1, max_objects))
    total = len(BASE_CLASSES) + class_count + count
    addresses = draw(st.permutations([base + step * (k + 1) for k in range(total)]))
    dump = Dump(id_size=id_size)
    dangling = base + step * (total + 7)
    chosen = st.sampled_from([*addresses, 0, dangling])
    loaders = st.sampled_from([0, 0, *addresses[-2:], dangling])
    for k, name in enumerate(BASE_CLASSES):
        statics = [("s", OBJECT, draw(chosen))] if draw(st.booleans()) else []
        dump.classes.append(JavaClass(addresses[k], name, 0 if k == 0 else addresses[0], 0, [], statics))
    for k in range(class_count):
        at = len(BASE_CLASSES) + k
        parent = draw(st.sampled_from([addresses[0], *addresses[len(BASE_CLASSES) : at]]))
        codes = draw(st.lists(st.sampled_from([OBJECT, OBJECT, OBJECT, INT, LONG, BYTE]), max_size=4))
        fields = [(f"f{k}_{i}", code) for i, code in enumerate(codes)]
        statics = [("count", LONG, 3), ("held", OBJECT, draw(chosen))] if draw(st.booleans()) else []
        dump.classes.append(JavaClass(addresses[at], f"app/C{k}", parent, draw(loaders), fields, statics))
    kinds = st.sampled_from(["instance", "instance", "instance", "array", "ints"])
    app = [c.address for c in dump.classes[len(BASE_CLASSES) :]] + [addresses[0]]
    for address in addresses[len(BASE_CLASSES) + class_count :]:
        kind = draw(kinds)
        if kind == "instance":
            cls = draw(st.sampled_from(app))
            types = [t for c in dump.lineage(cls) for _, t in c.fields]
            dump.objects.append(Instance(address, cls, [draw(chosen) if t == OBJECT else 5 for t in types]))
        elif kind == "array":
            elements = draw(st.lists(chosen, max_size=5))
            dump.objects.append(ObjectArray(address, addresses[4], elements))
        else:
            dump.objects.append(PrimitiveArray(address, INT, draw(st.lists(st.integers(0, 9), max_size=5))))
    dump.roots.extend(draw(st.lists(_roots(addresses[: len(BASE_CLASSES)], chosen), max_size=6)))
    dump.objects = draw(st.permutations(dump.objects))
    return dump


@st.composite
def _roots(draw: st.DrawFn, classes: list[int], chosen: st.SearchStrategy[int]) -> Root:
    kinds = [UNKNOWN, JNI_GLOBAL, JNI_LOCAL, JAVA_FRAME, NATIVE_STACK, STICKY, BLOCK, MONITOR, THREAD]
    kind = draw(st.sampled_from(kinds))
    address = draw(st.sampled_from(classes)) if kind == STICKY else draw(chosen)
    return Root(kind, address, draw(st.integers(1, 3)), draw(st.sampled_from([-1, 0, 1])))
