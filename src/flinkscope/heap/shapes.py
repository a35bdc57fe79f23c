"""How the collections of the JDK and of Flink lie in memory: which fields hold their size and their array.

Shapes, not versions, decide: a shape fits where its fields are there. Field names are those of OpenJDK 8 to 25 and
Flink 1.12 to 2.3. The first shape that fits an object's lineage is its shape; the more special ones come first.
"""

from __future__ import annotations

from dataclasses import dataclass

from flinkscope.heap.classes import ClassTable

SLOTS_OF_MAP, SLOTS_OF_LIST, LINKED = "hash table", "array", "linked"


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of collection. ``size`` and ``array``: field paths, empty where there is none; ``inner``: field of the map
    that does the work (a HashSet's); ``layout``: what a slot of the array means; ``pair``: fields of an entry node."""

    class_name: str
    kind: str
    layout: str
    size: str
    array: str
    inner: str = ""
    entry: tuple[str, str, str] = ("", "", "")


_NODE = ("key", "value", "next")
_NODE_VAL = ("key", "val", "next")
_STATE = ("key", "state", "next")
_JU = "java.util."
_JUC = "java.util.concurrent."
_FLINK_HEAP = "org.apache.flink.runtime.state.heap."

SHAPES: tuple[Shape, ...] = (
    Shape(_JU + "Properties", "map", SLOTS_OF_MAP, "", "", inner="map"),
    Shape(_JU + "HashSet", "set", SLOTS_OF_MAP, "", "", inner="map"),
    Shape(_JU + "TreeSet", "set", LINKED, "", "", inner="m"),
    Shape(_JU + "IdentityHashMap", "map", SLOTS_OF_LIST, "size", "table"),
    Shape(_JU + "HashMap", "map", SLOTS_OF_MAP, "size", "table", entry=_NODE),
    Shape(_JU + "Hashtable", "map", SLOTS_OF_MAP, "count", "table", entry=_NODE),
    Shape(_JU + "WeakHashMap", "map", SLOTS_OF_MAP, "size", "table", entry=("referent", "value", "next")),
    Shape(_JUC + "ConcurrentHashMap", "map", SLOTS_OF_MAP, "baseCount", "table", entry=_NODE_VAL),
    Shape(_JU + "TreeMap", "map", LINKED, "size", ""),
    Shape(_JU + "ArrayList", "list", SLOTS_OF_LIST, "size", "elementData"),
    Shape(_JU + "Vector", "list", SLOTS_OF_LIST, "elementCount", "elementData"),
    Shape(_JU + "LinkedList", "list", LINKED, "size", ""),
    Shape(_JU + "ArrayDeque", "queue", SLOTS_OF_LIST, "", "elements"),
    Shape(_JU + "PriorityQueue", "queue", SLOTS_OF_LIST, "size", "queue"),
    Shape(_JUC + "PriorityBlockingQueue", "queue", SLOTS_OF_LIST, "size", "queue"),
    Shape(_JUC + "ArrayBlockingQueue", "queue", SLOTS_OF_LIST, "count", "items"),
    Shape(_JUC + "CopyOnWriteArrayList", "list", SLOTS_OF_LIST, "", "array"),
    Shape(_JU + "ImmutableCollections$ListN", "list", SLOTS_OF_LIST, "", "elements"),
    Shape(_JU + "ImmutableCollections$SetN", "set", SLOTS_OF_LIST, "size", "elements"),
    Shape(_JU + "ImmutableCollections$MapN", "map", SLOTS_OF_LIST, "size", "table"),
    Shape(_FLINK_HEAP + "CopyOnWriteStateMap", "map", SLOTS_OF_MAP, "primaryTableSize", "primaryTable", entry=_STATE),
    Shape(_FLINK_HEAP + "AbstractHeapPriorityQueue", "queue", SLOTS_OF_LIST, "size", "queue"),
)

PAIRED = {_JU + "IdentityHashMap", _JU + "ImmutableCollections$MapN"}  # key and value side by side in the array


def shape_rows(table: ClassTable) -> dict[int, Shape]:
    """class row → its shape, for every class that has one; subclasses have that of their ancestor."""
    found: dict[int, Shape] = {}
    for shape in SHAPES:
        for base in table.rows_by_name.get(shape.class_name, []):
            needed = [name for name in (shape.size, shape.array, shape.inner) if name]
            if any(table.field_named(base, name) is None for name in needed):
                continue
            for row in table.subclass_rows(base):
                found.setdefault(row, shape)
    return found
