"""Objects of the JDK that stand for one user class loader: its protection domains, modules, and contexts made of them.

Many threads share a loader's protection domain, so a walk that counted it as the outside would find only the first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flinkscope.flink.lens.reader import Reader

_CONTEXT = "java.security.AccessControlContext"  # of each thread until Java 23: Thread.inheritedAccessControlContext
_DOMAIN = "java.security.ProtectionDomain"
_OF_LOADER = ((_DOMAIN, "classloader"), ("java.lang.Module", "loader"))


def add_domains(reader: Reader, owner: NDArray[np.int32]) -> None:
    """Marks in ``owner`` (int32 by object, -1: of no user loader) what stands for exactly one of the loaders."""
    for name, field in _OF_LOADER:
        found = reader.instances(name, subclasses=True)
        loader = reader.references(found, field)
        known = loader >= 0
        owner[found[known]] = owner[loader[known]]
    contexts = reader.instances(_CONTEXT)
    positions, domains = reader.elements(reader.references(contexts, "context"))
    of_user = owner[domains] >= 0
    positions, owners = positions[of_user], owner[domains[of_user]]
    least, most = np.full(len(contexts), np.iinfo(np.int32).max, np.int32), np.full(len(contexts), -1, np.int32)
    np.minimum.at(least, positions, owners)
    np.maximum.at(most, positions, owners)
    owner[contexts[least == most]] = most[least == most]


def way_to_loader(reader: Reader, held: int, loader: int) -> tuple[int, ...]:
    """From an object that ``add_domains`` marked to its loader: the objects after ``held``; empty for any other."""
    name = reader.class_name(held) or ""
    if name == _CONTEXT:
        array = reader.follow(held, "context")
        _, domains = reader.elements(np.array([array], np.int32))
        of_loader = (int(d) for d in domains if reader.follow(int(d), "classloader") == loader)
        return next(((array, domain, loader) for domain in of_loader), ())
    return next(
        ((loader,) for known, field in _OF_LOADER if known == name and reader.follow(held, field) == loader), ()
    )
