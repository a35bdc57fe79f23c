"""The explorer's pages: each takes the query's words and gives HTML, made anew for every request."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined

from flinkscope.errors import UsageError
from flinkscope.heap.labels import ObjectRef, object_ref
from flinkscope.heap.pins import path_from_root
from flinkscope.heap.sets import children_of
from flinkscope.heap.strength import shortest_paths
from flinkscope.heap.strings import find_strings
from flinkscope.units import human_bp, human_bytes, human_count, share_bp

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap

Array = npt.NDArray[Any]

PAGE_ROWS = 100
SORTS = {
    "retained": lambda row: (-(row.retained_bytes or 0), row.class_name),
    "shallow": lambda row: (-row.shallow_bytes, row.class_name),
    "objects": lambda row: (-row.objects, row.class_name),
    "name": lambda row: (row.class_name,),
}


class Pages:
    """The pages over one heap. ``prefix``: what every address begins with (the token)."""

    def __init__(self, heap: Heap, show_strings: bool, prefix: str) -> None:
        self.heap = heap
        self.show_strings = show_strings
        self._templates = Environment(
            loader=PackageLoader("flinkscope.heap.explorer"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.filters |= {"bytes": human_bytes, "count": human_count, "percent": human_bp, "hex": hex}
        self._templates.globals |= {"link": lambda page, **query: f"{prefix}/{page}?{urlencode(query)}"}
        self._pages: dict[str, Callable[[dict[str, str], str], str]] = {
            "": self._overview,
            "dominators": self._dominators,
            "histogram": self._histogram,
            "instances": self._instances,
            "object": self._object,
            "paths": self._paths,
            "search": self._search,
            "threads": self._threads,
        }

    def page(self, name: str, query: dict[str, str], nonce: str) -> str | None:
        """The page of that name; None if there is none. Raises UsageError for words that make no sense."""
        make = self._pages.get(name)
        return None if make is None else make(query, nonce)

    def error(self, message: str, hint: str, nonce: str) -> str:
        """A page that says what is wrong."""
        return self._render("error", nonce, message=message, hint=hint)

    def _render(self, template: str, nonce: str, **values: Any) -> str:
        return self._templates.get_template(f"{template}.html").render(
            nonce=nonce, heap=self.heap, show_strings=self.show_strings, rows_per_page=PAGE_ROWS, **values
        )

    def _overview(self, query: dict[str, str], nonce: str) -> str:
        return self._render("overview", nonce, suspects=self.heap.suspects(), top=self._children(-1, 0))

    def _children(self, parent: int, start: int) -> list[Any]:
        """Rows (reference, shallow, retained, share of the heap, has children) of the dominator tree."""
        heap = self.heap
        chosen = children_of(heap, parent)[start : start + PAGE_ROWS]
        return [
            (
                object_ref(heap, index, self.show_strings),
                int(heap.shallow_bytes[index]),
                int(heap.retained_bytes[index]),
                share_bp(int(heap.retained_bytes[index]), heap.used_bytes),
                int(heap.retained_bytes[index]) > int(heap.shallow_bytes[index]),
            )
            for index in chosen.tolist()
        ]

    def _dominators(self, query: dict[str, str], nonce: str) -> str:
        parent = self._index(query) if "address" in query else -1
        start = _number(query, "start")
        above: list[ObjectRef] = []
        node = parent
        while node >= 0 and len(above) < PAGE_ROWS:
            above.append(object_ref(self.heap, node, self.show_strings))
            node = int(self.heap.idom[node])
        total = int((self.heap.idom == parent).sum())
        return self._render(
            "dominators", nonce, above=above[::-1], rows=self._children(parent, start), start=start, total=total
        )

    @cached_property
    def _classes(self) -> list[Any]:
        return self.heap.histogram()

    def _histogram(self, query: dict[str, str], nonce: str) -> str:
        wanted, sort = query.get("filter", ""), query.get("sort", "retained")
        if sort not in SORTS:
            raise UsageError(f"cannot sort by {sort!r}", hint=", ".join(SORTS))
        rows = sorted((row for row in self._classes if wanted.lower() in row.class_name.lower()), key=SORTS[sort])
        start = _number(query, "start")
        shown = rows[start : start + PAGE_ROWS]
        return self._render("histogram", nonce, rows=shown, start=start, total=len(rows), filter=wanted, sort=sort)

    def _instances(self, query: dict[str, str], nonce: str) -> str:
        row = _number(query, "class")
        if row >= len(self.heap.store.classes):
            raise UsageError(f"there is no class {row}")
        indices = self.heap.instances(row)
        order = np.lexsort((indices, -self.heap.retained_bytes[indices]))
        start = _number(query, "start")
        chosen = indices[order][start : start + PAGE_ROWS]
        shallow, retained = self.heap.shallow_bytes[chosen].tolist(), self.heap.retained_bytes[chosen].tolist()
        references = [object_ref(self.heap, i, self.show_strings) for i in chosen.tolist()]
        rows = list(zip(references, shallow, retained, strict=True))
        name = self.heap.store.classes.names[row]
        return self._render(
            "instances", nonce, rows=rows, start=start, total=len(indices), name=name, class_index=row
        )  # fmt: skip

    def _object(self, query: dict[str, str], nonce: str) -> str:
        index = self._index(query)
        view = self.heap.object(self.heap.address_of(index), limit=PAGE_ROWS, show_strings=self.show_strings)
        return self._render("object", nonce, view=view)

    @cached_property
    def _walks(self) -> tuple[Array, Array]:
        """Parents of shortest paths: over strong references only, and over all."""
        return shortest_paths(self.heap)[0], shortest_paths(self.heap, ())[0]

    def _paths(self, query: dict[str, str], nonce: str) -> str:
        index = self._index(query)
        strong, loose = self._walks
        is_strong = bool(strong[index] >= -1)
        parent = strong if is_strong else loose
        steps = path_from_root(self.heap, parent, index) if parent[index] >= -1 else ()
        target = object_ref(self.heap, index, self.show_strings)
        return self._render("paths", nonce, target=target, steps=steps, is_strong=is_strong)

    def _search(self, query: dict[str, str], nonce: str) -> str:
        wanted = query.get("q", "").strip()
        found = self._object_at(wanted)
        classes = [row for row in self._classes if wanted and wanted.lower() in row.class_name.lower()]
        threads = [row for row in self._live_threads if wanted and wanted.lower() in (row.name or "").lower()]
        texts = []
        if self.show_strings and len(wanted) >= 3:
            texts = find_strings(self.heap, re.escape(wanted), limit=PAGE_ROWS, show_strings=True)
        classes, threads = classes[:PAGE_ROWS], threads[:PAGE_ROWS]
        return self._render(
            "search", nonce, q=wanted, found=found, classes=classes, threads=threads, texts=texts
        )  # fmt: skip

    def _object_at(self, text: str) -> Any:
        """The object at an address that was searched for; None if the text is no address of one."""
        try:
            index = self.heap.index_of(int(text, 0))
        except (ValueError, OverflowError, UsageError):
            return None
        return object_ref(self.heap, index, self.show_strings)

    @cached_property
    def _live_threads(self) -> list[Any]:
        return self.heap.threads(show_strings=self.show_strings)

    def _threads(self, query: dict[str, str], nonce: str) -> str:
        return self._render("threads", nonce, threads=self._live_threads)

    def _index(self, query: dict[str, str]) -> int:
        text = query.get("address", "")
        try:
            address = int(text, 0)
        except ValueError as error:
            raise UsageError(f"no address: {text!r}") from error
        if not -(1 << 63) <= address < 1 << 64:
            raise UsageError(f"no object at {text}")
        return self.heap.index_of(address)


def _number(query: dict[str, str], name: str) -> int:
    text = query.get(name, "0")
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise UsageError(f"{name}: no number: {text!r}")
    return int(text)
