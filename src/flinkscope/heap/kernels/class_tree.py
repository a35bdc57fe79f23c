"""The dominator tree folded by class: one node for all objects of a class below the same node."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.jit import kernel

Array = npt.NDArray[Any]

UNLABELLED = -1
LEFT_OUT = -2
OUTSIDE = -2  # dominators.UNREACHABLE
MORE_PATH = 1


@kernel
def fold(
    idom: Array, class_of: Array, retained: Array, class_count: int, deepest: int,
    label: Array, path: Array, slots: Array, nodes: Array, sums: Array, state: Array,
) -> int:  # fmt: skip
    """Labels each reachable object with its node and adds up each node; goes on where ``state`` says.

    ``label``: int32 by object, UNLABELLED at first. ``path``: int64, room for one climb. ``slots``: int64 hash table of
    node + 1, a power of two and at least twice ``len(nodes)``. ``nodes``: int64 (parent, class, depth); node 0 is the
    virtual root. ``sums``: int64 (objects, retained bytes). ``state``: (next object, nodes). Objects deeper than
    ``deepest``, and all once ``nodes`` is full, are LEFT_OUT. Returns 0, or MORE_PATH: call again with a longer path.
    Each object is climbed over once, so this is O(objects) whatever the tree's depth.
    """
    count, most = len(idom), len(nodes)
    mask = len(slots) - 1
    used = state[1]
    for start in range(state[0], count):
        if idom[start] == OUTSIDE or label[start] != UNLABELLED:
            continue
        top = 0
        at = np.int64(start)
        while at >= 0 and label[at] == UNLABELLED:
            if top >= len(path):
                state[0], state[1] = start, used
                return MORE_PATH
            path[top] = at
            top += 1
            at = np.int64(idom[at])
        parent = np.int64(0) if at < 0 else np.int64(label[at])
        while top > 0:
            top -= 1
            at = path[top]
            node = np.int64(LEFT_OUT)
            kind = np.int64(class_of[at]) + 1
            if parent > 0 and nodes[parent, 1] == kind:  # a list of links is one node, not a staircase
                node = parent
                sums[node, 0] += 1
            elif parent >= 0 and nodes[parent, 2] < deepest:
                slot = ((parent * (class_count + 1) + kind) * 0x9E3779) & mask
                while slots[slot] != 0 and (nodes[slots[slot] - 1, 0] != parent or nodes[slots[slot] - 1, 1] != kind):
                    slot = (slot + 1) & mask
                node = slots[slot] - 1
                if node < 0 and used < most:
                    node = used
                    slots[slot] = node + 1
                    nodes[node, 0], nodes[node, 1], nodes[node, 2] = parent, kind, nodes[parent, 2] + 1
                    used += 1
                if node >= 0:
                    sums[node, 0] += 1
                    sums[node, 1] += retained[at]
                else:
                    node = np.int64(LEFT_OUT)
            label[at] = node
            parent = node
    state[0], state[1] = count, used
    return 0
