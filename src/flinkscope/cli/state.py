"""``flinkscope state``: what window state will weigh, before it does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.flink.windows import WindowDesign
    from flinkscope.flink.windows_dump import ReadFromDump
    from flinkscope.flink.windows_load import Cluster, Load

_UNITS_MS = {"ms": 1, "s": 1_000, "min": 60_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_OWN_STATES = ("none", "window", "global")
_TRIGGERS = (
    "event-time", "continuous", "purging-continuous", "continuous-processing", "count", "purging-count", "delta",
    "quiet",
)  # fmt: skip


@click.group(
    "state",
    short_help="what window state and timers will weigh: predict, compare designs, ratios",
    epilog="Example: flinkscope state predict --keys 20m --interval 3min --slots 4 --parallelism 4",
)
def command() -> None:
    """Window state and timers before they are there."""


@command.command("predict", epilog="Example: flinkscope state predict --keys 5m --key string:16 --trigger continuous")
@click.option("--keys", metavar="N", help="Distinct keys in one window, whole job: 500k, 20m.")
@click.option("--events", type=float, default=1.0, show_default=True, help="Events a key has in a window.")
@click.option("--key", "key_type", default="string:16", show_default=True, help="string:CHARS, long or int.")
@click.option("--record", type=click.IntRange(0), help="Heap bytes of a record without its key.  [default: a Tuple2]")
@click.option("--trigger", type=click.Choice(_TRIGGERS), default="purging-continuous", show_default=True,
              help="quiet: fires only where data came.")  # fmt: skip
@click.option("--evictor", type=click.IntRange(0), metavar="N", help="Elements that the evictor leaves; 0: none.")
@click.option("--function", type=click.Choice(["process", "reduce", "aggregate"]), default="process",
              show_default=True, help="Of the window.")  # fmt: skip
@click.option("--own-state", type=click.Choice(_OWN_STATES), default="none", show_default=True,
              help="Where the function keeps a map of its own.")  # fmt: skip
@click.option("--users", type=float, default=1.0, show_default=True, help="Ids in that map (or item) by the end.")
@click.option("--window", default="1d", show_default=True, help="Size of the window.")
@click.option("--interval", help="The trigger's interval.  [default: 3min, or the dump's]")
@click.option("--lateness", help="Allowed lateness.  [default: none, or the dump's]")
@click.option(
    "--backend",
    type=click.Choice(["hashmap", "rocksdb"]),
    default="hashmap",
    show_default=True,
    help="Where keyed state lives.",
)
@click.option("--parallelism", type=click.IntRange(1, 32_768), default=1, show_default=True, help="Of the operator.")
@click.option("--slots", type=click.IntRange(1, 32_768), default=1, show_default=True, help="Per TaskManager.")
@click.option("--max-parallelism", type=click.IntRange(1, 32_768), help="Key groups.  [default: Flink's]")
@click.option("--flink", default="2.3.0", show_default=True, help="Flink version.")
@click.option("--layout", type=click.Choice(["compressed", "wide", "compact"]), default="compressed",
              show_default=True, help="wide: heaps of 32 GiB and more; compact: JDK 25 headers.")  # fmt: skip
@click.option("--heap", metavar="SIZE", help="Also: at how many keys does this -Xmx die?")
@click.option("--collector", default="G1", show_default=True, help="G1, Parallel, Serial, ZGC, …")
@click.option("--from-dump", "dump", type=click.Path(path_type=Path), help="Read design and bytes from a heap dump.")
@click.option("--no-alternatives", is_flag=True, help="Only this design.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write a page with the curves (.html).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the whole curve.")
def predict(**options: Any) -> None:
    """Entries, timers, live bytes, checkpoint and firing time over one window, and the memory that it needs.

    The design that the options describe first, then the usual designs for the same load side by side.
    """
    from flinkscope.flink.windows_forecast import forecast, keys_that_fit
    from flinkscope.flink.windows_needs import needs, version_notes

    read = _read(options)
    design, load, cluster = _asked(options, read)
    found = forecast(design, load, cluster)
    need = needs(found, options["collector"])
    fit = None
    if options["heap"]:
        from flinkscope.cli.size import size_bytes

        fit = keys_that_fit(design, load, cluster, size_bytes(options["heap"]))
    notes = [*(read.notes if read else ()), *version_notes(design, cluster.flink)]
    others = [] if options["no_alternatives"] else _others(design, load, cluster, options["collector"])
    if options["output"] is not None:
        _write_page(options["output"], [(found, need), *others], notes)
    if options["as_json"]:
        _echo_json(found, need, others, notes, fit)
        return
    _show(found, need, others, notes, (options["heap"], fit), read)


@command.command("ratios", epilog="Example: jcmd PID GC.class_histogram > h.txt; flinkscope state ratios h.txt")
@click.argument("histogram", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON: counts, bytes, certainty in basis points.")
def ratios(histogram: Path, as_json: bool) -> None:
    """What a class histogram alone tells of window state: ratios of counts, with their certainty.

    It names no job or operator; a heap dump does (flinkscope heap flink).
    """
    from dataclasses import asdict
    from textwrap import fill

    from flinkscope.cli.show import echo_json
    from flinkscope.flink.histogram_ratios import read_ratios
    from flinkscope.units import human_bytes

    found = read_ratios(histogram)
    if as_json:
        echo_json(asdict(found))
        return
    sure = f"{found.certainty_bp / 100:.0f} % sure" if found.pattern else "nothing can be said"
    lines = [f"{found.pattern or 'no known pattern'}: {sure}", f"  {found.why}"]
    if found.contents:
        lines.append(f"  {found.contents}")
    if found.pattern:
        lines.append(f"  about {found.panes:,} (key, window) panes; entries and timers {human_bytes(found.own_bytes)}")
    lines.append("  a heap dump names jobs, operators and states: jcmd PID GC.heap_dump, flinkscope heap flink")
    for line in lines:
        click.echo(fill(line, 100, subsequent_indent="    "))


def _read(options: dict[str, Any]) -> ReadFromDump | None:
    """What the dump says, if one is given."""
    from flinkscope.errors import UsageError

    if options["dump"] is None:
        if not options["keys"]:
            raise UsageError("how many keys?", hint="--keys 20m, or --from-dump HEAP.hprof")
        return None
    from flinkscope.cli.show import TerminalProgress
    from flinkscope.flink.opened import open_heap
    from flinkscope.flink.windows_dump import read_from_dump

    progress = TerminalProgress()
    state = open_heap(options["dump"], progress=progress).flink().state
    progress.done()
    interval = _duration_ms(options["interval"]) if options["interval"] else None
    return read_from_dump(state, events_per_key=options["events"], interval_ms=interval)


def _asked(options: dict[str, Any], read: ReadFromDump | None) -> tuple[WindowDesign, Load, Cluster]:
    """Design, load and cluster of the options; a dump's own come first, but --keys, times and backend replace them."""
    from flinkscope.flink.windows import Element, WindowDesign
    from flinkscope.flink.windows_bytes import LAYOUTS
    from flinkscope.flink.windows_load import Cluster, Load, key_bytes

    layout = LAYOUTS[options["layout"]]
    cluster = Cluster(
        options["parallelism"], options["slots"], options["max_parallelism"] or 0, layout, _version(options["flink"])
    )
    lateness = _duration_ms(options["lateness"]) if options["lateness"] else None
    if read is not None:
        design = replace(read.design, backend=options["backend"])
        design = design if lateness is None else replace(design, lateness_ms=lateness)
        keys = _count(options["keys"]) if options["keys"] else read.load.keys_per_window
        return design, replace(read.load, keys_per_window=keys, users_per_key=options["users"]), cluster
    key, serialized = key_bytes(options["key_type"], layout)
    record = layout.tuple2 if options["record"] is None else options["record"]
    design = WindowDesign(
        name=options["trigger"] + (f", evictor {options['evictor']}" if options["evictor"] is not None else ""),
        trigger=options["trigger"], function=options["function"], evicts=options["evictor"],
        own_state=options["own_state"], lateness_ms=lateness or 0, backend=options["backend"],
    )  # fmt: skip
    load = Load(
        keys_per_window=_count(options["keys"]),
        events_per_key=options["events"],
        window_ms=_duration_ms(options["window"]),
        interval_ms=_duration_ms(options["interval"] or "3min"),
        element=Element(key, record, layout.boxed_long, layout.string(16)),
        users_per_key=options["users"],
        key_serialized_bytes=serialized,
        record_serialized_bytes=serialized + 8,
    )
    return design, load, cluster


def _others(design: WindowDesign, load: Load, cluster: Cluster, collector: str) -> list[Any]:
    from flinkscope.flink.windows_alternatives import alternatives
    from flinkscope.flink.windows_needs import needs

    return [(other, needs(other, collector)) for other in alternatives(design, load, cluster)]


def _show(
    found: Any, need: Any, others: list[Any], notes: list[str], limit: tuple[str, int | None], read: ReadFromDump | None
) -> None:
    from textwrap import fill

    from flinkscope.flink.windows_view import forecast_lines, side_by_side_lines
    from flinkscope.units import human_bytes

    lines = []
    if read is not None:
        part = "at the end of" if read.part is None else f"{read.part * 100:.1f} % into"
        lines = [
            f"in the dump: {read.panes:,} panes, {human_bytes(read.state_bytes)}, {part} the window; by its end:",
            "",
        ]
    lines += forecast_lines(found, need)
    heap, fit = limit
    if heap:
        keys = "not of its state: that is outside the heap" if fit is None else f"at about {fit:,} keys a window"
        lines.append(f"  a heap of {heap} dies {keys}")
    lines += [fill(f"  note: {note}", 100, subsequent_indent="    ") for note in notes]
    if others:
        lines += ["", "the same load, side by side", *side_by_side_lines(others)]
    for line in lines:
        click.echo(line if len(line) <= 100 else fill(line, 100, subsequent_indent="    "))


def _write_page(path: Path, rows: list[tuple[Any, Any]], notes: list[str]) -> None:
    from flinkscope.errors import UsageError
    from flinkscope.report.html.growth_page import growth_page
    from flinkscope.report.output import write_whole

    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{path}: the page is written as .html", hint="use --json for the figures")
    write_whole(path, growth_page(rows, notes))


def _echo_json(found: Any, need: Any, others: list[Any], notes: list[str], fit: int | None) -> None:
    from flinkscope.cli.show import echo_json
    from flinkscope.flink.windows_view import document

    rows = [document(*other) for other in others]
    echo_json({"forecast": document(found, need), "alternatives": rows, "notes": notes, "keys_that_fit": fit})


def _count(text: str) -> int:
    """``500k``, ``20m``, ``1_000_000``."""
    from flinkscope.errors import UsageError

    match = re.fullmatch(r"(\d{1,12})([kKmMgG]?)", text.replace("_", "").replace(",", ""))
    if not match:
        raise UsageError(f"{text!r} is not a number of keys", hint="write it like 413022, 500k or 20m")
    return int(match[1]) * {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}[match[2].lower()]


def _duration_ms(text: str) -> int:
    from flinkscope.errors import UsageError

    match = re.fullmatch(r"\s*(\d{1,9})\s*(ms|s|min|m|h|d)\s*", text)
    if not match:
        raise UsageError(f"{text!r} is not a time", hint="write it like 90s, 3min, 24h or 1d")
    return int(match[1]) * _UNITS_MS[match[2]]


def _version(text: str) -> tuple[int, int, int]:
    from flinkscope.errors import UsageError

    match = re.match(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?", text)
    if not match:
        raise UsageError(f"{text!r} is not a Flink version", hint="write it like 1.20.5")
    return int(match[1]), int(match[2]), int(match[3] or 99)
