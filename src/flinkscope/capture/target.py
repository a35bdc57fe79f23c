"""What a person points at: a process here, a pod, or the REST address of a cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flinkscope.errors import UsageError
from flinkscope.sources.kubectl import PodAddress

_HOST_PORT = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):\d+(/.*)?")


@dataclass(frozen=True, slots=True)
class Target:
    """Exactly one of the three is set."""

    pid: int | None = None
    url: str | None = None
    pod: PodAddress | None = None


def target_of(
    words: str, *, namespace: str | None = None, container: str | None = None, context: str | None = None
) -> Target:
    """``4711``: a process; ``http://…`` or ``host:8081``: REST; else a pod: ``name``, ``pod/name``, ``namespace/name``.

    Raises UsageError for what is none of these.
    """
    if words.isdigit():
        return Target(pid=int(words))
    if is_address(words):
        return Target(url=words)
    where, separator, name = words.rpartition("/")
    if separator and where not in ("pod", "pods", "po"):
        if namespace not in (None, where):
            raise UsageError(f"{words}: two namespaces are given, {where} and {namespace}", hint="give one of them")
        namespace = where
    return Target(pod=PodAddress(name, namespace, container, context))


def is_address(words: str) -> bool:
    """Whether the words are a REST address: ``http://…`` or ``host:8081``."""
    return "://" in words or _HOST_PORT.fullmatch(words) is not None
