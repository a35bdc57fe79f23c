"""``flinkscope heap diff``: what appeared from one dump to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from flinkscope.cli.heap_answer import open_dump, show_answer, table


@click.command(
    "diff",
    short_help="what appeared from one dump to another",
    epilog="Example: flinkscope heap diff before.hprof after.hprof --by class --top 20",
)
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(["class", "package", "loader", "superclass", "dominators"]), default="class",
              show_default=True, help="What makes a row; dominators: class path down the tree.")  # fmt: skip
@click.option("--depth", type=click.IntRange(1, 10), default=3, show_default=True, help="Length of dominator paths.")
@click.option("--sizes", type=click.Choice(["measured", "mat"]), default="measured", show_default=True,
              help="Object sizes: measured from addresses, or Eclipse MAT's formula.")  # fmt: skip
@click.option("--work-dir", type=click.Path(path_type=Path), help="Folder for unpacked dumps and large columns.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the index cache.")
@click.option("--top", type=click.IntRange(1), default=30, show_default=True, help="So many rows on the terminal.")
@click.option("--json", "as_json", is_flag=True, help="JSON: bytes and counts as numbers.")
def command(
    before: Path, after: Path, by: str, depth: int, sizes: Any, work_dir: Path | None, no_cache: bool, top: int,
    as_json: bool,
) -> int:  # fmt: skip
    """Objects, shallow and retained bytes that appeared (+) or went (-); exit code 1 if anything did."""
    from flinkscope.heap.difference import compare_dominators, compare_heaps

    first = open_dump(before, sizes, work_dir, not no_cache)
    second = open_dump(after, sizes, work_dir, not no_cache)
    rows = compare_dominators(first, second, depth) if by == "dominators" else compare_heaps(first, second, by)

    def render() -> None:
        for sentence in first.missing.sentences:
            click.echo(f"incomplete first dump: {sentence}")
        cells = [
            (f"{row.objects:+,}", f"{row.shallow_bytes:+,}", f"{row.retained_bytes:+,}", row.name) for row in rows[:top]
        ]
        table(("OBJECTS", "SHALLOW", "RETAINED >=", by.upper()), cells)
        click.echo(f"{len(rows):,} rows differ" if rows else "nothing differs")

    show_answer(second, rows, as_json, False, render)
    return 1 if rows else 0
