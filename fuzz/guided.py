"""Starts a fuzzer guided by coverage (atheris), which then sees flinkscope's branches and nobody else's.

Instrumenting all that is loaded (numba and its compiler too) took longer than twenty minutes; flinkscope alone takes
seconds. Kernels run as plain Python, so that a read outside the file is an IndexError and not a lucky guess.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType


def instrumented(module: str) -> ModuleType:
    """The fuzzer's module imported anew, with flinkscope instrumented."""
    import atheris

    os.environ["FLINKSCOPE_JIT"] = "0"
    for name in [name for name in sys.modules if name.partition(".")[0] == "flinkscope"]:
        del sys.modules[name]
    with atheris.instrument_imports(include=["flinkscope"]):
        return importlib.import_module(module)
