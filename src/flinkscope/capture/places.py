"""Where a Flink process keeps its files, told by its command line and environment.

Sources: flink-daemon.sh and taskmanager.sh of 1.10 to 2.3 (``-Dlog.file``, ``--configDir``, the ``.out`` beside the
log), ``java`` (``-Xlog``, ``-Xloggc``, ``-XX:HeapDumpPath``, ``-XX:ErrorFile``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

_CONFIG_NAMES = ("config.yaml", "flink-conf.yaml")
_XLOG_FILE = re.compile(r"-Xlog:[^:]*:(?:file=)?(\"[^\"]+\"|[^:]+)")


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths and patterns (``*``, ``?``) in the process' own file system; the files need not be there."""

    configs: tuple[str, ...]
    logs: tuple[str, ...]
    outputs: tuple[str, ...]
    gc_logs: tuple[str, ...]
    error_files: tuple[str, ...]
    heap_dumps: tuple[str, ...]


def places_of(
    arguments: tuple[str, ...], flags: tuple[str, ...], environment: Mapping[str, str], folder: str, pid: int
) -> Places:
    """From the program's arguments, the JVM's flags, the environment, its working folder and its own pid."""
    words = (*flags, *arguments)
    config_folders = [*_after(words, ("--configDir", "-c")), environment.get("FLINK_CONF_DIR", "")]
    logs = [word.removeprefix("-Dlog.file=") for word in words if word.startswith("-Dlog.file=")]
    gc_logs = [found for word in words for found in _gc_log(word)]
    dumps = [word.partition("=")[2] for word in words if word.startswith("-XX:HeapDumpPath=")]
    errors = [word.partition("=")[2] for word in words if word.startswith("-XX:ErrorFile=")]

    def known(paths: list[str]) -> tuple[str, ...]:
        """Absolute, each once, with the JVM's %p and %t filled in."""
        filled = (path.replace("%p", str(pid)).replace("%t", "*") for path in paths if path)
        return tuple(dict.fromkeys(posixpath.normpath(posixpath.join(folder, path)) for path in filled))

    return Places(
        configs=known([posixpath.join(f, name) for f in config_folders if f for name in _CONFIG_NAMES]),
        logs=known([path for log in logs for path in (log, f"{log}.[0-9]")]),
        outputs=known([re.sub(r"\.log$", "", log) + ".out" for log in logs]),
        gc_logs=known([path for log in gc_logs for path in (log, f"{log}.[0-9]*")]),
        error_files=known([*errors, f"hs_err_pid{pid}.log"]),
        heap_dumps=known([p for d in (*dumps, "") for p in _dump_names(d, pid)]),
    )


def _after(words: tuple[str, ...], names: tuple[str, ...]) -> list[str]:
    return [following for word, following in pairwise(words) if word in names]


def _gc_log(word: str) -> list[str]:
    if word.startswith("-Xloggc:"):
        return [word.removeprefix("-Xloggc:")]
    match = _XLOG_FILE.match(word)
    path = match[1].strip('"') if match else ""
    return [path] if path and path not in ("stdout", "stderr") else []


def _dump_names(path: str, pid: int) -> tuple[str, ...]:
    """HeapDumpPath may be a folder or a file: both readings."""
    if path.endswith((".hprof", ".gz")):
        return (path,)
    return (posixpath.join(path, f"java_pid{pid}.hprof"), posixpath.join(path, f"java_pid{pid}.hprof.gz"))
