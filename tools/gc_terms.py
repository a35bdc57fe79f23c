"""The definitions of GC figures out of docs/reference/gc.md, so that `flinkscope explain` has them offline.

python tools/gc_terms.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GC_TERMS = ROOT / "src" / "flinkscope" / "glossary" / "gc_terms.json"
_ROW = re.compile(r"^\| (?P<names>`.*?) \| (?P<text>.+) \|$", re.MULTILINE)
_NAME = re.compile(r"`([a-z][a-z0-9_…]*)`")  # … stands for any statistic


def gc_terms() -> str:
    """JSON: names and text of each row of the table of figures."""
    page = (ROOT / "docs" / "reference" / "gc.md").read_text(encoding="utf-8")
    table = page[page.index("\n## Figures") :]
    table = table[: table.index("\n## ", 1)] if "\n## " in table[1:] else table
    rows = [{"names": _NAME.findall(row["names"]), "text": row["text"]} for row in _ROW.finditer(table)]
    return json.dumps([row for row in rows if row["names"]], indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    GC_TERMS.write_text(gc_terms(), encoding="utf-8")
