"""What `memory`, `size` and `lint` share: where the configuration comes from, for which process and version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from flinkscope.formats.flink_config import FlinkConfig

F = TypeVar("F", bound=Callable[..., Any])

NEWEST_FLINK = "2.3.0"


@dataclass(frozen=True, slots=True)
class ConfigChoice:
    """The configuration that a command works on, with everything that was said about it."""

    source: FlinkConfig
    config: dict[str, str]
    role: Literal["taskmanager", "jobmanager"]
    flink: str
    launcher: Literal["none", "script", "container"]
    flink_assumed: bool

    @property
    def title(self) -> str:
        """Where it comes from."""
        name = f" ({self.source.name})" if self.source.name else ""
        return f"{self.source.source}{name}"

    @property
    def whole(self) -> bool:
        """Whether the source is a configuration, not only effective sizes (command line, log, REST)."""
        return self.source.launcher != "none"

    @property
    def problems(self) -> list[str]:
        """Lines without effect, with their places."""
        return [f"{problem.place}: {problem.text}" for problem in self.source.problems]

    def heading(self) -> str:
        """``TaskManager of Flink 2.3.0, from config.yaml``."""
        name = "TaskManager" if self.role == "taskmanager" else "JobManager"
        assumed = " (assumed, say --flink)" if self.flink_assumed else ""
        return f"{name} of Flink {self.flink}{assumed}, from {self.title}"


def config_options(function: F) -> F:
    """The arguments and options that choose a configuration."""
    for decorate in (
        click.option(
            "--launcher",
            type=click.Choice(["script", "container", "none"]),
            help="Who maps the old heap keys up to 1.20: Flink's scripts, Kubernetes/YARN, nobody.",
        ),
        click.option("--task-manager", metavar="ID", help="With --rest: this TaskManager; else the first."),
        click.option("--rest", metavar="URL", help="The effective split of a running cluster: http://host:8081."),
        click.option("--pid", type=click.IntRange(1), help="The command line of this running process."),
        click.option("--flink", metavar="VERSION", help=f"Flink version; else the source's, else {NEWEST_FLINK}."),
        click.option("--role", type=click.Choice(["taskmanager", "jobmanager"]), help="Which process."),
        click.option("-D", "dynamic", multiple=True, metavar="KEY=VALUE", help="A key on top; may be repeated."),
        click.argument("words", nargs=-1, metavar="[CONFIG] [KEY=VALUE]..."),
    ):
        function = decorate(function)
    return function


def choose_config(
    words: tuple[str, ...],
    dynamic: tuple[str, ...],
    role: str | None,
    flink: str | None,
    pid: int | None,
    rest: str | None,
    task_manager: str | None,
    launcher: str | None,
) -> ConfigChoice:
    """The one configuration that the words mean. Raises UsageError, SourceError, UnreadableInputError."""
    from flinkscope.errors import UsageError
    from flinkscope.flink.memory_options import parse_version
    from flinkscope.formats.flink_config import parse_arguments

    paths = [word for word in words if "=" not in word or Path(word).exists()]
    pairs = [word for word in words if word not in paths] + list(dynamic)
    count = len(paths) + (pid is not None) + (rest is not None)
    if count > 1:
        raise UsageError(f"one configuration at a time, not {count}")
    if not count and not pairs:
        raise UsageError("no configuration", hint="give a file, a conf folder, --pid, --rest, or key=value")
    top = parse_arguments(pairs)
    if top.problems:
        raise UsageError(top.problems[0].text, hint="write key=value, or give an existing file")
    base = _base(paths, pid, rest, task_manager, role, flink) or top
    source = base.with_entries(top.entries) if base is not top else top
    version = flink or source.flink_version or NEWEST_FLINK
    parse_version(version)
    chosen = role or source.role or _role_of_keys(source)
    return ConfigChoice(
        source,
        source.mapping(),
        "jobmanager" if chosen == "jobmanager" else "taskmanager",
        version,
        launcher or source.launcher,  # type: ignore[arg-type]  # both come from fixed lists
        flink is None and source.flink_version is None,
    )


def _base(
    paths: list[str], pid: int | None, rest: str | None, task_manager: str | None, role: str | None, flink: str | None
) -> FlinkConfig | None:
    """The source below the key=value words, None if there is none."""
    if pid is not None:
        return _of_process(pid)
    if rest is not None:
        return _of_rest(rest, role, task_manager)
    return _of_path(paths[0], role, flink) if paths else None


def _of_path(path: str, role: str | None, flink: str | None) -> FlinkConfig:
    from flinkscope.formats.flink_config import read_flink_config
    from flinkscope.sources.case import is_case

    if is_case(Path(path)):
        return _of_case(path, role)
    found = read_flink_config(path, flink)
    wanted = role or "taskmanager"
    return next((config for config in found if config.role == wanted), found[0])


def _of_case(path: str, role: str | None) -> FlinkConfig:
    """The configuration in a case: the file, or else the command line, of the wanted role's process."""
    from dataclasses import replace

    from flinkscope.errors import UnreadableInputError
    from flinkscope.formats.flink_config import read_flink_config
    from flinkscope.sources.case import open_case

    case = open_case(path)
    wanted = role or "taskmanager"
    for kind in ("config", "command_line"):
        for artifact in case.of_kind(kind):
            process = case.process(artifact.process) if artifact.process else None
            if process is None or process.role == wanted:
                config = read_flink_config(case.path_of(artifact))[0]
                known = [p.flink_version for p in case.processes if p.role == wanted and p.flink_version]
                return replace(config, flink_version=config.flink_version or (known[0] if known else None))
    raise UnreadableInputError(
        f"{path}: no configuration of a {wanted} in this case", hint="choose the other process with --role"
    )


def _of_rest(url: str, role: str | None, task_manager: str | None) -> FlinkConfig:
    import json
    from dataclasses import replace

    from flinkscope.errors import UnreadableInputError
    from flinkscope.formats.flink_config import parse_flink_config
    from flinkscope.sources.flink_rest import FlinkRest

    client = FlinkRest(url)
    if role == "jobmanager":
        document, place = client.config(), "/jobmanager/config"
    else:
        managers = [str(entry["id"]) for entry in client.task_managers().get("taskmanagers", [])]
        if not managers:
            raise UnreadableInputError(f"{url}: no TaskManager is registered", hint="start one, or --role jobmanager")
        chosen = task_manager or managers[0]
        document, place = client.task_manager(chosen), f"/taskmanagers/{chosen}"
    (config,) = parse_flink_config(json.dumps(document), url.rstrip("/") + place)
    version = client.overview().get("flink-version")
    return replace(config, flink_version=None if version is None else str(version))


def _of_process(pid: int) -> FlinkConfig:
    from flinkscope.errors import SourceError
    from flinkscope.formats.flink_config import parse_flink_config

    path = Path(f"/proc/{pid}/cmdline")
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise SourceError(f"process {pid}: {error.strerror or error}", hint="is it running, on this host?") from error
    if not text:
        raise SourceError(f"process {pid} shows no command line", hint="kernel threads and zombies have none")
    return parse_flink_config(text if "\0" in text else text + "\0", f"process {pid}")[0]


def _role_of_keys(source: FlinkConfig) -> str | None:
    roles = {entry.key.partition(".")[0] for entry in source.entries if ".memory." in entry.key}
    return "jobmanager" if roles == {"jobmanager"} else None
