"""As ``damage_worker``, but every answer of the heap is asked for, and every page of the explorer."""

from __future__ import annotations

from pathlib import Path

from damage_worker import main

from flinkscope.errors import FlinkscopeError
from flinkscope.heap import open_heap
from flinkscope.heap.explorer.pages import Pages
from flinkscope.heap.strings import find_strings

QUERIES = (
    "SELECT count(*) FROM objects",
    "SELECT * FROM threads",
    "SELECT * FROM loaders",
    "SELECT * FROM strings",
    "SELECT count(*) FROM refs",
    'SELECT * FROM "java.util.HashMap"',
)


def use(path: Path) -> str:
    """All answers; an expected error is one too."""
    try:
        heap = open_heap(path, cache=False)
    except FlinkscopeError as error:
        return f"{type(error).__name__} {error.message}"
    pages = Pages(heap, True, "/x")
    addresses = [heap.address_of(i) for i in range(0, heap.object_count, 3)]
    asked = [lambda address=address: heap.object(address, show_strings=True) for address in addresses]
    asked += [heap.threads, heap.loaders, heap.duplicates, heap.suspects, heap.collections, heap.waste]
    asked += [heap.strings, heap.direct, heap.references, lambda: find_strings(heap, "a", show_strings=True)]
    asked += [
        lambda: heap.pins(heap.reachable.nonzero()[0][-3:]),
        lambda: heap.merged_paths(heap.reachable.nonzero()[0][:2]),
    ]
    asked += [lambda query=query: heap.sql(query, show_strings=True) for query in QUERIES]  # type: ignore[misc]
    names = ("", "threads", "dominators", "histogram", "instances", "search")
    asked += [lambda name=name: pages.page(name, {"q": "a"}, "n") for name in names]  # type: ignore[misc]
    refused = 0
    for ask in asked:
        try:
            ask()
        except FlinkscopeError:
            refused += 1
    return f"ok {heap.object_count} {refused}"


if __name__ == "__main__":
    main(use)
