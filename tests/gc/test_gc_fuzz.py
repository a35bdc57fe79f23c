"""A short run of fuzz/fuzz_gclog.py's damage on the corpus: no exception but ours, no impossible figure, no hang."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_logs(seed: int) -> None:
    spec = importlib.util.spec_from_file_location("fuzz_gclog", ROOT / "fuzz" / "fuzz_gclog.py")
    assert spec is not None
    assert spec.loader is not None
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    fuzz.mutate(60, ROOT / "tests" / "corpus" / "gclog", seed)
