"""The slow, obvious twin of the heap engine: dictionaries and sets over the model of a dump, not over its bytes.

Rules as Eclipse MAT's (../shared/heap/hprof.md): edges, roots, boot loader at address 0, dropped and kept objects.
"""

from __future__ import annotations

from math import gcd

from strategies.hprof import (
    JAVA_FRAME,
    JNI_LOCAL,
    NATIVE_STACK,
    OBJECT,
    STICKY,
    THREAD,
    Dump,
    Instance,
    ObjectArray,
)

ELEMENT = {4: 1, 5: 2, 6: 4, 7: 8, 8: 1, 9: 2, 10: 4, 11: 8}


class Twin:
    """``edges``: address → set of addresses; ``roots``: set; ``size``: shallow bytes by MAT's formula."""

    def __init__(self, dump: Dump, reference_bytes: int) -> None:
        self.dump = dump
        self.reference = reference_bytes
        self.kind: dict[int, int | None] = {0: self._class_named("java/lang/ClassLoader")}
        mirror = self._class_named("java/lang/Class")
        ints = self._class_named("[I")
        self.kind |= {c.address: mirror for c in dump.classes}
        for thing in dump.objects:
            self.kind[thing.address] = ints if not isinstance(thing, Instance | ObjectArray) else thing.cls
        self.edges: dict[int, set[int]] = {address: set() for address in self.kind}
        for address, cls in self.kind.items():
            self._edge(address, cls)
        self._class_edges()
        self._object_edges()
        self.roots = self._roots()
        self.size = self._sizes()

    def _class_named(self, name: str) -> int | None:
        return next((c.address for c in self.dump.classes if c.name == name), None)

    def _edge(self, source: int, target: int | None) -> None:
        if target in self.kind and target is not None:
            self.edges[source].add(target)

    def _class_edges(self) -> None:
        for cls in self.dump.classes:
            if cls.parent:
                self._edge(cls.address, cls.parent)
            self.edges[cls.address].add(cls.loader if cls.loader in self.kind else 0)
            for _, code, value in cls.statics:
                if code == OBJECT and value:
                    self._edge(cls.address, value)

    def _object_edges(self) -> None:
        for thing in self.dump.objects:
            if isinstance(thing, Instance):
                types = [t for c in self.dump.lineage(thing.cls) for _, t in c.fields]
                held = [v for t, v in zip(types, thing.values, strict=True) if t == OBJECT]
            else:
                held = thing.elements if isinstance(thing, ObjectArray) else []
            for value in held:
                if value:
                    self._edge(thing.address, value)

    def _roots(self) -> set[int]:
        threads = {
            r.thread: r.address for r in self.dump.roots if r.kind == THREAD and r.address in self.kind and r.address
        }
        roots = set()
        for root in self.dump.roots:
            if root.address not in self.kind or root.address == 0:
                continue
            if root.kind in (JNI_LOCAL, JAVA_FRAME, NATIVE_STACK) and root.thread in threads:
                self.edges[threads[root.thread]].add(root.address)
            else:
                roots.add(root.address)
        if not any(r.kind == STICKY for r in self.dump.roots):
            roots |= {c.address for c in self.dump.classes if c.loader == 0 and not c.name.startswith("[")}
        return roots

    def _sizes(self) -> dict[int, int]:
        pointer, ref = self.dump.id_size, self.reference
        places = [a for a in self.kind if a]
        distance = gcd(*(a - places[0] for a in places))
        align = min(max(distance & -distance, 8), 256)
        up = lambda n, step: -(-n // step) * step  # noqa: E731
        width = lambda code: ref if code == OBJECT else ELEMENT[code]  # noqa: E731

        def instance(cls: int | None) -> int:
            total = pointer + ref
            for owner in reversed(self.dump.lineage(cls) if cls is not None else []):
                total = up(total + sum(width(t) for _, t in owner.fields), ref)
            return total

        sizes = {0: up(instance(self.kind[0]), align)}
        for cls in self.dump.classes:
            sizes[cls.address] = up(sum(width(t) for _, t, _ in cls.statics), align)
        for thing in self.dump.objects:
            if isinstance(thing, Instance):
                sizes[thing.address] = up(instance(thing.cls), align)
            elif isinstance(thing, ObjectArray):
                sizes[thing.address] = up(pointer + ref + 4 + ref * len(thing.elements), align)
            else:
                header = up(pointer + ref + 4, ref)
                sizes[thing.address] = up(header + ELEMENT[thing.type] * len(thing.elements), align)
        return sizes

    def reach(self, without: frozenset[int] = frozenset()) -> set[int]:
        """What the roots reach without entering ``without``."""
        seen: set[int] = set()
        todo = [r for r in self.roots if r not in without]
        while todo:
            address = todo.pop()
            if address not in seen:
                seen.add(address)
                todo += [t for t in self.edges[address] if t not in without]
        return seen

    def retained(self, group: set[int]) -> set[int]:
        """What goes when the group goes."""
        return self.reach() - self.reach(frozenset(group))

    def idoms(self) -> dict[int, int | None]:
        """Immediate dominators; None under the virtual root: the dominator that dominates fewest others' dominators."""
        alive = self.reach()
        dominated_by: dict[int, set[int]] = {address: set() for address in alive}
        for address in alive:
            for lost in self.retained({address}) - {address}:
                dominated_by[lost].add(address)
        return {a: max(doms, key=lambda d: len(dominated_by[d]), default=None) for a, doms in dominated_by.items()}

    def class_retained(self, cls: int) -> int:
        """MAT's minimum retained size: the sum over the topmost of {class object, instances} in the dominator tree."""
        idom = self.idoms()
        members = {a for a in idom if self.kind[a] == cls or a == cls}
        total = 0
        for member in members:
            above = idom[member]
            while above is not None and above not in members:
                above = idom[above]
            if above is None:
                total += sum(self.size[a] for a in self.retained({member}))
        return total
