"""Where compiled kernels of the heap engine are kept: the user's cache folder, by the content of their sources.

numba's own cache lies beside the sources and is stamped with one file's time and size: it is lost with each
reinstallation, and it does not see that a kernel of another file, pasted into this one, has changed. This locator
stamps with the content of all kernel files. If numba's private interface changes, numba's own cache is used.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[2]
KERNEL_FILES = ("formats/hprof/bodies.py", "formats/hprof/scan.py", "formats/hprof/words.py", "jit.py")


def kernel_folder() -> Path:
    """The folder of compiled kernels."""
    named = os.environ.get("FLINKSCOPE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(named) if named else (Path(base) if base else Path.home() / ".cache") / "flinkscope"
    return root / "kernels"


@lru_cache(maxsize=1)
def kernels_stamp() -> str:
    """A hash of all sources that end up in the heap engine's kernels."""
    digest = hashlib.sha256()
    for file in [*(PACKAGE / name for name in KERNEL_FILES), *sorted((PACKAGE / "heap" / "kernels").glob("*.py"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:32]


def kernels_are_compiled() -> bool:
    """Whether this machine has compiled kernels of this version; if not, the first use takes some seconds more."""
    return any((kernel_folder() / kernels_stamp()).glob("*.nbi"))


def use_kernel_folder() -> None:
    """Makes numba keep the heap engine's kernels in ``kernel_folder``; leaves all other code alone."""
    try:
        from numba.core import caching

        # public since numba 0.62
        implementation = caching.CacheImpl if hasattr(caching, "CacheImpl") else caching._CacheImpl
        implementation._locator_classes.insert(0, _locator(caching))
    except (ImportError, AttributeError):
        return


def _locator(caching: Any) -> Any:
    class ContentLocator(caching._CacheLocator):  # type: ignore[misc]
        """numba's interface of a place for one function's cache."""

        def __init__(self, function: Any, file: str) -> None:
            self._line = function.__code__.co_firstlineno
            self._path = str(kernel_folder() / kernels_stamp())

        def get_cache_path(self) -> str:
            """The folder."""
            return self._path

        def get_source_stamp(self) -> str:
            """Compared for equality before a cached kernel is used."""
            return kernels_stamp()

        def get_disambiguator(self) -> str:
            """Tells functions of one name apart."""
            return str(self._line)

        @classmethod
        def from_function(cls, function: Any, file: str) -> Any:
            """A locator for the heap engine's files where the folder can be written; None for all others."""
            inside = Path(file).resolve()
            if PACKAGE / "heap" not in inside.parents and PACKAGE / "formats" / "hprof" not in inside.parents:
                return None
            locator = cls(function, file)
            try:
                locator.ensure_cache_path()
            except OSError:
                return None
            return locator

    return ContentLocator
