"""``flinkscope heap info``: what a dump is, and what it takes to analyse it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.heap_answer import open_dump, show_answer, size, table

if TYPE_CHECKING:
    from flinkscope.heap.summary import HeapInfo


@click.command(
    "info",
    short_help="what the dump is: sizes, counts, roots, what is unreachable",
    epilog="Example: flinkscope heap info taskmanager.hprof",
)
@click.argument("dump", type=click.Path(path_type=Path))
@click.option("--need", is_flag=True, help="Only scan the records and say what memory the analysis takes.")
@click.option("--sizes", type=click.Choice(["measured", "mat"]), default="measured", show_default=True,
              help="Object sizes: measured from addresses, or Eclipse MAT's formula.")  # fmt: skip
@click.option("--work-dir", type=click.Path(path_type=Path), help="Folder for unpacked dumps and large columns.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the index cache.")
@click.option("--json", "as_json", is_flag=True, help="JSON: bytes, counts, addresses as numbers.")
def command(dump: Path, need: bool, sizes: Any, work_dir: Path | None, no_cache: bool, as_json: bool) -> None:
    """JVM, date, identifier and reference size and how they were decided, objects, classes, loaders, GC roots by kind,
    reachable and unreachable bytes with the histogram of the unreachable."""
    if need:
        _show_need(dump, work_dir, as_json)
        return
    from flinkscope.heap.summary import describe

    heap = open_dump(dump, sizes, work_dir, not no_cache)
    info = describe(heap)
    show_answer(heap, info, as_json, False, lambda: _render(info))


def _show_need(dump: Path, work_dir: Path | None, as_json: bool) -> None:
    from dataclasses import asdict

    from flinkscope.cli.show import TerminalProgress, echo_json
    from flinkscope.heap.need import estimate_need

    progress = TerminalProgress()
    need = estimate_need(dump, work_dir=work_dir, progress=progress)
    progress.done()
    if as_json:
        echo_json({**asdict(need), "fits": need.fits})
        return
    click.echo(f"{need.objects:,} objects and at most {need.references:,} references in {size(need.file_bytes)}")
    click.echo(f"histogram needs {size(need.index_bytes)}, dominators and retained sizes {size(need.analysis_bytes)}")
    click.echo(
        f"available: {size(need.available_bytes)}; {'it fits' if need.fits else 'use --work-dir on a fast disk'}"
    )


def _render(info: HeapInfo) -> None:
    from flinkscope.cli.main import printable

    facts = [
        ("dump", f"{size(info.file_bytes)}, {info.format}, {info.segments:,} segments, written {info.date}"),
        ("JVM", info.java_version or "version not in the dump"),
        ("identifiers", f"{info.id_bytes} bytes; references {info.reference_bytes}: {info.reference_how}"),
        ("sizes", f"{info.size_rule}, aligned to {info.alignment_bytes}" + _clamped(info)),
        (
            "objects",
            f"{info.object_count:,}: {info.instances:,} instances, {info.object_arrays:,} object arrays, "
            f"{info.primitive_arrays:,} primitive arrays",
        ),
        ("classes", f"{info.class_count:,} reachable of {info.dumped_classes:,}, by {info.loaders:,} loaders"),
        ("roots", ", ".join(f"{count:,} {kind}" for kind, count in sorted(info.roots.items())) or "none"),
        ("reachable", f"{size(info.used_bytes)} in {info.reachable_object_count:,} objects"),
        ("unreachable", f"{size(info.unreachable_bytes)} in {info.unreachable_object_count:,} objects"),
    ]
    if info.unresolved_references:
        facts.append(("unresolved", f"{info.unresolved_references:,} references to objects that are not in the dump"))
    if info.oom_thread is not None:
        facts.append(("out of memory", f"thrown by thread {printable(info.oom_thread)}"))
    for name, text in facts:
        click.echo(f"{name:14}{text}")
    if info.unreachable:
        click.echo("")
        table(
            ("OBJECTS", "BYTES", "UNREACHABLE CLASS"),
            [(row.objects, row.shallow_bytes, row.class_name) for row in info.unreachable],
        )


def _clamped(info: HeapInfo) -> str:
    return f"; {info.clamped_classes} classes lie too loosely, by formula" if info.clamped_classes else ""
