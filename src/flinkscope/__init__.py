"""flinkscope: why an Apache Flink process ran out of memory, what to change, and the proof that it works.

The public API, imported lazily so that ``import flinkscope`` costs milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "build_report": "flinkscope.report.builder",
    "check_uv": "flinkscope.uv.calls",
    "collect": "flinkscope.capture.collect",
    "compare_uv": "flinkscope.uv.compare",
    "run_uv": "flinkscope.uv.calls",
    "compare": "flinkscope.report.comparison",
    "diagnose": "flinkscope.report.answer",
    "open_case": "flinkscope.sources.case",
    "open_heap": "flinkscope.flink.opened",
    "memory_model": "flinkscope.flink.memory_model",
    "size_for": "flinkscope.flink.sizing",
    "list_jvms": "flinkscope.jvm.live",
    "read_flame": "flinkscope.jvm.flame_read",
    "read_flink_log": "flinkscope.formats.flink_log",
    "read_gc_log": "flinkscope.gc.log",
    "record_flame": "flinkscope.jvm.flame_live",
    "render": "flinkscope.report.output",
    "MemoryConfigError": "flinkscope.errors",
    "FlinkscopeError": "flinkscope.errors",
}

__all__ = [
    "FlinkscopeError",
    "MemoryConfigError",
    "__version__",
    "build_report",
    "check_uv",
    "collect",
    "compare",
    "compare_uv",
    "diagnose",
    "list_jvms",
    "memory_model",
    "open_case",
    "open_heap",
    "read_flame",
    "read_flink_log",
    "read_gc_log",
    "record_flame",
    "render",
    "run_uv",
    "size_for",
]

if TYPE_CHECKING:
    from flinkscope.capture.collect import collect
    from flinkscope.errors import FlinkscopeError, MemoryConfigError
    from flinkscope.flink.memory_model import memory_model
    from flinkscope.flink.opened import open_heap
    from flinkscope.flink.sizing import size_for
    from flinkscope.formats.flink_log import read_flink_log
    from flinkscope.gc.log import read_gc_log
    from flinkscope.jvm.flame_live import record_flame
    from flinkscope.jvm.flame_read import read_flame
    from flinkscope.jvm.live import list_jvms
    from flinkscope.report.answer import diagnose
    from flinkscope.report.builder import build_report
    from flinkscope.report.comparison import compare
    from flinkscope.report.output import render
    from flinkscope.sources.case import open_case
    from flinkscope.uv.calls import check_uv, run_uv
    from flinkscope.uv.compare import compare_uv


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'flinkscope' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
