"""Every example that a `--help` shows is run, on real files, a real JVM and a real Flink; and every command line in the
docs has only options that exist."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from collect_support.live_cluster import rest_url
from docs_support.command_tree import all_commands, root
from flinkscope import collect, open_heap
from flinkscope.capture.collect import Wishes
from flinkscope.cli.main import cli
from flinkscope.sources.flink_rest import FlinkRest
from jvm_support.java_runtimes import TARGET_JAR, java_home, running_target

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "corpus"
# Run for real elsewhere, where they have their own clean-up: here only their words are checked.
ELSEWHERE = {
    "flinkscope lab run": "tests/lab",
    "flinkscope lab cure": "tests/lab",
    "flinkscope lab demo": "tests/lab",
    "flinkscope lab clean": "tests/lab: it would empty this machine's cache of wheels",
    "flinkscope submit": "tests/lab",
    "flinkscope heap serve": "tests/heap: it serves until it is stopped",
    "flinkscope uv": "tests/uv",
    "flinkscope mcp": "tests/mcp: it speaks over standard input",
}
CONFIG = """jobmanager.memory.process.size: 1600m
taskmanager.memory.process.size: 1728m
taskmanager.numberOfTaskSlots: 2
"""
DEPLOYMENT = """apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: uv}
spec:
  flinkVersion: v1_20
  flinkConfiguration:
    taskmanager.numberOfTaskSlots: "2"
  jobManager: {resource: {memory: 1600m, cpu: 1}}
  taskManager: {resource: {memory: 1728m, cpu: 1}}
"""


def _examples() -> list[str]:
    """Command lines in the help texts, from the word Example on."""
    found = []
    for path, (command, context) in all_commands(width=400).items():
        text = command.get_help(context)
        lines = text[text.index("Example") :].splitlines()
        shown = [re.sub(r"^\s*(?:Examples?:|then:)?\s*", "", line) for line in lines]
        shown = [part for line in shown for part in re.split(r"\s+then: ", line)]
        found += [re.split(r"\s{3,}", line)[0].strip() for line in shown if line.startswith("flinkscope ")]
        assert found, path
    return found


EXAMPLES = _examples()


def _lay_out(folder: Path) -> None:
    (folder / "conf").mkdir()
    for name in ("config.yaml", "conf/config.yaml", "conf/flink-conf.yaml"):
        (folder / name).write_text(CONFIG)
    (folder / "deployment.yaml").write_text(DEPLOYMENT)
    shutil.copy(CORPUS / "flinklog" / "taskmanager.log", folder / "flink.log")
    shutil.copy(TARGET_JAR, folder / "job.jar")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with everything that the examples name, and what stands for their numbers and addresses."""
    folder = tmp_path_factory.mktemp("desk")
    _lay_out(folder)
    flags = (f"-Xlog:gc*,safepoint:file={folder}/gc.log",)
    with running_target(java_home(17), "churn", flags=flags) as target:
        runner = CliRunner()
        for name in ("heap.hprof", "after.hprof"):
            done = runner.invoke(cli, ["jvm", str(target.pid), "heap-dump", "-o", str(folder / name), "--yes"])
            assert done.exit_code == 0, done.output
        for name in ("dump.hprof", "before.hprof", "taskmanager.hprof", "jobmanager.hprof"):
            (folder / name).symlink_to("heap.hprof")
        for name in ("before.txt", "after.txt"):
            done = runner.invoke(cli, ["jvm", str(target.pid), "jcmd", "Thread.print", "--yes"])
            (folder / name).write_text(done.stdout)
        for name in ("before.collapsed", "after.collapsed"):
            done = runner.invoke(
                cli, ["flame", str(target.pid), "--way", "threads", "--seconds", "1", "-o", str(folder / name)]
            )
            assert done.exit_code == 0, done.output
        collect(str(target.pid), folder / "before.zip", Wishes())
        shutil.copy(folder / "before.zip", folder / "after.zip")
        recorded = runner.invoke(
            cli, ["jvm", str(target.pid), "record", "-o", str(folder / "run.jfr"), "--seconds", "2", "--yes"]
        )
        assert recorded.exit_code == 0, recorded.output
        done = runner.invoke(cli, ["diagnose", str(folder / "heap.hprof"), "-o", str(folder / "report.json")])
        assert done.exit_code in (0, 1), done.output
        manager = json.loads(FlinkRest(rest_url()).text("/taskmanagers"))["taskmanagers"][0]["id"]
        yield (
            folder,
            {
                "4711": str(target.pid),
                "http://jobmanager:8081": rest_url(),
                "10.0.0.7:41883-57dd17": manager,
                "0xe1a4c0d8": hex(open_heap(folder / "heap.hprof").dominators()[0].address),
                "/opt/flink/log/": f"{folder}/",
            },
        )


def _substituted(words: list[str], places: dict[str, str]) -> list[str]:
    for old, new in places.items():
        words = [word.replace(old, new) for word in words]
    if words[0] == "gcutil":
        words = ["50" if word in ("1000", "2000") else word for word in words]
        words += ["3"] if words[-1] == "50" else []
        words += [] if any(word.isdigit() and len(word) < 3 for word in words) else ["50", "3"]
    if words[0] == "flame" and not words[1].endswith((".jfr", ".collapsed")) and "--seconds" not in words:
        words += ["--seconds", "30"]
    words = ["2" if before == "--seconds" else word for before, word in pairwise(["", *words])]
    return [*words, "--rounds", "2"] if words[0] == "watch" else words


@pytest.mark.flink
@pytest.mark.jvm
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_help_run(example: str, desk: tuple[Path, dict[str, str]]) -> None:
    if any(example.startswith(prefix) for prefix in ELSEWHERE):
        _check_words(shlex.split(example)[1:])
        return
    folder, places = desk
    before = Path.cwd()
    os.chdir(folder)
    try:
        done = CliRunner().invoke(cli, _substituted(shlex.split(example)[1:], places), prog_name="flinkscope")
    finally:
        os.chdir(before)
    assert done.exit_code in (0, 1), f"{example}\n{done.output}\n{done.exception!r}"
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception


def _check_words(words: list[str]) -> None:
    """Raises click's UsageError when a word is no command or no option."""
    command: click.Command = cli
    context = root()
    while isinstance(command, click.Group) and words:
        inner = command.get_command(context, words[0])
        assert inner is not None, words
        command, words = inner, words[1:]
        context = click.Context(command, parent=context)
    command.make_parser(context).parse_args(["x" if word in ("…", "...") else word for word in words])


def _lines_of_docs() -> list[tuple[str, str]]:
    pages = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
    found = []
    for page in pages:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            match = re.match(r"^(?:\s{4,}|\$ )\$?\s*(flinkscope .*)$", line)
            if match and "[OPTIONS]" not in line and "|" not in line:
                found.append((page.relative_to(ROOT).as_posix(), re.split(r"\s+[#<>]\s?|\s{2,}", match[1])[0]))
    return found


@pytest.mark.parametrize(("page", "line"), _lines_of_docs())
def test_command_lines_in_the_docs_exist(page: str, line: str) -> None:
    _check_words(shlex.split(line)[1:])
