"""All designs of the daily-UV job on the same events, one after the other; few keys; ten million events; more keys.

    python benchmarks/uv/measure.py --out benchmarks/results/uv.json [--part designs …] [--minutes 45] [--again]

Each row is written as soon as it is measured; rows that are there are kept, so a run that was cut off goes on where it
was, unless ``--again``. No row is begun after ``--minutes``. A design that dies or is given up is a result; a Flink
that does not start is none, and is tried again the next time. CPU seconds are the TaskManager's, from its start (some
4 s on an idle machine) to the job's end. Other work on the machine makes them longer: its load is in each row.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from flinkscope.errors import FlinkscopeError
from flinkscope.uv.compare import Contender, compare_uv
from flinkscope.uv.run import Place

# The lab's workload: events of 4 M items and 1 M users, 21:00 to 23:56:40: 58 refreshes before the end.
LAB = {"items": "4000000", "users": "1000000", "span-ms": "10600000"}
MILLION, TEN_MILLION = 1_000_000, 10_000_000
SMALL_SHARE = 20  # --small: a twentieth of the events, to see that every part runs
LIMIT_S = 300.0
LIMITS_S = {"cumulate": 90.0, "ten-million": 900.0}  # by design or part; CUMULATE by item was at 450 CPU s, unfinished

BUCKET, ROCKSDB, GROUP = Contender("bucket"), Contender("bucket", "rocksdb"), Contender("group")
INCIDENT = tuple(Contender("incident", trigger=trigger) for trigger in ("bare", "evictor", "purging"))
ON_HEAP = (Contender("group", "hashmap"), Contender("quiet"), *INCIDENT)
BESIDE_HEAP = (ROCKSDB, Contender("bucket", "forst"), GROUP)
WITHOUT_END = (Contender("incident", "rocksdb", "purging"), Contender("cumulate"))
FEW = (BUCKET, GROUP, Contender("cumulate"), Contender("cumulate", "hashmap"), Contender("approx"))


class Row(NamedTuple):
    """One run: its name in its part, who, the options beside LAB, the TaskManager's size."""

    name: str
    contender: Contender
    options: dict[str, str]
    memory: str = "1216m"


def _rows(contenders: tuple[Contender, ...], memory: str = "1216m", events: int = MILLION, **options: str) -> list[Row]:
    return [Row(c.name, c, {"events": str(events), **options}, memory) for c in contenders]


PARTS: dict[str, list[Row]] = {
    "designs": _rows((BUCKET, Contender("approx"), *BESIDE_HEAP, *ON_HEAP, *WITHOUT_END)),
    "designs-in-more": _rows(ON_HEAP, "1849m"),
    "few-keys": _rows(FEW, key="categoryId"),
    "ten-million": _rows((BUCKET, ROCKSDB, GROUP), "1728m", TEN_MILLION),
    "keys": [
        Row(f"{c.name}, {items:,} items", c, {"events": str(MILLION), "items": str(items)})
        for c in (BUCKET, ROCKSDB)
        for items in (40_000, 400_000, 4_000_000)
    ],
    "refreshes": [
        Row(f"bucket, every {step}", BUCKET, {"events": str(MILLION), "step": step})
        for step in ("30 s", "3 min", "30 min")
    ],
}


def measured(part: str, known: dict[str, Any], small: bool, deadline: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measures what is not known yet, and yields it."""
    for row in PARTS[part]:
        if row.name in known:
            continue
        if time.monotonic() > deadline:
            print(f"{part} {row.name}: no time left", file=sys.stderr)
            return
        options = {**LAB, **row.options}
        if small:
            options["events"] = str(int(options["events"]) // SMALL_SHARE)
        limit_s = LIMITS_S.get(part, LIMITS_S.get(row.contender.design if part == "designs" else "", LIMIT_S))
        try:
            (run,) = compare_uv(options, [row.contender], Place(memory=row.memory), limit_s=limit_s)
        except (FlinkscopeError, OSError, LookupError, ValueError) as error:  # one row's failure costs no other row
            print(f"{part} {row.name}: {error!r}", file=sys.stderr)
            continue
        yield row.name, {**run.as_document(), "memory": row.memory, "options": options, "load": os.getloadavg()[1]}


def main() -> int:
    """Measures and writes; 1 when a row is missing at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", action="append", choices=list(PARTS))
    parser.add_argument("--minutes", type=float, default=45.0, help="begin no row after so many")
    parser.add_argument("--again", action="store_true", help="measure anew what is there")
    parser.add_argument("--small", action="store_true", help=f"1/{SMALL_SHARE} of the events")
    words = parser.parse_args()
    deadline = time.monotonic() + words.minutes * 60
    document = json.loads(words.out.read_text(encoding="utf-8")) if words.out.is_file() else {}
    document["machine"] = {"cores": os.cpu_count(), "system": platform.platform(), "flink": "2.3.0", "java": "17"}
    parts = words.part or list(PARTS)
    for part in parts:
        known = {} if words.again else document.get(part, {})
        for name, row in measured(part, known, words.small, deadline):
            document.setdefault(part, {})[name] = row
            words.out.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(part, name, row["outcome"], row["cpu_s"], row["live_bytes"], row["wrong"], row["seconds"], flush=True)
    missing = [f"{part} {row.name}" for part in parts for row in PARTS[part] if row.name not in document.get(part, {})]
    if missing:
        print(f"missing: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
