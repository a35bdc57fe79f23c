"""A heap dump as columns: objects, references, dominators, retained sizes. Start with ``open_heap``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flinkscope.heap.store import Heap, open_heap

__all__ = ["Heap", "open_heap"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from flinkscope.heap import store

        return getattr(store, name)
    raise AttributeError(f"module 'flinkscope.heap' has no attribute '{name}'")
