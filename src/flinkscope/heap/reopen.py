"""An index and a dominator tree as columns for the cache, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flinkscope.formats.hprof.container import DumpBytes
from flinkscope.formats.hprof.records import DumpRecords, Names
from flinkscope.heap import cache
from flinkscope.heap.classes import ClassTable
from flinkscope.heap.dominators import Dominance
from flinkscope.heap.kernels.address_map import AddressMap
from flinkscope.heap.objects import ObjectStore
from flinkscope.heap.sizes import Gaps

Array = npt.NDArray[Any]

_RECORD_COLUMNS = ("load_classes", "frames", "segments", "segment_ends", "roots", "class_heads", "class_fields")
_MORE_COLUMNS = ("class_statics", "class_positions")
_RECORD_FACTS = ("version", "id_size", "time_ms", "damage", "ended")
_COUNTS = ("instances", "object_arrays", "primitive_arrays", "null_ids")


def index_columns(store: ObjectStore) -> tuple[dict[str, Any], dict[str, Array]]:
    """(facts, columns) from which ``store_from`` makes the same store again."""
    records, address_map = store.records, store.map
    serials = np.array([(s, t, len(f)) for s, (t, f) in records.traces.items()], np.int64).reshape(-1, 3)
    columns = {name: getattr(records, name) for name in _RECORD_COLUMNS + _MORE_COLUMNS} | {
        "name_ids": records.names.ids,
        "name_begins": records.names.begins,
        "name_ends": records.names.ends,
        "traces": serials,
        "trace_frames": np.concatenate([np.empty(0, np.int64), *(f for _, f in records.traces.values())]),
        "words": address_map.words,
        "table": address_map.table,
        "pages": address_map.pages,
        "offsets": store.offsets,
        "class_of": store.class_of,
        "gaps_instances": store.gaps.instances,
        "gaps_arrays": store.gaps.arrays,
        "gaps_mirrors": store.gaps.mirrors,
        "mirror_index": store.mirror_index,
        "class_ids": store.classes.ids,
    }
    facts: dict[str, Any] = {name: getattr(records, name) for name in _RECORD_FACTS}
    facts |= {name: int(getattr(records, name)) for name in _COUNTS}
    facts |= {"base": address_map.base, "shift": address_map.shift, "page_shift": address_map.page_shift}
    facts |= {"step": store.step, "gaps": [list(gap) for gap in records.gaps]}
    return facts, columns


def store_from(path: str, data: Array, facts: dict[str, Any], columns: dict[str, Array]) -> ObjectStore:
    """The store that was saved. Raises KeyError or ValueError if columns are missing or do not fit together."""
    ends = np.cumsum(columns["traces"][:, 2])
    frames = np.split(columns["trace_frames"], ends[:-1]) if len(ends) else []
    traces = {int(s): (int(t), f) for (s, t, _), f in zip(columns["traces"], frames, strict=True)}
    kept: dict[str, Any] = {name: columns[name] for name in _RECORD_COLUMNS + _MORE_COLUMNS}
    kept |= {name: facts[name] for name in _RECORD_FACTS + _COUNTS}
    records = DumpRecords(
        data=data,
        path=path,
        names=Names(data, columns["name_ids"], columns["name_begins"], columns["name_ends"]),
        traces=traces,
        gaps=tuple((int(a), int(b)) for a, b in facts["gaps"]),
        pages=(),
        **kept,
    )
    classes = ClassTable(records)
    for class_id in columns["class_ids"][len(classes) :]:
        classes.add_unknown(int(class_id))
    address_map = AddressMap(
        columns["words"], columns["table"], columns["pages"], facts["base"], facts["shift"], facts["page_shift"]
    )
    offsets, class_of = columns["offsets"], columns["class_of"]
    if len(offsets) != len(class_of) or int(offsets.max()) >= len(data) or int(class_of.max()) >= len(classes):
        raise ValueError("columns do not fit the dump")
    gaps = Gaps(columns["gaps_instances"], columns["gaps_arrays"], columns["gaps_mirrors"])
    return ObjectStore(records, address_map, classes, offsets, class_of, columns["mirror_index"], gaps, facts["step"])


def load_store(folder: Path | None, dump: DumpBytes) -> ObjectStore | None:
    """The index of a dump seen before; None if there is none that fits."""
    found = cache.load(folder, "index") if folder is not None else None
    if found is None:
        return None
    try:
        return store_from(dump.path, dump.data, *found)
    except (KeyError, ValueError, TypeError, IndexError):
        return None


def load_dominance(folder: Path | None, size_rule: str, total: int) -> Dominance | None:
    """The dominator tree of a dump seen before; None if there is none that fits."""
    found = cache.load(folder, f"dominance-{size_rule}") if folder is not None else None
    if found is None:
        return None
    facts, columns = found
    try:
        idom, retained = columns["idom"], columns["retained"]
        islands = columns.get("islands")
        fits = len(idom) == len(retained) == total and int(idom.min()) >= -2 and int(idom.max()) < total
        return Dominance(idom, retained, int(facts["reached"]), islands) if fits else None
    except (KeyError, ValueError, TypeError):
        return None


def save(folder: Path | None, size_rule: str, store: ObjectStore, dominance: Dominance) -> None:
    """Keeps index and dominator tree, in the background."""
    if folder is None:
        return
    cache.save_later(folder, "index", *index_columns(store))
    columns = {"idom": dominance.idom, "retained": dominance.retained}
    if dominance.islands is not None:
        columns["islands"] = dominance.islands
    cache.save_later(folder, f"dominance-{size_rule}", {"reached": dominance.reached}, columns)


def load_class_retained(folder: Path | None, size_rule: str, classes: int) -> Array | None:
    """MAT's minimum retained size by class row, of a dump seen before."""
    found = cache.load(folder, f"classes-{size_rule}") if folder is not None else None
    sums = found[1].get("retained") if found is not None else None
    return sums if sums is not None and len(sums) == classes else None


def save_class_retained(folder: Path | None, size_rule: str, sums: Array) -> None:
    """Keeps the retained sizes by class, in the background."""
    if folder is not None:
        cache.save_later(folder, f"classes-{size_rule}", {}, {"retained": sums})
