"""Every figure has its definition in the reference, and nothing is defined that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from flinkscope import read_gc_log
from flinkscope.gc import findings

DOCS = Path(__file__).resolve().parents[2] / "docs"
LOG = Path(__file__).resolve().parents[1] / "corpus" / "gclog" / "jvm" / "jdk21-ZGCgen-default.log"
FAMILY = re.compile(r"^(.*?)_(?:total|min|max|avg|sd|p50|p75|p90|p95|p99|p99_9|last)_(\w+)$")


def test_every_figure_is_defined() -> None:
    reference = (DOCS / "reference" / "gc.md").read_text()
    table = reference[reference.index("## Figures") : reference.index("## Findings")]
    for name in read_gc_log(LOG).figures:
        family = FAMILY.match(name)
        stem = family[1] if family else name
        assert f"`{name}`" in table or f"`{stem}_" in table, name


def test_every_finding_is_listed_with_its_threshold() -> None:
    source = Path(findings.__file__).read_text()
    identities = set(re.findall(r'^ +"([a-z]+(?:-[a-z]+)+)",$', source, re.MULTILINE)) | {"humongous"}
    assert len(identities) >= 13
    for page in ("reference/gc.md", "explain/gc-figures.md"):
        text = (DOCS / page).read_text()
        missing = {identity for identity in identities if identity not in text}
        assert missing <= ({"out-of-memory"} if "explain" in page else set()), (page, missing)
