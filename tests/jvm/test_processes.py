"""Finding JVMs: ours, stopped ones, dead ones, none, without counters, in another namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from flinkscope.absent import Absent
from flinkscope.cli.main import cli
from flinkscope.errors import SourceError
from flinkscope.jvm.live import flag_bytes, flink_role, list_jvms, main_class, open_jvm
from flinkscope.sources.process import java_process
from jvm_support.java_runtimes import java_home, running_target
from jvm_support.namespaces import isolated_target


@pytest.mark.jvm
def test_a_jvm_is_listed_with_its_limits() -> None:
    flags = ("-XX:+UseSerialGC", "-XX:MaxMetaspaceSize=77m")
    with running_target(java_home(17), "churn", flags=flags) as process:
        summary = next(jvm for jvm in list_jvms() if jvm.process.pid == process.pid)
        assert summary.role == "jvm"
        assert summary.java_version == "17.0.9"
        assert summary.collector == "Serial"
        assert summary.heap_max_bytes == 64 << 20
        assert summary.metaspace_limit_bytes == 77 << 20
        assert isinstance(summary.heap_used_bytes, int)
        assert isinstance(summary.metaspace_used_bytes, int)
        assert 0 < summary.metaspace_used_bytes < 77 << 20
        assert summary.uptime_ms < 60_000
        listed = json.loads(CliRunner().invoke(cli, ["ps", "--json"]).output)
        assert process.pid in [entry["pid"] for entry in listed]


@pytest.mark.jvm
def test_without_counters_it_is_listed_and_says_why() -> None:
    with running_target(java_home(17), flags=("-XX:-UsePerfData",)) as process:
        summary = next(jvm for jvm in list_jvms() if jvm.process.pid == process.pid)
        assert isinstance(summary.collector, Absent)
        assert "UsePerfData" in summary.collector.reason
        assert summary.heap_max_bytes == 64 << 20  # still told by the command line
        with pytest.raises(SourceError, match="no hsperfdata"):
            open_jvm(process.pid)


@pytest.mark.jvm
def test_a_process_that_ends_is_an_error_not_old_figures() -> None:
    with running_target(java_home(17)) as process:
        jvm = open_jvm(process.pid)
        process.kill()
        process.wait()
        with pytest.raises(SourceError, match="has ended"):
            jvm.read()


def test_not_java_and_not_there() -> None:
    with pytest.raises(SourceError, match="is not a JVM"):
        java_process(os.getpid())
    with pytest.raises(SourceError, match="no such process"):
        java_process(2**22 + 1)


@pytest.mark.jvm
def test_gcutil_ends_with_the_process_and_samples_on_time() -> None:
    with running_target(java_home(17), "churn") as process:
        result = CliRunner().invoke(cli, ["gcutil", "-t", str(process.pid), "100", "3"])
        lines = result.output.splitlines()
        assert lines[0].split()[0] == "Timestamp"
        assert len(lines) == 4
        assert result.exit_code == 0
        sampler = subprocess.Popen(
            [sys.executable, "-c", "from flinkscope.cli.main import main; main()", "gcutil", str(process.pid), "50"],
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(1.5)
        process.kill()
        output, _ = sampler.communicate(timeout=20)
        assert sampler.returncode == 0
        assert len(output.splitlines()) > 2


@pytest.mark.jvm
def test_a_jvm_in_its_own_pid_mount_and_user_namespace_is_read_from_outside() -> None:
    with isolated_target("churn") as pid:
        jvm = next(jvm for jvm in list_jvms() if jvm.process.pid == pid)
        assert jvm.process.namespace_pid == 1
        assert not jvm.process.same_namespaces
        assert jvm.collector == "Serial"
        assert isinstance(jvm.heap_used_bytes, int)
        assert open_jvm(pid).read().number("sun.gc.collector.1.invocations") == 1


def test_roles_by_main_class() -> None:
    assert flink_role("org.apache.flink.runtime.taskexecutor.TaskManagerRunner -c x") == "taskmanager"
    assert flink_role("org.apache.flink.kubernetes.taskmanager.KubernetesTaskExecutorRunner") == "taskmanager"
    assert flink_role("org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint") == "jobmanager"
    assert flink_role("org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint") == "jobmanager"
    assert flink_role("org.apache.flink.client.cli.CliFrontend run x.jar") == "client"
    assert flink_role("kafka.Kafka") == "jvm"


def test_main_class_and_sizes_from_a_command_line() -> None:
    command = ("/usr/bin/java", "-Xmx1g", "-cp", "a.jar:b.jar", "--add-opens", "x=y", "org.Main", "-c", "conf")
    assert main_class(command) == "org.Main"
    assert main_class(("java", "-jar", "x.jar", "a")) == "x.jar"
    assert main_class(("java", "@args")) == ""
    assert flag_bytes(("-Xmx1g", "-Xmx536870902"), "-Xmx") == 536870902
    assert flag_bytes(("-Xmx2G",), "-Xmx") == 2 << 30
    assert flag_bytes(("-Xmx",), "-Xmx") is None
