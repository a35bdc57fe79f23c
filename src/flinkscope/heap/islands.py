"""Where the islands of an incomplete dump are rooted: what no GC root reaches, but may have been reached (ADR 0102)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.heap.graph import Graph
from flinkscope.heap.kernels import dominators as kernels

Array = npt.NDArray[Any]

EXCLUDED = 2  # in the marks of ``kernels.mark_without``: never entered


def island_roots(graph: Graph, islands: Array) -> Array:
    """Objects (int32) that no other island object refers to, and the lowest of each cycle that these do not reach."""
    incoming = np.zeros(len(islands), bool)
    kernels.mark_targets(graph.starts, graph.targets, islands, incoming)
    free = np.flatnonzero(islands & ~incoming).astype(np.int32)
    mark = np.where(islands, 0, EXCLUDED).astype(np.uint8)
    kernels.mark_without(graph.starts, graph.targets, free, mark)
    return np.concatenate([free, kernels.cycle_seeds(graph.starts, graph.targets, mark)])
