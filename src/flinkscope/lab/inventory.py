"""What the lab can run, and what it keeps in the cache of this machine."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flinkscope.lab.cluster import abandoned_run_folders, remove_run_folder
from flinkscope.lab.incidents import jm_metaspace, uv_heap
from flinkscope.lab.wheels import cache_root

IN_USE, LEFTOVER, INSTALLED = "in use", "left by a killed run", "installed"


@dataclass(frozen=True, slots=True)
class IncidentEntry:
    """An incident, one line each for its sizes."""

    name: str
    title: str
    sizes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One folder of the cache. ``kind``: wheel or run; ``state``: IN_USE, LEFTOVER or INSTALLED."""

    kind: str
    name: str
    path: str
    size_bytes: int
    state: str

    def as_document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The lab on this machine."""

    incidents: tuple[IncidentEntry, ...]
    cache: str
    entries: tuple[CacheEntry, ...]

    def as_document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def take_inventory() -> Inventory:
    """Lists incidents and cache; reads only folder entries."""
    sizes = tuple(_size_line(name, size) for name, size in uv_heap.SIZES.items())
    incident = IncidentEntry(uv_heap.NAME, "daily unique visitors: Java heap space, although windows are purged", sizes)
    leak = IncidentEntry(jm_metaspace.NAME, "metaspace of the JobManager after repeated web submissions", ())
    abandoned = set(abandoned_run_folders())
    entries = [_entry("wheel", path, INSTALLED) for path in _folders("wheels")]
    entries += [_entry("run", path, LEFTOVER if path in abandoned else IN_USE) for path in _folders("lab")]
    return Inventory((incident, leak), str(cache_root()), tuple(entries))


def remove_leftovers(*, wheels: bool = False) -> list[CacheEntry]:
    """Removes run folders whose owner is gone, and with ``wheels`` the installed versions; what was removed."""
    gone = []
    for entry in take_inventory().entries:
        if entry.state == LEFTOVER:
            remove_run_folder(Path(entry.path))
        elif entry.kind == "wheel" and wheels:
            shutil.rmtree(entry.path)
        else:
            continue
        gone.append(entry)
    return gone


def _size_line(name: str, size: uv_heap.Size) -> str:
    flag = "(default)" if name == "demo" else f"--{name}"
    return f"{flag:9} {size.memory['taskmanager.memory.process.size']:>6} TaskManager, {size.events:>9,} events"


def _folders(name: str) -> list[Path]:
    folder = cache_root() / name
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def _entry(kind: str, path: Path, state: str) -> CacheEntry:
    size_bytes = sum(f.stat().st_size for f in path.rglob("*") if f.is_file() and not f.is_symlink())
    return CacheEntry(kind, path.name, str(path), size_bytes, state)
