"""The ``flinkscope`` command: finds the subcommand, runs it, and turns every error into one clear message.

Subcommands are imported only when they are called: ``flinkscope --help`` costs no numpy, numba or rich.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from importlib import import_module

import click

from flinkscope import __version__
from flinkscope.errors import FlinkscopeError

# name → (module with `command`, one-line help)
COMMANDS: dict[str, tuple[str, str]] = {
    "diagnose": ("flinkscope.cli.diagnose", "name the root cause, show why, give the exact change"),
    "compare": ("flinkscope.cli.compare", "before and after: what went, stayed, came; cured or not"),
    "render": ("flinkscope.cli.render", "a saved report (JSON) as a page, as text or as Markdown"),
    "rules": ("flinkscope.cli.rules", "the rule book: every cause, with symptom, reason and remedy"),
    "explain": ("flinkscope.cli.explain", "what a term, figure, metric or option means, offline"),
    "heap": ("flinkscope.cli.heap", "heap dumps: everything people open Eclipse MAT for"),
    "ps": ("flinkscope.cli.ps", "JVMs of this machine: Flink role, versions, collector, memory"),
    "gc": ("flinkscope.cli.gc", "a GC log: live set, trend, pauses, throughput, what is wrong"),
    "gcutil": ("flinkscope.cli.gcutil", "jstat without a JDK: GC and memory counters of a running JVM"),
    "lab": ("flinkscope.cli.lab", "incidents on a real Flink from wheels: run, cure, demo"),
    "loaders": ("flinkscope.cli.loaders", "leaked class loaders of a PID or by REST; submissions left"),
    "submit": ("flinkscope.cli.submit", "submit a jar from a client JVM; --check what its main() leaves behind"),
    "memory": ("flinkscope.cli.memory", "each byte of a Flink process before it starts, and how it comes about"),
    "size": ("flinkscope.cli.size", "from a live set to configuration keys that start"),
    "state": ("flinkscope.cli.state", "what window state and timers will weigh: predict, compare designs"),
    "lint": ("flinkscope.cli.lint", "what is misspelt, ignored, idle or about to bite in a configuration"),
    "threads": ("flinkscope.cli.threads", "threads of a PID, dump or REST: states, repeated names, deadlocks"),
    "collect": ("flinkscope.cli.collect", "record a case from a PID, a pod or a REST address, cheap things first"),
    "watch": ("flinkscope.cli.watch", "live set, metaspace, RSS, watermarks; time to out of memory; alerts"),
    "jvm": ("flinkscope.cli.jvm", "ask a running JVM by attach: histogram, loaders, metaspace, flags, heap dump, JFR"),
    "uv": ("flinkscope.cli.uv", "daily unique visitors on Flink: run, compare, check, show, deploy"),
    "mcp": ("flinkscope.cli.mcp", "an MCP server for assistants, over standard input and output; read-only"),
    "flame": ("flinkscope.cli.flame", "flame graph of a PID, task manager or file: cpu, alloc, wall, lock"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the module of that command; None if there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]}.command is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()] or [("-", "none")])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="flinkscope")
def cli() -> None:
    """Finds out why an Apache Flink process ran out of memory, says what to change, and proves it.

    Dead pod and a few files?  flinkscope diagnose FILES…
    """


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits: 0 nothing found, 1 findings, 2 usage, 3 unreachable, 4 unreadable, 70 a bug."""
    _tidy_up_when_told_to_end()
    try:
        sys.exit(cli.main(args=arguments, prog_name="flinkscope", standalone_mode=False) or 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except FlinkscopeError as error:
        _complain(error.message, error.hint)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _complain("stopped")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except MemoryError:
        _complain("not enough memory on this machine", "run it on a larger machine, or on a smaller part of the input")
        sys.exit(4)
    except OSError as error:
        _complain(
            f"{error.filename or 'input or output'}: {error.strerror or error}", "check the path and its permissions"
        )
        sys.exit(3)
    except Exception as error:
        if os.environ.get("FLINKSCOPE_DEBUG"):
            raise
        _report_bug(error)
        sys.exit(70)


def _tidy_up_when_told_to_end() -> None:
    """SIGTERM (a CI's time limit, ``timeout``, a pod's end) ends as Ctrl-C does: unpacked zips are removed, a lab's
    cluster is stopped. By default the process would be gone at once and leave them."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _complain(message: str, hint: str = "") -> None:
    click.echo(f"flinkscope: {printable(message)}", err=True)
    if hint:
        click.echo(f"  hint: {printable(hint)}", err=True)


def printable(text: str) -> str:
    """``text`` with control characters replaced, so that a hostile file name cannot drive the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def _report_bug(error: Exception) -> None:
    import traceback

    handle, name = tempfile.mkstemp(prefix="flinkscope-bug-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
        stream.write(f"flinkscope {__version__}, python {sys.version}\n{' '.join(sys.argv)}\n")
        traceback.print_exception(error, file=stream)
    _complain(
        f"this is a bug in flinkscope ({type(error).__name__}: {error})",
        f"please report it with the file {name} (read it first: it may name your paths)",
    )
