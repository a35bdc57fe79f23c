"""The tutorials' transcripts were filled by their script: every command has its output, and is flinkscope's."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_transcripts import BLOCK, commands_of, shown

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "tutorial").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_transcript_has_its_output(page: Path) -> None:
    blocks = [match[3] for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]
    assert len(blocks) >= 4
    for block in blocks:
        commands = commands_of(block)
        assert commands
        assert all(command.startswith("flinkscope ") for command in commands)
        lines = block.rstrip().splitlines()
        assert not lines[-1].startswith("$"), f"{commands[-1]}: run tools/make_transcripts.py"


def test_a_transcript_is_cut_where_its_comment_says() -> None:
    lines = [str(number) for number in range(1, 10)]
    assert shown(lines, 1, 60) == lines
    assert shown(lines, 1, 3) == ["1", "2", "3", "…"]
    assert shown(lines, 4, 5) == ["…", "4", "5", "…"]
