"""The one door to numba: ``@kernel`` compiles a function of arrays and scalars and keeps the code on disk.

``FLINKSCOPE_JIT=0`` makes it the identity, so that coverage and debuggers see the lines. Measured traps that this
module or its users must mind: the cache stamp covers one file only, so kernels that call each other live in one file;
with no writable cache location ``cache=True`` raises at import (then the code is compiled anew in each process);
numba checks no bounds, so kernels guard ``position + need <= end`` before every read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

ENABLED = os.environ.get("FLINKSCOPE_JIT", "1") != "0"


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` compiled without the GIL and cached on disk; itself when FLINKSCOPE_JIT=0."""
    if not ENABLED:
        return function
    import numba

    try:
        compiled: Callable[P, R] = numba.njit(function, cache=True, nogil=True)
    except RuntimeError:
        compiled = numba.njit(function, nogil=True)
    return compiled
