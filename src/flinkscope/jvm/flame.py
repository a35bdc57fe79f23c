"""The model of a flame graph: a tree of frames with a value each, and with two where two profiles are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from flinkscope.formats.stacks import Frame, StackProfile

MOST_NODES = 60_000


@dataclass(frozen=True, slots=True)
class WayNotTaken:
    """A way to profile that was not taken, and why."""

    way: str
    reason: str


@dataclass(frozen=True, slots=True)
class FlameProfile:
    """A profile and how it came about. ``way``: in words; ``not_taken``: the better ways and why not they.

    ``seconds``: how long was sampled, or None where a file does not tell.
    """

    title: str
    profile: StackProfile
    way: str
    not_taken: tuple[WayNotTaken, ...] = ()
    seconds: int | None = None


@dataclass(slots=True)
class FlameNode:
    """A frame under its callers. ``own``: values that end here; ``value``: with all below; one entry a profile."""

    frame: Frame
    own: list[int]
    children: dict[Frame, FlameNode] = field(default_factory=dict)
    value: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FlameTree:
    """A tree below a nameless root; the first level are the threads (or one level less where none are known).

    ``totals``: the sums of the profiles. ``left_out``: values of branches that were too small to be kept.
    """

    root: FlameNode
    totals: tuple[int, ...]
    threads: bool
    left_out: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HotFrame:
    """A frame with its share: ``own_value`` at the top of the stack, ``value`` anywhere in it (once a stack)."""

    frame: Frame
    own_value: int
    value: int


THREAD = "thread"


def flame_tree(profiles: Sequence[StackProfile], *, most_nodes: int = MOST_NODES) -> FlameTree:
    """The tree of one profile, or of two to compare. Branches are cut, smallest first, to ``most_nodes`` in all.

    Cost: the sum of all stacks' frames.
    """
    threads = any(stack.thread is not None for profile in profiles for stack in profile.stacks)
    empty = [0] * len(profiles)
    root = FlameNode(Frame("", ""), list(empty))
    for index, profile in enumerate(profiles):
        for thread, frames, value in profile.stacks:
            path = (Frame("(unknown thread)" if thread is None else thread, THREAD), *frames) if threads else frames
            node = root
            for frame in path:
                child = node.children.get(frame)
                if child is None:
                    child = node.children[frame] = FlameNode(frame, list(empty))
                node = child
            node.own[index] += value
    left_out = _weigh_and_cut(root, most_nodes, len(profiles))
    return FlameTree(root, tuple(root.value), threads, tuple(left_out))


def _weigh_and_cut(root: FlameNode, most_nodes: int, profiles: int) -> list[int]:
    """Adds up the values; keeps the ``most_nodes`` largest nodes (a parent is never smaller than its child)."""
    order = [root]
    for node in order:  # grows while it is walked: every parent before its children
        order.extend(node.children.values())
    for node in reversed(order):
        node.value = [own + sum(child.value[i] for child in node.children.values()) for i, own in enumerate(node.own)]
    left_out = [0] * profiles
    if len(order) <= most_nodes:
        return left_out
    least = sorted((max(node.value) for node in order), reverse=True)[most_nodes]
    for node in order:
        small = [frame for frame, child in node.children.items() if max(child.value) <= least]
        for frame in small:
            for i, value in enumerate(node.children.pop(frame).value):
                node.own[i] += value  # the sums stay right: it counts for the caller
                left_out[i] += value
    return left_out


def hot_frames(profile: StackProfile, most: int = 30) -> list[HotFrame]:
    """The frames with the largest own value, and what they have in all; at most ``most``, largest first."""
    own: dict[Frame, int] = {}
    whole: dict[Frame, int] = {}
    for _, frames, value in profile.stacks:
        if frames:
            own[frames[-1]] = own.get(frames[-1], 0) + value
        for frame in set(frames):
            whole[frame] = whole.get(frame, 0) + value
    largest = sorted(own.items(), key=lambda entry: (-entry[1], entry[0]))[:most]
    return [HotFrame(frame, value, whole[frame]) for frame, value in largest]


def by_caller(profile: StackProfile) -> StackProfile:
    """The same profile without the innermost frame where that is an allocated class or a lock: who did it."""
    stacks = tuple(
        stack._replace(frames=stack.frames[:-1]) if stack.frames and stack.frames[-1].kind == "class" else stack
        for stack in profile.stacks
    )
    return replace(profile, stacks=stacks)


def thread_totals(profile: StackProfile) -> list[tuple[str, int]]:
    """Value by thread name, largest first; empty where the profile knows no threads."""
    found: dict[str, int] = {}
    for stack in profile.stacks:
        if stack.thread is not None:
            found[stack.thread] = found.get(stack.thread, 0) + stack.value
    return sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))
