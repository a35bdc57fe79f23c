"""A local page to explore a dump in a browser: dominators, histogram, objects, paths to GC roots, search."""

from flinkscope.heap.explorer.server import Explorer

__all__ = ["Explorer"]
