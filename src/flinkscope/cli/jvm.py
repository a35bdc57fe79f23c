"""``flinkscope jvm``: asks a running JVM by attach, as jcmd does, without a JDK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.errors import UsageError

if TYPE_CHECKING:
    from flinkscope.jvm.verbs import JvmVerbs

_COSTS = {
    "histogram": "a full collection, then a walk over all objects: the process stands still for it",
    "heap-dump": "a full collection, then the whole heap is written: the process stands still for it",
    "record": "a flight recording is started in the process and ended again; about 1 % of CPU",
}
_VERBS = ("histogram", "loaders", "metaspace", "flags", "heap-info", "native-memory", "heap-dump", "record", "jcmd")


@click.command("jvm", short_help="ask a running JVM by attach: histogram, loaders, metaspace, flags, heap dump, JFR")
@click.argument("pid", type=click.IntRange(min=1))
@click.argument("verb", type=click.Choice(_VERBS))
@click.argument("words", nargs=-1)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where a heap dump or recording is put.")
@click.option("--folder", default="/tmp", show_default=True, help="Where the JVM writes first, in its own file system.")
@click.option("--all", "all_objects", is_flag=True, help="Unreachable objects too: no full collection.")
@click.option("--gzip", is_flag=True, help="Compress a heap dump (Java 17 and later).")
@click.option("--seconds", type=click.IntRange(min=1), default=30, show_default=True, help="Length of a recording.")
@click.option("--yes", is_flag=True, help="Do it: needed for whatever stops or changes the process.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
def command(
    pid: int,
    verb: str,
    words: tuple[str, ...],
    out: Path | None,
    folder: str,
    all_objects: bool,
    gzip: bool,
    seconds: int,
    yes: bool,
    as_json: bool,
) -> None:
    """Asks the JVM of PID to do VERB. What would stop or change it is only told, with its cost, until --yes is given.

    \b
    Examples:
      flinkscope jvm 4711 metaspace
      flinkscope jvm 4711 histogram --all
      flinkscope jvm 4711 heap-dump -o heap.hprof.gz --gzip --yes
      flinkscope jvm 4711 record -o run.jfr --seconds 30 --yes
      flinkscope jvm 4711 jcmd VM.version
    """
    from flinkscope.jvm.verbs import open_verbs

    verbs = open_verbs(pid)
    if verb in ("heap-dump", "record") and out is None:
        raise UsageError(f"{verb} needs a file", hint=f"flinkscope jvm {pid} {verb} -o FILE --yes")
    if not yes and _stops(verb, words, all_objects):
        raise UsageError(f"{verb} on process {pid}: {_cost(verbs, verb, out, folder)}", hint="give --yes to do it")
    answer: Any
    if out is not None and verb in ("heap-dump", "record"):
        if verb == "record":
            size_bytes = verbs.record(out, seconds, folder=folder)
        else:
            size_bytes = verbs.heap_dump(out, folder=folder, live=not all_objects, gzip=gzip).file_bytes
        answer = {"path": str(out), "file_bytes": size_bytes}
    else:
        answer = _text(verbs, verb, words, all_objects, as_json)
    _show(answer, as_json)


def _show(answer: Any, as_json: bool) -> None:
    from flinkscope.cli.show import echo_json

    if as_json:
        echo_json(answer)
    elif isinstance(answer, dict):
        click.echo(f"{answer['path']}: {answer['file_bytes']:,} bytes")
    else:
        click.echo(answer)


def _stops(verb: str, words: tuple[str, ...], all_objects: bool) -> bool:
    """Whether it stops the process for long or changes it: of jcmd's own commands all but those known to read only."""
    if verb == "jcmd":
        return not words or not words[0].startswith(("VM.version", "VM.uptime", "VM.flags", "VM.command_line", "help"))
    return verb in _COSTS and not (verb == "histogram" and all_objects)


def _cost(verbs: JvmVerbs, verb: str, out: Path | None, folder: str) -> str:
    text = _COSTS.get(verb, "this command may stop or change the process")
    if verb == "heap-dump" and out is not None:
        from flinkscope.units import human_bytes

        cost = verbs.heap_dump_cost(out, folder)
        text += (
            f"; up to {human_bytes(cost.needed_bytes)}, free: {human_bytes(cost.free_in_target_bytes)} in its {folder}"
            f", {human_bytes(cost.free_here_bytes)} here"
        )
    return text


def _text(verbs: JvmVerbs, verb: str, words: tuple[str, ...], all_objects: bool, as_json: bool) -> Any:
    if verb == "histogram":
        rows = verbs.class_histogram(all_objects=all_objects).rows
        if as_json:
            return [{"class": r.class_name, "objects": r.objects, "shallow_bytes": r.shallow_bytes} for r in rows]
        return "\n".join(f"{r.objects:>12,} {r.shallow_bytes:>16,}  {r.class_name[:68]}" for r in rows[:40])
    if verb == "flags":
        flags = verbs.flags()
        return flags if as_json else "\n".join(f"{name} = {value}" for name, value in sorted(flags.items()))
    asked: dict[str, Callable[[], str]] = {
        "loaders": verbs.class_loader_stats,
        "metaspace": verbs.metaspace,
        "heap-info": verbs.heap_info,
        "native-memory": verbs.native_memory,
        "jcmd": lambda: verbs.jcmd(" ".join(words)),
    }
    return asked[verb]().rstrip()
