"""``flinkscope memory``: the effective memory split of a TaskManager or JobManager, explained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flinkscope.cli.config_source import ConfigChoice, choose_config, config_options

if TYPE_CHECKING:
    from flinkscope.errors import MemoryConfigError


@click.command("memory")
@config_options
@click.option("--parallelism", type=click.IntRange(1), help="Count the network buffers that this parallelism needs.")
@click.option("--exchanges", type=click.IntRange(1), default=1, show_default=True, help="Keyed exchanges of the job.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write the split as an HTML page.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(parallelism: int | None, exchanges: int, html: Path | None, as_json: bool, **source: Any) -> None:
    """Each byte of a Flink process: the split that Flink computes, the JVM flags, and how each part comes about.

    CONFIG is config.yaml, flink-conf.yaml, Flink's conf folder, a FlinkDeployment, compose or pod YAML, an environment
    file with FLINK_PROPERTIES, a java command line, a log with Flink's memory tree, or JSON saved from REST
    /taskmanagers/ID; key=value words come on top. An illegal configuration gives Flink's own text, in plain words, and
    the nearest legal ones (exit code 4).

    \b
    Examples:
      flinkscope memory conf/config.yaml
      flinkscope memory taskmanager.memory.process.size=4g taskmanager.numberOfTaskSlots=2
      flinkscope memory deployment.yaml --role jobmanager
      flinkscope memory conf --flink 1.16 --parallelism 32 --exchanges 3
    """
    from flinkscope.errors import MemoryConfigError
    from flinkscope.flink.memory_inside import inside
    from flinkscope.flink.memory_model import TaskManagerMemory, memory_model
    from flinkscope.flink.memory_view import memory_document

    choice = choose_config(**source)
    try:
        memory = memory_model(choice.config, choice.role, choice.flink, launcher=choice.launcher)
    except MemoryConfigError as refusal:
        _show_refusal(refusal, choice, as_json)
        raise click.exceptions.Exit(refusal.exit_code) from None
    within = None
    if isinstance(memory, TaskManagerMemory):
        within = inside(memory, parallelism, exchanges, whole_config=choice.whole)
    if html is not None:
        _write_html(html, memory, choice)
    if as_json:
        from flinkscope.cli.show import echo_json

        echo_json({**memory_document(memory, within), "source": choice.title, "problems": choice.problems})
        return
    _show(memory, within, choice)


def _show(memory: Any, within: Any, choice: ConfigChoice) -> None:
    from flinkscope.cli.main import printable
    from flinkscope.flink.memory_view import bar_lines, inside_lines, step_lines, tree_lines

    click.echo(printable(choice.heading()))
    click.echo()
    for line in (*tree_lines(memory), "", *bar_lines(memory), "", "JVM flags", f"  {memory.jvm_flags}"):
        click.echo(line)
    click.echo("\nHow it comes about")
    for line in step_lines(memory):
        click.echo(line)
    if within is not None:
        click.echo("\nInside")
        for line in inside_lines(within):
            click.echo(line)
    _show_list("What Flink notes", memory.notes)
    _show_list("Lines without effect", choice.problems)


def _show_list(title: str, texts: Any) -> None:
    import textwrap

    from flinkscope.cli.main import printable

    if texts:
        click.echo(f"\n{title}")
    for text in texts:
        click.echo(textwrap.fill(printable(text), 100, initial_indent="  ", subsequent_indent="    "))


def _show_refusal(refusal: MemoryConfigError, choice: ConfigChoice, as_json: bool) -> None:
    from flinkscope.flink.memory_nearest import in_plain_words, nearest_configs
    from flinkscope.units import human_bytes

    nearest = nearest_configs(choice.config, choice.role, choice.flink, choice.launcher)
    plain = in_plain_words(refusal.messages)
    if as_json:
        from flinkscope.cli.show import echo_json

        legal = [{"changes": n.changes, "why": n.why, "heap_bytes": n.model.heap_bytes} for n in nearest]
        error = {"messages": list(refusal.messages), "plain": plain, "nearest": legal}
        echo_json({"error": error, "role": choice.role, "flink": choice.flink, "source": choice.title})
        return
    click.echo(f"{choice.heading()}\n\nFlink {choice.flink} refuses this configuration.\n{plain}")
    _show_list("Flink's own words", refusal.messages)
    click.echo("\nNearest configurations that start" if nearest else "\nNo change of a single key makes it start.")
    for found in nearest:
        for key, value in found.changes.items():
            click.echo(f"  {key}: {value}" if value is not None else f"  without {key}")
        heap, process = human_bytes(found.model.heap_bytes), human_bytes(found.model.process_bytes)
        click.echo(f"      {found.why}: JVM heap {heap} of {process}")
    _show_list("Lines without effect", choice.problems)


def _write_html(path: Path, memory: Any, choice: ConfigChoice) -> None:
    from flinkscope.errors import SourceError
    from flinkscope.flink.memory_view import memory_html

    try:
        path.write_text(memory_html(memory, choice.heading()), encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}", hint="give a path that can be written") from error
