"""The MCP server as assistants start it: the SDK's own client against the real process."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="the extra `mcp` is not installed")

import anyio
from mcp import Client, StdioServerParameters, stdio_client

from flinkscope.assistant.answers import MOST_CHARACTERS, Limits, ToolError, settings, shortened

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
GC_LOG = CORPUS / "gclog" / "jvm" / "jdk17-G1-full.log"


def asked(questions: Callable[[Client], Awaitable[None]], *options: str) -> None:
    """Runs the questions against a server process."""

    async def session() -> None:
        server = StdioServerParameters(command=sys.executable, args=["-m", "flinkscope", "mcp", *options])
        async with Client(stdio_client(server), read_timeout_seconds=120) as client:
            await questions(client)

    anyio.run(session)


def told(result: Any) -> Any:
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)


def test_the_tools_and_that_they_only_read() -> None:
    async def questions(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"diagnose", "compare", "gc_log", "heap_histogram", "heap_dominators", "heap_flink", "heap_suspects",
                "heap_loaders", "memory_model", "size", "lint_config", "rules", "explain"} == set(tools)  # fmt: skip
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
        assert all(tool.description for tool in tools.values())

    asked(questions)


def test_answers(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("taskmanager.memory.process.size: 1728m\ntaskmanager.memory.proces.size: 2g\n")

    async def questions(client: Client) -> None:
        found = told(await client.call_tool("diagnose", {"sources": [str(GC_LOG), str(config)]}))
        assert {"root_cause", "findings", "not_evaluated"} <= set(found)
        assert "timeline" not in found["processes"][0]
        figures = told(await client.call_tool("gc_log", {"path": str(GC_LOG)}))["figures"]
        assert figures["full_gc_count"]["value"] > 0
        split = told(await client.call_tool("memory_model", {"options": ["taskmanager.memory.process.size=4g"]}))
        assert "4294967296" in json.dumps(split)
        lint = told(await client.call_tool("lint_config", {"config": str(config)}))
        assert "proces.size" in json.dumps(lint)
        sized = told(await client.call_tool("size", {"live_set": "800m", "config": str(config)}))
        assert sized
        assert "Why it happens" in told(await client.call_tool("rules", {"rule_id": "R02"}))["page"]
        assert told(await client.call_tool("explain", {"term": "live set"}))["found"][0]["name"] == "live set"

    asked(questions)


def test_what_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside.log").write_text("nothing of Flink")

    async def questions(client: Client) -> None:
        for tool, arguments, words in (
            ("gc_log", {"path": str(GC_LOG)}, "outside of"),
            ("gc_log", {"path": str(tmp_path / ".." / "gone")}, "no such file"),
            ("diagnose", {"sources": ["1"]}, "no such file"),
            ("diagnose", {"sources": ["--help"]}, "no such file"),
            ("diagnose", {"sources": [str(tmp_path / "inside.log")]}, "not recognised"),
            ("lint_config", {"options": ["--html=/tmp/x"]}, "no key=value"),
            ("heap_dominators", {"dump": str(tmp_path / "inside.log"), "under": "xyz"}, "xyz"),
            ("rules", {"rule_id": "R99"}, "no rule R99"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error, tool
            assert words in result.content[0].text, (tool, result.content)

    asked(questions, "--root", str(tmp_path))


def test_live_tools_only_when_allowed() -> None:
    async def questions(client: Client) -> None:
        assert "list_jvms" in {tool.name for tool in (await client.list_tools()).tools}
        assert isinstance(told(await client.call_tool("list_jvms", {})), dict)

    asked(questions, "--live")
    assert Limits(live=True).source("4711") == "4711"
    with pytest.raises(ToolError):
        Limits().source("4711")


def test_a_link_does_not_lead_out_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "link.log").symlink_to(GC_LOG)
    with pytest.raises(ToolError, match="outside"):
        Limits(tmp_path).path(str(tmp_path / "link.log"))


def test_long_answers_are_cut_and_say_so() -> None:
    long = {"rows": [{"name": "x" * 50, "values": list(range(100))} for _ in range(2_000)]}
    short = shortened(long)
    assert len(json.dumps(short)) <= MOST_CHARACTERS
    assert short["rows"][-1].startswith("… 1,9")
    assert shortened({"rows": [1, 2]}) == {"rows": [1, 2]}
    with pytest.raises(ToolError):
        settings(["a b"])
