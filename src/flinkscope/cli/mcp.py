"""``flinkscope mcp``: the same library as tools for an assistant."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "mcp",
    short_help="an MCP server for assistants, over standard input and output; read-only",
    epilog="Example: flinkscope mcp --root /var/log/flink   (as the command of an MCP server in your assistant)",
)
@click.option("--root", type=click.Path(path_type=Path), help="Only files below this folder may be read.")
@click.option("--live", is_flag=True, help="Processes of this machine, clusters and pods may be asked too.")
def command(root: Path | None, live: bool) -> None:
    """Serves flinkscope to an assistant by the Model Context Protocol.

    Tools: diagnose, compare, gc_log, heap_histogram, heap_dominators, heap_flink, heap_suspects, heap_loaders,
    memory_model, size, lint_config, rules, explain; with --live also list_jvms, and diagnose takes process ids, REST
    addresses and pods. Nothing is written; strings of heap dumps are not shown. Needs the extra: flinkscope[mcp].
    """
    from flinkscope.assistant.answers import Limits
    from flinkscope.assistant.server import make_server
    from flinkscope.errors import SourceError

    if root is not None and not root.is_dir():
        raise SourceError(f"{root}: no such folder")
    make_server(Limits(root, live)).run("stdio")
