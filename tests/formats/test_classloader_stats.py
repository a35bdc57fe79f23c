"""``VM.classloader_stats`` as real JobManagers with three leaked submissions answered it (rows of others left out)."""

from __future__ import annotations

from pathlib import Path

import pytest

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.classloader_stats import parse_classloader_stats

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "jvm"
USED_BYTES = 72_700_000  # of both, by the JVM's own counter


@pytest.mark.parametrize(("java", "unit"), [("17", 8), ("25", 1)])
def test_loaders_and_their_sizes_are_read_in_the_unit_that_the_jvm_prints(java: str, unit: int) -> None:
    stats = parse_classloader_stats((CORPUS / f"classloader_stats-{java}.txt").read_text())
    own = [row for row in stats.loaders if row.class_name.endswith("ChildFirstClassLoader")]
    assert [row.classes for row in own] == [508, 508, 508]
    assert stats.unit_bytes(USED_BYTES) == unit
    assert all(2_000_000 < row.chunks * unit < 2_200_000 for row in own)


def test_hidden_classes_count_with_their_loader() -> None:
    text = (CORPUS / "classloader_stats-17.txt").read_text().splitlines()
    at = next(k for k, line in enumerate(text) if "hidden classes" in line)
    alone, more = text[at - 1].split(), text[at].split()
    first = parse_classloader_stats("\n".join(text)).loaders[0]
    assert first.classes == int(alone[3]) + int(more[0])
    assert first.chunks == int(alone[4]) + int(more[1])


@pytest.mark.parametrize("text", ["", "java.lang.IllegalArgumentException: Unknown diagnostic command", "Total ="])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(UnreadableInputError, match=r"VM\.classloader_stats"):
        parse_classloader_stats(text)
