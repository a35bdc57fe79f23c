"""A pin in words: what it is, which code made it, the chain, the remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flinkscope.flink.lens.reader import Reader
from flinkscope.flink.loader_chain import Chain, Chains
from flinkscope.flink.loader_domains import way_to_loader
from flinkscope.flink.loader_members import LoaderObjects
from flinkscope.flink.pin_catalogue import KINDS
from flinkscope.flink.pin_library import Library, library_of, package_of

if TYPE_CHECKING:
    from flinkscope.flink.loader_pins import WayIn
    from flinkscope.heap.store import Heap
    from flinkscope.heap.threads import ThreadRow

_LAMBDA = re.compile(r"\$\$(Lambda|FastClass|EnhancerBy|Generated).*$")
_UPLOAD = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_")
_FRAMES = 12


@dataclass(frozen=True, slots=True)
class LoaderPin:
    """One thing that keeps a leaked class loader. ``kind``: an id of ``pin_catalogue.KINDS``; ``chain``: from the GC
    root to the object of the loader; ``library``: who made it, a known library's name or the code's package, else the
    jar's name; ``code``: the user's class; ``jar``: where that came from; ``thread``, ``stack``: of a thread.
    ``references``: how many references into the loader it accounts for; ``certainty_bp``: of the kind and its maker."""

    kind: str
    title: str
    chain: tuple[str, ...]
    library: str
    remedy: str
    certainty_bp: int
    code: str | None
    jar: str | None
    thread: str | None
    stack: tuple[str, ...]
    references: int
    holder_address: int


@dataclass(slots=True)
class PinDescriber:
    """Describes ways into leaked loaders of one heap."""

    heap: Heap
    objects: LoaderObjects
    chains: Chains
    _threads: dict[int, ThreadRow] | None = None
    _names: dict[int, frozenset[str]] = field(default_factory=dict)

    def describe(self, way: WayIn) -> LoaderPin:
        """The pin of one way in."""
        kind = KINDS[way.kind]
        name = self.chains.thread_name(way.thread) if way.thread >= 0 else None
        stack = self._stack(way.thread)
        code = self._code(way, stack)
        library = library_of(code, name)
        first = way.chains[0]
        return LoaderPin(
            kind=kind.id,
            title=f"{kind.title}: {way.site.name}" if way.site and way.site.name else kind.title,
            chain=self.chains.steps(self._to_the_end(first)),
            library=library.name if library else (package_of(code) if code else self._jar_name(way.loader)),
            remedy=_remedy(way, library),
            certainty_bp=kind.certainty_bp,
            code=code,
            jar=self._jar(way.loader, code),
            thread=name,
            stack=stack,
            references=len(way.chains),
            holder_address=self.heap.address_of(first.objects[-2] if len(first.objects) > 1 else first.held),
        )

    def _to_the_end(self, chain: Chain) -> Chain:
        """The chain up to the loader where it ends in something that stands for it."""
        rest = way_to_loader(Reader(self.heap), chain.held, int(self.objects.indices[self.objects.owner[chain.held]]))
        return Chain((*chain.objects, *rest), chain.thread_at)

    def _code(self, way: WayIn, stack: tuple[str, ...]) -> str | None:
        """The user's class that the references lead to; else the one that the thread runs; None: only the loader."""
        loader = int(self.objects.indices[way.loader])
        for chain in way.chains:
            held = chain.held
            row = self.chains.class_row(held)
            row = row if row >= 0 else int(self.heap.class_of[held])
            if int(self.objects.loader_of_row[row]) == loader:
                return _LAMBDA.sub("", self.heap.store.classes.names[row])
        names = self._classes(way.loader)
        frames = (frame.partition("(")[0].rpartition(".")[0] for frame in stack)
        return next((owner for owner in frames if owner in names), None)

    def _classes(self, at: int) -> frozenset[str]:
        if at not in self._names:
            loader = self.objects.indices[at]
            rows = (self.objects.loader_of_row == loader).nonzero()[0]
            self._names[at] = frozenset(self.heap.store.classes.names[row] for row in rows)
        return self._names[at]

    def _jar(self, at: int, code: str | None) -> str | None:
        """Where the class came from (its code source); the loader's only jar if the dump lacks that."""
        loader = self.objects.indices[at]
        for row in self.heap.store.classes.rows_by_name.get(code or "", ()):
            if self.objects.loader_of_row[row] == loader:
                domain = int(self.heap.store.lookup(self.heap.store.classes.heads[row, 4:5])[0])
                found = Reader(self.heap).text(domain, "codesource", "location", "file")
                if found:
                    return found
        jars = self.objects.jars[at]
        return jars[0] if len(jars) == 1 else None

    def _jar_name(self, at: int) -> str:
        """The file name of the job's jar as its user knows it, without the prefix that an upload gets. Jars inside it
        and jars of the class path come after it (Flink's PackagedProgram.getJobJarAndDependencies)."""
        jars = self.objects.jars[at]
        return _UPLOAD.sub("", jars[0].rpartition("/")[2]) if jars else "not told by the dump"

    def _stack(self, thread: int) -> tuple[str, ...]:
        """The frames of a running thread, topmost first; empty for one that never started."""
        if thread < 0:
            return ()
        if self._threads is None:
            self._threads = {row.index: row for row in self.heap.threads()}
        row = self._threads.get(thread)
        return tuple(str(frame) for frame in row.stack[:_FRAMES]) if row else ()


def _remedy(way: WayIn, library: Library | None) -> str:
    """The library's own way first, then that of the place, then that of the kind."""
    general = (way.site.remedy if way.site else "") or KINDS[way.kind].remedy
    return f"{library.name}: {library.remedy}. In general: {general}" if library else general
