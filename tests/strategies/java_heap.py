"""Small dumps of what a JVM's heap looks like: strings, boxes, collections, references, threads, loaders, buffers."""

from __future__ import annotations

from pathlib import Path

from flinkscope import open_heap
from flinkscope.heap.store import Heap
from strategies.hprof import (
    BOOLEAN,
    BYTE,
    CHAR,
    DOUBLE,
    FLOAT,
    INT,
    JAVA_FRAME,
    LONG,
    OBJECT,
    SHORT,
    STICKY,
    THREAD,
    Dump,
    Instance,
    JavaClass,
    ObjectArray,
    PrimitiveArray,
    Root,
)

REF = OBJECT
ARRAY_NAMES = {INT: "[I", BYTE: "[B", CHAR: "[C", LONG: "[J", DOUBLE: "[D", FLOAT: "[F", SHORT: "[S", BOOLEAN: "[Z"}


class JavaHeap:
    """Builds a dump: classes by dotted name, objects by field name. Every address is 64 bytes after the one before."""

    def __init__(self) -> None:
        self.dump = Dump()
        self._next = 0x1000
        self.classes: dict[str, int] = {}
        self.cls("java.lang.Object", {}, parent=None)
        self.cls("java.lang.Class", {})
        self.cls("java.lang.ClassLoader", {"parent": REF, "name": REF})
        self.cls("java.lang.String", {"value": REF, "coder": BYTE})
        for name in ARRAY_NAMES.values():
            self.cls(name, {})
        self.cls("[Ljava.lang.Object;", {})

    def address(self) -> int:
        self._next += 64
        return self._next

    def cls(
        self,
        name: str,
        fields: dict[str, int],
        *,
        parent: str | int | None = "java.lang.Object",
        loader: int = 0,
        statics: dict[str, tuple[int, int]] | None = None,
        sticky: bool = True,
    ) -> int:
        """A class; of the boot loader it is a GC root as in a real JVM."""
        address = self.address()
        above = 0 if parent is None else parent if isinstance(parent, int) else self.classes[parent]
        held = [(key, code, value) for key, (code, value) in (statics or {}).items()]
        self.dump.classes.append(JavaClass(address, name.replace(".", "/"), above, loader, list(fields.items()), held))
        self.classes.setdefault(name, address)
        if sticky and not loader:
            self.root(address, STICKY)
        return address

    def static(self, name: str, **values: int) -> None:
        """References as statics of a class that is there already."""
        cls = next(c for c in self.dump.classes if c.address == self.classes[name])
        cls.statics += [(key, OBJECT, value) for key, value in values.items()]

    def new(self, cls: str | int, **values: int) -> int:
        """An instance; fields that are not given are 0."""
        row = self.classes[cls] if isinstance(cls, str) else cls
        names = [name for c in self.dump.lineage(row) for name, _ in c.fields]
        unknown = set(values) - set(names)
        assert not unknown, unknown
        address = self.address()
        self.dump.objects.append(Instance(address, row, [values.get(name, 0) for name in names]))
        return address

    def array(self, *elements: int, cls: str = "[Ljava.lang.Object;") -> int:
        address = self.address()
        self.dump.objects.append(ObjectArray(address, self.classes[cls], list(elements)))
        return address

    def numbers(self, code: int, *elements: int) -> int:
        address = self.address()
        self.dump.objects.append(PrimitiveArray(address, code, list(elements)))
        return address

    def string(self, text: str, value: int = 0) -> int:
        """A String as JDK 9 on keeps it; ``value``: an array that it shares with another."""
        wide = any(ord(c) > 255 for c in text)
        raw = text.encode("utf-16-le" if wide else "latin-1")
        held = value or self.numbers(BYTE, *[b - 256 if b > 127 else b for b in raw])
        return self.new("java.lang.String", value=held, coder=int(wide))

    def root(self, address: int, kind: int = 255, thread: int = 0, frame: int = -1) -> None:
        self.dump.roots.append(Root(kind, address, thread, frame))

    def thread(self, address: int, serial: int, frames: list[tuple[str, str]]) -> None:
        """Makes a Thread object a live thread with a stack of (class, method), topmost first."""
        ids = []
        for owner, method in frames:
            ids.append(0x9000 + len(self.dump.frames))
            self.dump.frames.append((ids[-1], method, owner.replace(".", "/")))
        self.dump.traces.append((serial, serial, ids))
        self.dump.roots.append(Root(THREAD, address, serial, serial))

    def local(self, address: int, serial: int, frame: int) -> None:
        self.dump.roots.append(Root(JAVA_FRAME, address, serial, frame))

    def open(self, folder: Path, **options: object) -> Heap:
        path = folder / f"{len(list(folder.iterdir()))}.hprof"
        path.write_bytes(self.dump.to_bytes())
        return open_heap(path, cache=False, **options)  # type: ignore[arg-type]


def with_collections(heap: JavaHeap) -> None:
    """The classes of java.util that ``flinkscope.heap.shapes`` knows, with the fields that matter."""
    u = "java.util."
    heap.cls(u + "HashMap", {"size": INT, "table": REF})
    heap.cls(u + "HashMap$Node", {"key": REF, "value": REF, "next": REF})
    heap.cls(u + "LinkedHashMap", {"head": REF}, parent=u + "HashMap")
    heap.cls(u + "HashSet", {"map": REF})
    heap.cls(u + "ArrayList", {"size": INT, "elementData": REF})
    heap.cls(u + "LinkedList", {"size": INT, "first": REF, "last": REF})
    heap.cls(u + "LinkedList$Node", {"item": REF, "next": REF, "prev": REF})
    heap.cls(u + "TreeMap", {"size": INT, "root": REF})
    heap.cls(u + "TreeMap$Entry", {"key": REF, "value": REF, "left": REF, "right": REF})
    heap.cls(u + "IdentityHashMap", {"size": INT, "table": REF})
    heap.cls(u + "concurrent.ConcurrentHashMap", {"baseCount": LONG, "counterCells": REF, "table": REF})
    heap.cls(u + "concurrent.ConcurrentHashMap$CounterCell", {"value": LONG})
    heap.cls(u + "concurrent.ConcurrentHashMap$Node", {"key": REF, "val": REF, "next": REF})


def hash_map(heap: JavaHeap, pairs: list[tuple[int, int]], slots: int, cls: str = "java.util.HashMap") -> int:
    """A HashMap of these (key, value) addresses; the k-th goes to slot k modulo slots."""
    table = [0] * slots
    for k, (key, value) in enumerate(pairs):
        table[k % slots] = heap.new("java.util.HashMap$Node", key=key, value=value, next=table[k % slots])
    return heap.new(cls, size=len(pairs), table=heap.array(*table) if slots else 0)
