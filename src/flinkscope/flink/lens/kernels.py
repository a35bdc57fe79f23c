"""Kernels of the lens: labels that spread down the dominator tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.jit import kernel

Array = npt.NDArray[Any]

NO_LABEL = -1
_UNSEEN = -2


@kernel
def nearest_label(idom: Array, label: Array, found: Array) -> None:
    """``found[i]``: the label of the object itself or of its nearest labelled dominator; NO_LABEL if there is none.

    ``idom``: int32 immediate dominators, negative under none; ``label``: int32, NO_LABEL where unlabelled. Each
    object is visited about twice: a path that was walked is remembered for all objects on it.
    """
    count = len(idom)
    for i in range(count):
        found[i] = _UNSEEN
    for i in range(count):
        at = np.int64(i)
        steps = 0
        while found[at] == _UNSEEN and label[at] == NO_LABEL and 0 <= idom[at] < count and steps < count:
            at = np.int64(idom[at])
            steps += 1
        answer = found[at] if found[at] != _UNSEEN else label[at]
        at = np.int64(i)
        for _ in range(steps + 1):
            if found[at] != _UNSEEN:
                break
            found[at] = answer
            at = np.int64(idom[at])
            if at < 0:
                break


@kernel
def sum_by_label(owner: Array, sizes: Array, counted: Array, objects: Array, total: Array) -> None:
    """Adds objects and bytes of the counted objects to their owner's row; the last row takes those without one."""
    last = len(objects) - 1
    for i in range(len(owner)):
        if counted[i]:
            row = owner[i]
            if row < 0 or row > last:
                row = last
            objects[row] += 1
            total[row] += sizes[i]
