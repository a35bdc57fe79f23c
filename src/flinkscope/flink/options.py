"""Every configuration option of Flink 1.10 to 2.3: does a key exist in this version, since when, under which names.

The catalogue (972 keys, 15 versions) was dumped by reflection from the real jars. It is the gate of every remedy: a key
that the user's version does not know is never proposed. Keys of connectors, file systems, Python and metric reporters
are not in the jars that were read; :func:`is_outside` says which prefixes those are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from flinkscope.flink.memory_options import parse_version

# Prefixes whose keys are free (names chosen by the user) or belong to jars outside the catalogue.
_OUTSIDE = (
    "$", "azure.", "client.", "containerized.master.env.", "containerized.taskmanager.env.", "events.reporter.",
    "external-resource.", "flink.hadoop.", "fs.", "gs.", "hadoop.", "hive.", "iceberg.", "kubernetes.operator.",
    "log4j", "mesos.", "metrics.reporter.", "metrics.scope.", "orc.", "oss.", "parquet.", "presto.", "python.", "s3.",
    "s3a.", "security.delegation.token.provider.", "security.module.", "sql-client.", "sql-gateway.", "table.",
    "traces.reporter.", "user.", "yarn.", "zookeeper.sasl.",
)  # fmt: skip
# Families whose jar was not read in the first versions of the catalogue.
_FIRST_READ = {"kubernetes.": (1, 11, 0), "state.backend.rocksdb.": (1, 11, 0)}


@dataclass(frozen=True, slots=True)
class ConfigOption:
    """One option in one version: ``default`` is its text or None; ``fallback_keys`` are older names still read."""

    key: str
    default: str | None
    fallback_keys: tuple[str, ...]
    deprecated: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """An option unchanged from version index ``first`` to ``last``."""

    first: int
    last: int
    option: ConfigOption


def catalogue_versions() -> tuple[str, ...]:
    """The versions that the catalogue knows, oldest first."""
    return tuple(_document()["versions"])


def option(key: str, flink: str) -> ConfigOption | None:
    """The option of exactly that key in that version (the catalogue's release of the same minor), or None."""
    index = _index(flink)
    return next((run.option for run in _runs().get(key, ()) if run.first <= index <= run.last), None)


def resolve(key: str, flink: str) -> ConfigOption | None:
    """The option that reads ``key`` in that version: by its own name, or by an older name it still accepts."""
    return option(key, flink) or _by_fallback(_index(flink)).get(key)


def reader_of(key: str, flink: str) -> ConfigOption | None:
    """The other option that also accepts ``key`` as an older name, or None."""
    return _by_fallback(_index(flink)).get(key)


def is_known(key: str, flink: str) -> bool:
    """Whether Flink ``flink`` reads the key, or the key belongs to a family outside the catalogue."""
    return resolve(key, flink) is not None or is_outside(key, flink)


def is_outside(key: str, flink: str) -> bool:
    """Whether the catalogue cannot judge the key: connectors, reporters, user keys, jars that were not read."""
    if key.startswith(_OUTSIDE):
        return not key.startswith("table.") or _family_unknown(key)
    return any(key.startswith(prefix) and parse_version(flink) < since for prefix, since in _FIRST_READ.items())


def lifetime(key: str) -> tuple[str, str] | None:
    """First and last catalogue version that reads the key, own name or older name; None if none ever did."""
    versions = catalogue_versions()
    alive = [i for i in range(len(versions)) if option(key, versions[i]) or key in _by_fallback(i)]
    return (versions[alive[0]], versions[alive[-1]]) if alive else None


def nearest(key: str, flink: str, count: int = 3) -> tuple[str, ...]:
    """The existing keys of that version that look most like ``key``, best first; empty if none is near."""
    from difflib import get_close_matches

    names = {name: name for name in _runs() if option(name, flink) and "<" not in name}
    names = {**{old: new.key for old, new in _by_fallback(_index(flink)).items()}, **names}
    folded = {name.lower().replace("_", "-"): meant for name, meant in names.items()}
    wanted = key.lower().replace("_", "-")
    close = get_close_matches(wanted, folded, n=count, cutoff=0.75)
    tail = wanted.rpartition(".")[2]
    if not close and "." in wanted:
        root = wanted.partition(".")[0]
        close = [name for name in folded if name.startswith(root + ".") and name.endswith("." + tail)][:count]
    return tuple(dict.fromkeys(folded[name] for name in close))


@cache
def _document() -> dict[str, Any]:
    text = files("flinkscope.flink.data").joinpath("options.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def _runs() -> dict[str, tuple[_Run, ...]]:
    return {key: tuple(_run(key, *fields) for fields in runs) for key, runs in _document()["options"].items()}


def _run(
    key: str, first: int, last: int, default: str | None, fallbacks: list[str] | None = None, deprecated: bool = False
) -> _Run:
    return _Run(first, last, ConfigOption(key, default, tuple(fallbacks or ()), deprecated))


@cache
def _by_fallback(index: int) -> dict[str, ConfigOption]:
    return {
        name: run.option
        for runs in _runs().values()
        for run in runs
        if run.first <= index <= run.last
        for name in run.option.fallback_keys
    }


@cache
def _index(flink: str) -> int:
    """The newest catalogue version of the same minor or an older one: the catalogue has one release of each minor."""
    minor = parse_version(flink)[:2]
    known = [parse_version(version)[:2] for version in catalogue_versions()]
    return max((i for i, candidate in enumerate(known) if candidate <= minor), default=0)


@cache
def _family_unknown(key: str) -> bool:
    family = ".".join(key.split(".")[:2]) + "."
    return not any(name.startswith(family) for name in _runs())
