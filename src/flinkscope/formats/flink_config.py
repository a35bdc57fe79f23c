"""Flink's configuration from wherever it is written: one list of entries, each with its place.

Known by content, not by name: ``config.yaml`` (nested, flat, 1.19+), ``flink-conf.yaml`` (Flink's own line format, up
to 1.20), ``-D`` arguments and whole command lines, FlinkDeployment and ConfigMap YAML, docker compose and pod YAML or
an environment file with ``FLINK_PROPERTIES``, the memory tree of a log, REST ``/taskmanagers/:id`` and
``/jobmanager/config``.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from flinkscope.errors import FormatError, SourceError, UnreadableInputError
from flinkscope.place import Place

LARGEST_BYTES = 32 * 1024 * 1024  # a log's first lines hold its memory tree; a configuration is a few kilobytes


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One key with its value as text, and where it stands."""

    key: str
    value: str
    place: Place


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """A line that Flink ignores or refuses, and why."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class FlinkConfig:
    """What one source says. A later entry of the same key wins, as in Flink.

    ``role`` and ``flink_version`` are None unless the source says them. ``launcher`` is ``container`` for Kubernetes
    resources, ``script`` for files that the start scripts read, ``none`` for values that are already effective.
    ``jvm_arguments`` are the options of a command line that go to the JVM itself.
    """

    source: str
    kind: str
    entries: tuple[ConfigEntry, ...] = ()
    problems: tuple[ConfigProblem, ...] = ()
    role: str | None = None
    flink_version: str | None = None
    launcher: str = "script"
    jvm_arguments: tuple[str, ...] = ()
    name: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    def mapping(self) -> dict[str, str]:
        """Key → value, the last entry of a key."""
        return {entry.key: entry.value for entry in self.entries}

    def place_of(self, key: str) -> Place | None:
        """Where the effective entry of the key stands."""
        return next((entry.place for entry in reversed(self.entries) if entry.key == key), None)

    def with_entries(self, extra: Iterable[ConfigEntry]) -> FlinkConfig:
        """The same with more entries, which win."""
        return replace(self, entries=(*self.entries, *extra))


def read_flink_config(path: str | Path, flink: str | None = None) -> tuple[FlinkConfig, ...]:
    """All configurations in a file or a configuration folder: one for most sources, one a process for pod lists.

    ``flink`` decides which file of a folder that version reads (``config.yaml`` since 1.19, only that since 2.0).
    Raises SourceError if it cannot be read, UnreadableInputError if there is no Flink configuration in it.
    """
    target = Path(path)
    if target.is_dir():
        target = _file_of_folder(target, flink)
    return parse_flink_config(_text(target), str(target))


def parse_flink_config(text: str, source: str) -> tuple[FlinkConfig, ...]:
    """All configurations in a text; ``source`` names it in places and tells a ``flink-conf.yaml`` by its name."""
    from flinkscope.formats import flink_config_text as plain
    from flinkscope.formats import flink_config_yaml as yaml_documents

    if "\0" in text:
        return (plain.command_line([part for part in text.split("\0") if part], source),)
    stripped = text.lstrip("\ufeff").strip()
    if not stripped:
        raise UnreadableInputError(f"{source}: empty", hint="give a Flink configuration file")
    if stripped[0] in "{[":
        return (plain.rest_json(text, source),)
    if plain.has_memory_tree(text):
        return plain.memory_trees(text, source)
    if plain.looks_like_command_line(stripped):
        return (plain.command_line_text(text, source),)
    if plain.has_environment(text):
        return (plain.environment(text, source),)
    if os.path.basename(source).startswith("flink-conf"):
        return (plain.legacy_config(text, source),)
    return yaml_documents.yaml_config(text, source)


def parse_arguments(arguments: Iterable[str], source: str = "command line") -> FlinkConfig:
    """``key=value`` and ``-Dkey=value`` words of a command line."""
    from flinkscope.formats.flink_config_text import dynamic_arguments

    return dynamic_arguments(list(arguments), source)


def _file_of_folder(folder: Path, flink: str | None) -> Path:
    names = ["flink-conf.yaml", "config.yaml"]
    if flink is not None and flink.lstrip("vV").startswith("2."):
        names = ["config.yaml"]
    for base in (folder, folder / "conf"):
        for name in names:
            if (base / name).is_file():
                return base / name
    raise SourceError(
        f"{folder}: neither {' nor '.join(reversed(names))} in it",
        hint="give Flink's conf folder or the file itself",
    )


def _text(path: Path) -> str:
    """The file's text; of a larger file only its beginning, where a log has its memory tree."""
    try:
        with path.open("rb") as stream:
            head = stream.read(2)
            stream.seek(0)
            data = _inflated(path) if head == b"\x1f\x8b" else stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}", hint="check the path and its permissions") from error
    if len(data) > LARGEST_BYTES:
        data = data[: data.rfind(b"\n", 0, LARGEST_BYTES) + 1]
        if b"Memory configuration:" not in data:
            raise UnreadableInputError(
                f"{path}: larger than {LARGEST_BYTES:,} bytes and without a memory tree at its beginning",
                hint="give config.yaml, or the first lines of the log",
            )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"Memory configuration:" in data:  # a log may hold any bytes that a job prints
            return data.decode("utf-8", "replace")
        found = f"byte {data[error.start]:#04x}"
        raise FormatError(str(path), error.start, "UTF-8 text", found, hint="is this a configuration file?") from error


def _inflated(path: Path) -> bytes:
    try:
        with gzip.open(path) as stream:
            return stream.read(LARGEST_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableInputError(f"{path}: damaged gzip: {error}", hint="copy the file again") from error
