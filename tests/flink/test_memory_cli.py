"""The commands `memory`, `size` and `lint` as a person runs them."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flinkscope.cli.main import cli, main
from flinkscope.flink.memory_model import memory_model
from flinkscope.sources.case import CaseProcess, CaseWriter

PROCESS = "taskmanager.memory.process.size"
LIGHT = """
import sys
from flinkscope.cli.main import main
sys.argv = ["flinkscope", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    heavy = {"numpy", "numba", "rich", "duckdb", "jinja2", "urllib3", "yaml"} & set(sys.modules)
    print("HEAVY", end.code, sorted(heavy), file=sys.stderr)
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def _narrow(text: str) -> None:
    assert all(len(line) <= 100 for line in text.splitlines()), [line for line in text.splitlines() if len(line) > 100]


def test_memory_explains_the_split() -> None:
    result = run("memory", f"{PROCESS}=1728m", "taskmanager.numberOfTaskSlots=2", "--parallelism", "8")
    assert result.exit_code == 0
    assert "TaskManager of Flink 2.3.0 (assumed, say --flink), from command line" in result.output
    assert "network = 128 MiB: 0.1 × 1.25 GiB (total Flink memory) = 128 MiB" in result.output
    assert "-XX:MaxDirectMemorySize=268435458" in result.output
    assert "idle: 512 MiB of managed memory" in result.output
    assert "parallelism 8 need 52" in result.output
    _narrow(result.output)


def test_memory_json_has_every_named_figure() -> None:
    document = json.loads(run("memory", f"{PROCESS}=4g", "--json").output)
    names = (
        "process flink heap direct framework_heap task_heap framework_off_heap task_off_heap network managed metaspace"
    )
    assert {f"{name}_bytes" for name in [*names.split(), "overhead"]} <= document.keys()
    assert document["heap_bytes"] == 1_664_299_798
    assert document["inside"]["network"]["available"] == 359_703_515 // 32_768


def test_memory_of_a_jobmanager_by_its_keys() -> None:
    result = run("memory", "jobmanager.memory.process.size=1600m", "--flink", "1.20")
    assert "JobManager of Flink 1.20, from" in result.output
    assert "-Xmx1073741824" in result.output
    _narrow(result.output)


def test_refusal_in_flinks_words_and_plain_ones() -> None:
    result = run("memory", f"{PROCESS}=4g", "-D", "taskmanager.memory.task.heap.size=2g", "--flink", "1.18")
    assert result.exit_code == 4
    assert "TaskManager memory configuration failed: Sum of configured" in result.output
    assert "taskmanager.memory.task.heap.size: 1738m" in result.output
    _narrow(result.output)
    document = json.loads(run("memory", f"{PROCESS}=600m", "--json").output)
    assert document["error"]["nearest"][0]["changes"] == {PROCESS: "982m"}
    assert len(document["error"]["messages"]) == 2


def test_html_is_self_contained(tmp_path: Path) -> None:
    page = tmp_path / "split.html"
    config = tmp_path / "<b>.yaml"
    config.write_text(f"{PROCESS}: 4g\n")
    assert run("memory", str(config), "--html", str(page)).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")
    assert "<b>.yaml" not in text
    assert "1,664,299,798" in text.replace("1,530,082,070", "1,664,299,798")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["memory"], 2),
        (["memory", "/no/such/file"], 3),
        (["memory", "--pid", "999999999"], 3),
        (["memory", f"{PROCESS}=4g", "--flink", "0.9"], 2),
        (["memory", f"{PROCESS}=4g", "nonsense=", "=x"], 2),
        (["size"], 2),
        (["size", "--heap", "4g", "--live-set", "1g"], 2),
        (["size", "--heap", "much"], 2),
        (["size", "--live-set", "1g", "--collector", "Epsilon"], 2),
        (["lint", f"{PROCESS}=4g", "--upgrade-to", "x"], 2),
    ],
)
def test_exit_codes_of_wrong_calls(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == code
    told = capsys.readouterr().err
    assert told
    assert "Traceback" not in told


@pytest.mark.parametrize("words", [["memory", f"{PROCESS}=4g"], ["lint", f"{PROCESS}=4g"], ["memory", "--help"]])
def test_nothing_heavy_is_imported(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT, *words], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(" []"), done.stderr


def test_size_side_by_side() -> None:
    words = ("size", f"{PROCESS}=4g", "taskmanager.numberOfTaskSlots=4", "--live-set", "1g", "--state", "700m")
    result = run(*words, "--flink", "1.16")
    assert result.exit_code == 0
    for name in ("process-size", "no-managed-memory", "fixed-container", "rocksdb", "fewer-slots", "smaller-processes"):
        assert f". {name}: " in result.output
    assert "× 2.5 (G1) = heap 2.50 GiB" in result.output
    assert "3–5 × rule of thumb" in result.output
    assert "+ state.backend: rocksdb" in result.output  # 1.16 has no state.backend.type
    assert "kubectl patch flinkdeployment" in result.output
    _narrow(result.output)


def test_size_json_patches() -> None:
    document = json.loads(run("size", f"{PROCESS}=4g", "--heap", "2g", "--json").output)
    by_name = {proposal["name"]: proposal for proposal in document["proposals"]}
    kept = by_name["fixed-container"]["flink_deployment_patch"]
    assert list(kept["spec"]) == ["flinkConfiguration"]
    patch = by_name["no-managed-memory"]["flink_deployment_patch"]["spec"]
    assert patch == {
        "taskManager": {"resource": {"memory": "3008m"}},
        "flinkConfiguration": {"taskmanager.memory.managed.size": "0"},
    }
    assert document["not_computed"][0]["what"] == "RocksDB"


def test_size_chooses_one(capsys: pytest.CaptureFixture[str]) -> None:
    result = run("size", f"{PROCESS}=4g", "--heap", "2g", "--choose", "fixed-container")
    assert "As a patch of the Kubernetes operator (fixed-container)" in result.output
    assert ". process-size" not in result.output
    with pytest.raises(SystemExit):
        main(["size", f"{PROCESS}=4g", "--heap", "2g", "--choose", "nothing"])
    assert "one of process-size" in capsys.readouterr().err


def test_size_of_a_jobmanager() -> None:
    result = run("size", "--role", "jobmanager", "--heap", "2g")
    assert "+ jobmanager.memory.process.size: 2752m" in result.output
    assert "Flink's shipped size 1600m" in result.output


def test_lint_exit_codes_and_json(tmp_path: Path) -> None:
    config = tmp_path / "flink-conf.yaml"
    config.write_text(f"{PROCESS}: 16g\ntaskmanager.memory.proces.size: 1g\n")
    result = run("lint", str(config), "--flink", "1.16", "--upgrade-to", "1.17")
    assert result.exit_code == 1
    assert "[unknown-key] line 2" in result.output
    assert "JVM heap (-Xmx)" in result.output
    _narrow(result.output.replace(str(tmp_path), ""))
    assert run("lint", str(config), "--flink", "1.16", "--fail-on", "never").exit_code == 0
    document = json.loads(run("lint", str(config), "--flink", "1.16", "--json").output)
    assert {finding["rule"] for finding in document["findings"]} >= {"unknown-key", "idle-managed"}


@pytest.mark.parametrize("name", ["memory", "size", "lint"])
def test_help_has_examples(name: str) -> None:
    assert f"flinkscope {name} " in run(name, "--help").output


@pytest.mark.parametrize("name", ["memory", "size"])
def test_examples_of_the_reference(name: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / f"{name}.md"
    outcome = doctest.testfile(str(page), module_relative=False)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_a_case_is_a_configuration_too(tmp_path: Path) -> None:
    writer = CaseWriter(tmp_path / "case", "a case")
    writer.put_process(CaseProcess("tm-0", "taskmanager", "1.20.5"))
    writer.put_process(CaseProcess("jm-0", "jobmanager", "1.20.5"))
    config = tmp_path / "case" / "config.yaml"
    config.write_text(f"{PROCESS}: 2g\njobmanager.memory.process.size: 1600m\n")
    writer.add(config, "config")
    assert "TaskManager of Flink 1.20.5, from" in run("memory", str(tmp_path / "case")).output
    assert "-Xmx1073741824" in run("memory", str(tmp_path / "case"), "--role", "jobmanager").output
    CaseWriter(tmp_path / "empty", "nothing in it")
    with pytest.raises(SystemExit) as end:
        main(["memory", str(tmp_path / "empty")])
    assert end.value.code == 4


def test_a_running_process_by_its_pid() -> None:
    words = [
        "-c",
        "import time; print(1, flush=True); time.sleep(60)",
        "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
    ]
    options = [w for k, v in memory_model({PROCESS: "1728m"}).dynamic_options().items() for w in ("-D", f"{k}={v}")]
    child = subprocess.Popen([sys.executable, *words, *options], stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        child.stdout.readline()
        result = run("memory", "--pid", str(child.pid))
    finally:
        child.kill()
        child.communicate()
    assert result.exit_code == 0, result.output
    assert f"TaskManager of Flink 2.3.0 (assumed, say --flink), from process {child.pid}" in result.output
    assert "-Xmx536870902" in result.output
    assert "idle managed memory: unknown" in result.output
