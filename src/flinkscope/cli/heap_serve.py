"""``flinkscope heap serve``: explore a dump in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flinkscope.cli.heap_answer import heap_command

if TYPE_CHECKING:
    from flinkscope.heap import Heap


@heap_command("serve", "explore the dump in a browser, on this machine only", "flinkscope heap serve dump.hprof")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; 0 (default) takes a free one.")
def command(heap: Heap, port: int, as_json: bool, show_strings: bool) -> None:
    """Serves pages to explore the dump: dominators, histogram, objects, paths, search.

    Only this machine can reach them, and only with the address that is printed: it contains a token. With --json the
    address is printed as JSON. Ctrl-C ends it.
    """
    from flinkscope.cli.show import echo_json
    from flinkscope.heap.explorer import Explorer

    explorer = Explorer(heap, port=port, show_strings=show_strings)
    if as_json:
        echo_json({"dump": heap.path, "port": explorer.port, "strings_shown": show_strings, "url": explorer.url})
    else:
        click.echo(f"open {explorer.url}\nCtrl-C ends it")
    try:
        explorer.serve()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
