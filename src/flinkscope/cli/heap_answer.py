"""What the heap's answer commands share: options, opening the dump, the first lines, JSON, tables of 100 columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import wraps
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.heap import Heap

WIDTH = 100
NARROW = 24


def heap_command(name: str, short_help: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command over a dump: the function gets an open heap, then its own options, then ``as_json``,
    ``show_strings``."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @click.command(name, short_help=short_help, epilog=f"Example: {example}")
        @click.argument("dump", type=click.Path(path_type=Path))
        @click.option("--show-strings", is_flag=True, help="Show contents of strings and arrays (they may be secret).")
        @click.option("--sizes", type=click.Choice(["measured", "mat"]), default="measured", show_default=True,
                      help="Object sizes: measured from addresses, or Eclipse MAT's formula.")  # fmt: skip
        @click.option(
            "--work-dir", type=click.Path(path_type=Path), help="Folder for unpacked dumps and large columns."
        )
        @click.option("--no-cache", is_flag=True, help="Neither read nor write the index cache.")
        @click.option("--json", "as_json", is_flag=True, help="JSON: bytes, counts, addresses as numbers.")
        @wraps(function)
        def command(dump: Path, sizes: Any, work_dir: Path | None, no_cache: bool, **options: Any) -> Any:
            return function(open_dump(dump, sizes, work_dir, not no_cache), **options)

        return command

    return decorate


def open_dump(dump: Path, sizes: Any, work_dir: Path | None, cache: bool) -> Heap:
    """The heap, opened with a progress bar."""
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.heap import open_heap

    return open_heap(dump, progress=TerminalProgress(), cache=cache, work_dir=work_dir, sizes=sizes)


def show_answer(
    heap: Heap, answer: Any, as_json: bool, show_strings: bool, render: Callable[[], None], key: str = "rows"
) -> None:
    """Prints the answer: a JSON document with what is missing and whether strings are shown, or the rendered text."""
    from flinkscope.cli.show import echo_json

    heap.progress.done()
    if as_json:
        plain = {key: _plain(answer)} if isinstance(answer, list | tuple) else _plain(answer)
        plain |= {
            "dump": heap.path,
            "incomplete": heap.missing.incomplete,
            "missing": list(heap.missing.sentences),
            "strings_shown": show_strings,
        }
        echo_json(plain)
        return
    for sentence in heap.missing.sentences:
        click.echo(fill(f"incomplete dump: {sentence}", WIDTH, subsequent_indent="  "))
    render()
    if not show_strings:
        click.echo("contents of strings and arrays are hidden (--show-strings shows them)")


def _plain(answer: Any) -> Any:
    """Dataclasses as dictionaries, all the way down; an absent fact as null."""
    from flinkscope.absent import Absent

    if isinstance(answer, Absent):
        return None
    if is_dataclass(answer) and not isinstance(answer, type):
        return {name: _plain(getattr(answer, name)) for name in (field.name for field in fields(answer))}
    if isinstance(answer, list | tuple):
        return [_plain(item) for item in answer]
    if isinstance(answer, dict):
        return {str(name): _plain(item) for name, item in answer.items()}
    return answer if answer is None or isinstance(answer, bool | int | float | str) else str(answer)


def table(head: Sequence[str], rows: Sequence[Sequence[object]], wide: int = -1, *, plain: bool = False) -> None:
    """Prints rows in columns: numbers to the right, ``plain`` without separators; the column ``wide`` gets what is left
    of 100 characters."""
    if not rows:
        return
    cells = [[cell(value, plain=plain) for value in row] for row in rows]
    wide %= len(head)
    widths = [max(len(head[k]), *(len(row[k]) for row in cells)) for k in range(len(head))]
    rest = WIDTH - sum(w for k, w in enumerate(widths) if k != wide) - 2 * (len(head) - 1)
    widths[wide] = min(widths[wide], max(NARROW, rest))
    numeric = [
        all(isinstance(row[k], int | float) and not isinstance(row[k], bool) for row in rows) for k in range(len(head))
    ]
    for line in [list(head), *cells]:
        shown = [
            tail(text, width).rjust(width) if number else tail(text, width).ljust(width)
            for text, width, number in zip(line, widths, numeric, strict=True)
        ]
        click.echo("  ".join(shown).rstrip())


def cell(value: object, *, plain: bool = False) -> str:
    """One value as text; ``plain``: numbers without separators."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and not plain else str(value)


def tail(text: str, width: int) -> str:
    """The text, or its end with an ellipsis: the end of a class name says most. Control characters are replaced."""
    from flinkscope.cli.main import printable

    text = printable(text).replace("\n", "⏎")
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def size(value: int | None) -> str:
    """Bytes for people."""
    from flinkscope.units import human_bytes

    return "-" if value is None else human_bytes(value)


def reference_text(reference: Any) -> str:
    """``class name @ 0x… "text"`` of an ObjectRef; ``null`` for None."""
    if reference is None:
        return "null"
    text = f"  {reference.text}" if reference.text is not None else ""
    return f"{reference.class_name} @ {reference.address:#x}{text}"


def parse_address(text: str) -> int:
    """An address as people write it: ``0x7f…`` or decimal. Raises UsageError."""
    from flinkscope.errors import UsageError

    try:
        return int(text, 0)
    except ValueError as error:
        raise UsageError(f"no address: {text!r}", hint="write it as 0xe1a4c0d8 or in decimal") from error
