"""The MCP server over standard input and output, made with the official Python SDK (extra ``mcp``).

Tools only read; those that ask a running process (it is stopped for milliseconds) are there only when allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flinkscope import __version__
from flinkscope.assistant.answers import Limits, answer_of, settings, shortened, without_pictures
from flinkscope.errors import UsageError

_INSTRUCTIONS = """flinkscope finds out why an Apache Flink process ran out of memory.
Begin with `diagnose` on all files there are (heap dump, GC log, Flink log, configuration, or a folder of them): it
names the root cause first, with evidence and exact changes. `explain` and `rules` say what its words mean.
Sizes are bytes, times nanoseconds, shares 1/10,000."""


def make_server(limits: Limits) -> Any:
    """The server with its tools. Raises UsageError when the SDK is not installed."""
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError as Refusal
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise UsageError("the MCP SDK is not installed", hint="pip install 'flinkscope[mcp]'") from error
    server = MCPServer("flinkscope", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING")
    reads = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    files = (*_of_incidents(limits), *_of_dumps(limits))
    tools = [*files, *_of_configuration(limits), *_of_knowledge(), *(_live() if limits.live else ())]
    for tool in tools:
        server.tool(annotations=reads, structured_output=False)(_telling(tool, Refusal))
    return server


def _telling(tool: Callable[..., Any], refusal: type[Exception]) -> Callable[..., Any]:
    """The tool with its errors told to the assistant; the SDK keeps other errors to itself."""

    @wraps(tool)
    def told(*given: Any, **named: Any) -> Any:
        try:
            return tool(*given, **named)
        except ValueError as error:
            raise refusal(str(error)) from error

    return told


def _of_incidents(limits: Limits) -> list[Any]:
    def diagnose(sources: list[str]) -> Any:
        """Names the root cause of a Flink memory failure, shows the evidence, and gives the exact change.

        sources: paths of cases, folders, zips, heap dumps (HPROF), GC logs, Flink logs, config.yaml; any mix of them.
        Answers findings in the order of their rank, root_cause (rule id or null), what was ruled out, and the command
        to run for each rule that could not be evaluated.
        """
        found = answer_of("diagnose", "--json", "--", *(limits.source(source) for source in sources))
        return shortened(without_pictures(found))

    def compare(before: str, after: str) -> Any:
        """Did the cure work? Compares two cases, folders or saved reports.

        Answers the verdict (cured, better, not_cured, cannot_tell), which findings went, stayed and came, and figures.
        """
        return answer_of("compare", "--json", "--", limits.source(before), limits.source(after))

    def gc_log(path: str) -> Any:
        """Reads a GC log (JDK 7 to 25): figures, live set and its trend, pauses, full collections, findings."""
        return answer_of("gc", "--json", "--", limits.path(path))

    return [diagnose, compare, gc_log]


def _of_dumps(limits: Limits) -> list[Any]:
    def heap_histogram(dump: str, retained: bool = False) -> Any:
        """Class histogram of a heap dump; retained: also what each class keeps alive (slower)."""
        return answer_of("heap", "histogram", "--json", *(["--retained"] if retained else []), "--", limits.path(dump))

    def heap_dominators(dump: str, under: str = "", by: str = "object") -> Any:
        """The dominator tree of a heap dump, one level of it: what keeps most alive.

        under: address of an object (0x…), empty for the top level; by: object, class, package or loader.
        """
        if by not in ("object", "class", "package", "loader"):
            by = "object"
        place = [f"--under={int(under, 16):#x}"] if under else []
        return answer_of("heap", "dominators", "--json", "--by", by, *place, "--", limits.path(dump))

    def heap_flink(dump: str) -> Any:
        """Flink inside a heap dump: tasks, keyed state, timers, windows, and who owns each byte."""
        return answer_of("heap", "flink", "--json", "--", limits.path(dump))

    def heap_suspects(dump: str) -> Any:
        """Leak suspects of a heap dump: objects and groups of one class that keep a large part of the heap."""
        return answer_of("heap", "suspects", "--json", "--", limits.path(dump))

    def heap_loaders(dump: str) -> Any:
        """Class loaders of user code that jobs left behind in a heap dump, and every pin that keeps each of them."""
        return answer_of("heap", "loaders", "--leaked", "--json", "--", limits.path(dump))

    return [heap_histogram, heap_dominators, heap_flink, heap_suspects, heap_loaders]


def _of_configuration(limits: Limits) -> list[Any]:
    def config_words(config: str, given: list[str] | None) -> list[str]:
        return [*([limits.path(config)] if config else []), *settings(given or [])]

    def memory_model(config: str = "", options: list[str] | None = None, role: str = "taskmanager") -> Any:
        """Each byte of a Flink process as Flink itself computes it, and how.

        config: path of config.yaml or flink-conf.yaml, may be empty; options: key=value words on top of it; role:
        taskmanager or jobmanager.
        """
        role = role if role in ("taskmanager", "jobmanager") else "taskmanager"
        return answer_of("memory", "--json", "--role", role, "--", *config_words(config, options))

    def size(live_set: str, config: str = "", options: list[str] | None = None, collector: str = "G1") -> Any:
        """From a live set (such as 800m) to configuration keys with which the process starts and has room."""
        sized = [f"--live-set={live_set}", f"--collector={collector}"]
        return answer_of("size", "--json", *sized, "--", *config_words(config, options))

    def lint_config(config: str = "", options: list[str] | None = None) -> Any:
        """What is misspelt, ignored, idle or about to bite in a Flink configuration."""
        return answer_of("lint", "--json", "--", *config_words(config, options))

    return [memory_model, size, lint_config]


def _of_knowledge() -> list[Any]:
    def rules(rule_id: str = "") -> Any:
        """The rule book: all rules with what they need, or one rule's page (symptom, reason, evidence, remedy)."""
        found = answer_of("rules", "--json", "--", *([rule_id] if rule_id else []))["found"]
        if rule_id:
            return found[0]
        return {"rules": [{k: v for k, v in rule.items() if k != "page"} for rule in found if isinstance(rule, dict)]}

    def explain(term: str) -> Any:
        """What a word of flinkscope's reports, a figure, a metric or a Flink option means."""
        return answer_of("explain", "--json", "--", term)

    return [rules, explain]


def _live() -> list[Any]:
    def list_jvms() -> Any:
        """The JVMs of this machine with their Flink role, version, collector and memory; nothing is asked of them."""
        return answer_of("ps", "--json")

    return [list_jvms]
