"""All designs of the daily-UV job on the same events, one after the other; ten million events; ten times the keys.

    python benchmarks/uv/measure.py --out benchmarks/results/uv.json [--part designs|ten-million|keys]

Each row is written as soon as it is measured, and rows that are there are not measured again. CPU seconds are the
TaskManager's, from its start (some 4 s on an idle machine) to the job's end. A machine with other work on it makes
them longer: the load average is in each row.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flinkscope.uv.compare import EVERY, Contender, compare
from flinkscope.uv.run import Place

# The lab's workload: 1 M events of 4 M items and 1 M users, 21:00 to 23:56:40.
LAB = {"items": "4000000", "users": "1000000", "span-ms": "10600000"}
KEY_LIMIT_S = {"cumulate": 300.0}


def parts() -> dict[str, list[tuple[str, Contender, dict[str, str], str]]]:
    """(row name, contender, options, memory of the TaskManager) by part."""
    million = {**LAB, "events": "1000000"}
    ten = {**LAB, "events": "10000000"}
    large = [Contender("bucket"), Contender("bucket", "rocksdb"), Contender("group")]
    return {
        "designs": [(c.name, c, million, "1216m") for c in EVERY],
        "designs-in-more": [(c.name, c, million, "1849m") for c in EVERY if c.design in ("incident", "quiet", "group")],
        "ten-million": [(c.name, c, ten, "1728m") for c in large],
        "keys": [
            (f"{c.name}, {items:,} items", c, {**million, "items": str(items)}, "1216m")
            for c in large[:2]
            for items in (40_000, 400_000, 4_000_000)
        ],
        "refreshes": [
            (f"bucket, step {step}", Contender("bucket"), {**million, "step": step}, "1216m")
            for step in ("1 min", "3 min", "30 min")
        ],
    }


def rows(part: str, known: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measures what is not known yet."""
    for name, contender, options, memory in parts()[part]:
        if name in known:
            continue
        limit_s = KEY_LIMIT_S.get(contender.design, 900.0)
        for run in compare(options, [contender], Place(memory=memory), limit_s=limit_s):
            yield name, {**run.as_document(), "memory": memory, "options": options, "load": os.getloadavg()[1]}


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", action="append", choices=list(parts()))
    words = parser.parse_args()
    document = json.loads(words.out.read_text()) if words.out.is_file() else {}
    document["machine"] = {"cores": os.cpu_count(), "system": platform.platform(), "flink": "2.3.0", "java": "17"}
    for part in words.part or list(parts()):
        known = document.setdefault(part, {})
        for name, row in rows(part, known):
            known[name] = row
            words.out.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            print(part, name, row["outcome"], row["cpu_s"], row["live_bytes"], row["wrong"], flush=True)


if __name__ == "__main__":
    main()
