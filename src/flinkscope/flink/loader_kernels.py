"""Which objects belong to a user class loader, by the loader of their class."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy.typing as npt

from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any


@kernel
def add_instances(class_of: Array, owner_of_row: Array, owner: Array, members: Array) -> Number:
    """Fills in ``owner`` (-1: none) by class row for objects that have none yet; returns how many have one.

    ``members``: these, ascending, as many as fit; a second call with room for all gets them.
    """
    found = 0
    for i in range(len(owner)):
        if owner[i] < 0 and class_of[i] >= 0:
            owner[i] = owner_of_row[class_of[i]]
        if owner[i] >= 0:
            if found < len(members):
                members[found] = i
            found += 1
    return found
