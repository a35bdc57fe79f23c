"""Starts a fuzzer guided by coverage (atheris), which then sees flinkscope's branches and nobody else's.

Instrumenting all that is loaded (numba and its compiler too) took longer than twenty minutes; flinkscope alone takes
seconds. Kernels run as plain Python, so that a read outside the file is an IndexError and not a lucky guess.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from types import ModuleType


def instrumented(module: str) -> ModuleType:
    """The fuzzer's module imported anew, with flinkscope instrumented, readers that are imported on first use too."""
    import atheris

    os.environ["FLINKSCOPE_JIT"] = "0"
    for name in [name for name in sys.modules if name.partition(".")[0] == "flinkscope"]:
        del sys.modules[name]
    with atheris.instrument_imports(include=["flinkscope"]):
        for package in ("flinkscope.formats", "flinkscope.gc", "flinkscope.sources"):
            places = importlib.import_module(package).__path__
            for found in pkgutil.walk_packages(places, package + "."):
                importlib.import_module(found.name)
        return importlib.import_module(module)
