"""Call stacks with a value each: what every profile comes down to, whoever wrote it.

Frames are named in one way (``java.util.HashMap.put``, ``byte[]``, ``JavaThread::run()``), so that profiles of two
runs and of two tools can be laid side by side: numbers that a JVM makes up anew at each start are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from flinkscope.place import Place

JAVA, NATIVE, KERNEL, CLASS = "java", "native", "kernel", "class"
EVENTS = ("cpu", "alloc", "wall", "lock")
UNITS = ("samples", "bytes", "ns")
DEEPEST = 2048  # frames of one stack; what lies deeper is left out (Java's own stack holds about 10,000)

_LAMBDA = re.compile(r"\$\$Lambda(?:\$\d+)?(?:[./+]0x[0-9a-f]+)?(?:/\d+)?")
_LIBRARY = re.compile(r"\.so(?:\.\d|$)")
_GENERATED = re.compile(r"((?:Method|Constructor)Accessor|\$Proxy|LambdaForm\$\w+?)[$/]?\d+(?:[./+]0x[0-9a-f]+)?")
_PRIMITIVES = {"B": "byte", "C": "char", "D": "double", "F": "float", "I": "int", "J": "long", "S": "short"}
_PRIMITIVES |= {"Z": "boolean"}


class Frame(NamedTuple):
    """One frame: its name, and what it is: ``java``, ``native``, ``kernel`` or ``class`` (what was allocated)."""

    name: str
    kind: str


class Stack(NamedTuple):
    """One stack, outermost frame first, with its value. ``thread`` is None where the profile does not tell."""

    thread: str | None
    frames: tuple[Frame, ...]
    value: int


@dataclass(frozen=True, slots=True)
class StackProfile:
    """All stacks of a profile, equal ones added up.

    ``event``: cpu, alloc, wall, lock, or empty where the file does not say. ``unit``: samples, bytes or ns.
    ``notes``: what a reader has to know about the figures; ``gap``: what is missing, or None.
    """

    place: Place
    event: str
    unit: str
    stacks: tuple[Stack, ...]
    notes: tuple[str, ...] = ()
    gap: str | None = None

    @property
    def total(self) -> int:
        """The sum of all values, in ``unit``."""
        return sum(stack.value for stack in self.stacks)


def added_up(stacks: Iterable[Stack]) -> tuple[Stack, ...]:
    """Equal stacks as one, in the order of their first appearance; stacks without a value are left out."""
    found: dict[tuple[str | None, tuple[Frame, ...]], int] = {}
    for thread, frames, value in stacks:
        if value > 0:
            key = (thread, frames[:DEEPEST])
            found[key] = found.get(key, 0) + value
    return tuple(Stack(thread, frames, value) for (thread, frames), value in found.items())


def java_frame(name: str) -> Frame:
    """A Java method as ``package.Class.method``: slashes become dots, the JVM's own counting numbers go."""
    return Frame(_steady(name).replace("/", "."), JAVA)


def class_frame(name: str) -> Frame:
    """An allocated class: ``[B``, ``[Ljava/lang/String;`` and ``java/lang/String`` by their source names."""
    dimensions = len(name) - len(name.lstrip("["))
    inner = name[dimensions:]
    if dimensions:
        inner = _PRIMITIVES.get(inner) or inner.removeprefix("L").removesuffix(";")
    return Frame(_steady(inner).replace("/", ".") + "[]" * dimensions, CLASS)


def guessed_frame(name: str) -> Frame:
    """A frame of a file that does not say what it is: by the looks of the name."""
    if name.endswith("_[k]"):
        return Frame(name[:-4], KERNEL)
    if name[-4:] in ("_[j]", "_[i]", "_[0]", "_[1]"):
        return java_frame(name[:-4])
    looks_native = "::" in name or "(" in name or name.startswith(("[", "_")) or _LIBRARY.search(name)
    if not looks_native and ("/" in name or re.search(r"[\w$>]\.[\w$<>]", name)):
        return java_frame(name)
    return Frame(name, NATIVE)


def _steady(name: str) -> str:
    """The name without what differs from run to run."""
    if "$$Lambda" in name:
        name = _LAMBDA.sub("$$Lambda", name)
    return _GENERATED.sub(r"\1", name) if "Accessor" in name or "Proxy" in name or "LambdaForm" in name else name
