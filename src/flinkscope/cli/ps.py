"""``flinkscope ps``: the JVMs of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flinkscope.jvm.live import JvmSummary


@click.command(
    "ps",
    short_help="JVMs of this machine: Flink role, versions, collector, memory",
)
@click.option("--flink", "only_flink", is_flag=True, help="Only Flink's processes.")
@click.option("--json", "as_json", is_flag=True, help="JSON: bytes and milliseconds, null for what is not known.")
def command(only_flink: bool, as_json: bool) -> None:
    """Lists the JVMs of this machine, also those in containers, without touching them.

    META is the metaspace as of the last collection, against -XX:MaxMetaspaceSize.

    \b
    Examples:
      flinkscope ps --flink
      flinkscope ps --json
    """
    from flinkscope.cli.show import echo_json
    from flinkscope.jvm.live import list_jvms

    jvms = [jvm for jvm in list_jvms() if jvm.role != "jvm" or not only_flink]
    if as_json:
        echo_json([_document(jvm) for jvm in jvms])
        return
    if not jvms:
        click.echo("no JVM found (of other users' processes only root sees the memory)")
        return
    rows = [_row(jvm) for jvm in jvms]
    head = ("PID", "ROLE", "FLINK", "JAVA", "COLLECTOR", "HEAP", "META", "RSS", "UP", "MAIN")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head) - 1)]
    for row in [head, *rows]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        click.echo(f"{line}  {row[-1][: max(12, 98 - len(line))]}".rstrip())


def _row(jvm: JvmSummary) -> tuple[str, ...]:
    from flinkscope.units import human_bytes, human_ns

    def size(value: object) -> str:
        return _short(human_bytes(value)) if isinstance(value, int) else "?"

    limit = jvm.metaspace_limit_bytes
    return (
        str(jvm.process.pid),
        jvm.role,
        jvm.flink_version or "-",
        str(jvm.java_version or "?"),
        str(jvm.collector or "?"),
        f"{size(jvm.heap_used_bytes)}/{size(jvm.heap_max_bytes)}",
        f"{size(jvm.metaspace_used_bytes)}/{size(limit) if isinstance(limit, int) else '∞'}",
        size(jvm.resident_bytes),
        _short(human_ns(jvm.uptime_ms * 1_000_000)),
        jvm.main.rsplit("/", 1)[-1].rsplit(".", 1)[-1] if jvm.role != "jvm" else jvm.main,
    )


def _short(text: str) -> str:
    return text.replace(" ", "").replace("iB", "")


def _document(jvm: JvmSummary) -> dict[str, Any]:
    from flinkscope.absent import present

    return {
        "pid": jvm.process.pid,
        "namespace_pid": jvm.process.namespace_pid,
        "same_namespaces": jvm.process.same_namespaces,
        "uid": jvm.process.uid,
        "role": jvm.role,
        "main": jvm.main,
        "virtual_machine": jvm.process.virtual_machine,
        "flink_version": jvm.flink_version,
        "java_version": present(jvm.java_version),
        "collector": present(jvm.collector),
        "heap_used_bytes": present(jvm.heap_used_bytes),
        "heap_max_bytes": present(jvm.heap_max_bytes),
        "metaspace_used_bytes": present(jvm.metaspace_used_bytes),
        "metaspace_limit_bytes": present(jvm.metaspace_limit_bytes),
        "resident_bytes": present(jvm.resident_bytes),
        "uptime_ms": jvm.uptime_ms,
        "perf_absence": jvm.process.perf_absence or None,
    }
