"""How processes are started: configuration files as Flink reads them, options as a shell would split them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flinkscope.errors import LabError
from flinkscope.lab import launch
from flinkscope.lab.wheels import FlinkHome, JavaHome

MODERN = FlinkHome(Path("/opt/flink"), "2.3.0")
OLD = FlinkHome(Path("/opt/flink"), "1.18.1")
JAVA = JavaHome(Path("/opt/java"), "17.0.9")

values = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=30)


@given(values)
def test_every_value_survives_yaml(value: str) -> None:
    loaded = yaml.load(f"key: {launch._scalar(value)}\n", Loader=yaml.BaseLoader)
    assert loaded == {"key": value}


def test_modern_and_old_configuration_files(tmp_path: Path) -> None:
    config = {"a.b": "1 s", "env.java.opts.taskmanager": '-Dx="y z"'}
    modern = launch.write_conf(tmp_path / "modern", config, MODERN)
    old = launch.write_conf(tmp_path / "old", config, OLD)
    assert modern.name == "config.yaml"
    assert yaml.safe_load(modern.read_text(encoding="utf-8")) == config
    assert old.name == "flink-conf.yaml"
    assert old.read_text(encoding="utf-8") == 'a.b: 1 s\nenv.java.opts.taskmanager: -Dx="y z"\n'
    assert (tmp_path / "old" / "log4j.properties").is_file()


def test_options_of_all_and_of_the_role_in_this_order() -> None:
    config = {
        "env.java.opts.all": "-Da=1 '-Db=2 3'",
        "env.java.opts": "-Dold",
        "env.java.opts.taskmanager": "-XX:+UseG1GC",
    }
    assert launch.java_options("taskmanager", config) == ["-Da=1", "-Db=2 3", "-XX:+UseG1GC"]
    assert launch.java_options("jobmanager", config) == ["-Da=1", "-Db=2 3"]
    assert launch.java_options("jobmanager", {"env.java.opts": "-Dold"}) == ["-Dold"]
    assert launch.java_options("jobmanager", {}) == []
    with pytest.raises(LabError, match=r"env\.java\.opts"):
        launch.java_options("jobmanager", {"env.java.opts": "'unclosed"})


def test_a_command_line_has_memory_flags_options_and_dynamic_arguments_in_place(tmp_path: Path) -> None:
    flags = (["-Xmx100", "-XX:MaxMetaspaceSize=7"], ["taskmanager.memory.managed.size=5b"])
    command = launch.command_line("taskmanager", MODERN, JAVA, tmp_path, tmp_path / "x.log", flags, ["-XX:+UseG1GC"])
    assert command[0] == "/opt/java/bin/java"
    entry = command.index("org.apache.flink.runtime.taskexecutor.TaskManagerRunner")
    assert {"-Xmx100", "-XX:MaxMetaspaceSize=7", "-XX:+UseG1GC", f"-Dlog.file={tmp_path / 'x.log'}"} <= set(
        command[:entry]
    )
    assert command[entry + 1 :] == ["--configDir", str(tmp_path), "-D", "taskmanager.memory.managed.size=5b"]
