"""Breadth-first walks towards a few goals: objects from which no goal can be reached are left out, exactly."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from flinkscope.jit import kernel

Array = npt.NDArray[Any]
Number: TypeAlias = Any

UNSEEN = -2  # as in kernels.walks
ROOT = -1


@kernel
def begin_at(entries: Array, forbidden: Array, parent: Array, order: Array, count: Number) -> Number:
    """Puts the entries not yet seen at the end of ``order``; returns its new length."""
    for entry in entries:
        if parent[entry] == UNSEEN and not forbidden[entry]:
            parent[entry] = ROOT
            order[count] = entry
            count += 1
    return count


@kernel
def walk_on(
    starts: Array,
    targets: Array,
    weak: Array,
    forbidden: Array,
    useful: Array,
    parent: Array,
    order: Array,
    edges: Array,
    state: Array,
    enough: Number,
) -> None:
    """Goes on with a walk as ``walks.breadth_first`` makes it.

    ``state``: place in ``order``, its length, the edge to go on with (-1: the object's first), references into
    ``forbidden`` met so far; the first of these are written into ``edges`` (rows source, target), as many as fit.
    ``useful``: a bit an object, only these are entered (empty: all). ``enough``: stops once so many are reached.
    """
    filtered = len(useful) > 0
    at, count, resume, met = state[0], state[1], state[2], state[3]
    while at < count and count < enough:
        i = order[at]
        skip = np.int64(weak[i])
        whole = skip >= 0  # a reference object is never left half-way: its skipped edge would be skipped again
        slot = max(resume, np.int64(starts[i]))
        resume = -1
        last = np.int64(starts[i + 1])
        while slot < last and (whole or count < enough):
            target = targets[slot]
            slot += 1
            if target == skip:
                skip = np.int64(-1)
                continue
            if filtered and (useful[target >> 3] >> (target & 7)) & 1 == 0:
                continue
            if forbidden[target]:
                if met < len(edges):
                    edges[met, 0] = i
                    edges[met, 1] = target
                met += 1
            elif parent[target] == UNSEEN:
                parent[target] = i
                order[count] = target
                count += 1
        if slot < last:
            resume = slot
        else:
            at += 1
    state[0], state[1], state[2], state[3] = at, count, resume, met


@kernel
def mark_goals(goals: Array, parent: Array, useful: Array) -> None:
    """Sets the bits of those goals that the walk has not reached yet."""
    for goal in goals:
        if parent[goal] == UNSEEN:
            useful[goal >> 3] |= np.uint8(1 << (goal & 7))


@kernel
def mark(objects: Array, bits: Array) -> None:
    """Sets the bits of these objects."""
    for i in objects:
        bits[i >> 3] |= np.uint8(1 << (i & 7))


@kernel
def survey(
    starts: Array, targets: Array, parent: Array, useful: Array, shift: Number, leads: Array, seen: Array, new: Array
) -> None:
    """One pass over all edges: sets the bit of each unseen object that refers to one whose bit is set.

    ``leads[chunk, other]``: whether an unseen object of the chunk (2^``shift`` objects) refers to an unseen one of the
    other; ``seen``: a bit an object, as ``parent`` says; ``new[chunk]``: whether bits were set in it.
    """
    full = np.zeros(len(leads), np.bool_)  # chunks with a bit: in the nearest cache, where the bits are not
    for at in range(len(useful)):
        if useful[at] != 0:
            full[(at << 3) >> shift] = True
    for chunk in range(len(leads)):
        row = leads[chunk]
        for i in range(chunk << shift, min((chunk + 1) << shift, len(parent))):
            first, last = starts[i], starts[i + 1]
            if first == last or (seen[i >> 3] >> (i & 7)) & 1:
                continue
            hit = False
            for slot in range(first, last):
                target = targets[slot]
                other = target >> shift
                if not row[other] and (seen[target >> 3] >> (target & 7)) & 1 == 0:
                    row[other] = True
                if full[other]:
                    hit |= (useful[target >> 3] >> (target & 7)) & 1 != 0
            if hit and (useful[i >> 3] >> (i & 7)) & 1 == 0:
                useful[i >> 3] |= np.uint8(1 << (i & 7))
                new[chunk] = True
                full[chunk] = True


@kernel
def mark_holders(
    starts: Array,
    targets: Array,
    parent: Array,
    useful: Array,
    shift: Number,
    leads: Array,
    upwards: bool,
    changed: Array,
    new: Array,
) -> Number:
    """As ``survey`` for those chunks alone that lead to one of the ``changed`` ones; returns how many these are.

    Objects in ascending order, or descending, so that a chain that runs one way is done in one pass.
    """
    looked_at = 0
    for turn in range(len(leads)):
        chunk = turn if upwards else len(leads) - 1 - turn
        wanted = False
        for other in changed:
            wanted |= leads[chunk, other]
        if not wanted:
            continue
        looked_at += 1
        first, last = chunk << shift, min((chunk + 1) << shift, len(parent))
        for step in range(last - first):
            i = first + step if upwards else last - 1 - step
            if parent[i] != UNSEEN or (useful[i >> 3] >> (i & 7)) & 1:
                continue
            for slot in range(starts[i], starts[i + 1]):
                target = targets[slot]
                if (useful[target >> 3] >> (target & 7)) & 1:
                    useful[i >> 3] |= np.uint8(1 << (i & 7))
                    new[chunk] = True
                    break
    return looked_at
