"""Recording a pod. No Kubernetes runs here: a stand-in ``kubectl`` runs the commands in a container-like namespace."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import flinkscope.capture.jvm_steps as jvm_steps
from collect_support.local_kubectl import install_kubectl
from flinkscope import collect, diagnose
from flinkscope.capture.collect import Wishes
from flinkscope.capture.target import Target, target_of
from flinkscope.errors import SourceError, UsageError
from flinkscope.sources.kubectl import Kubectl, KubectlError, PodAddress, pods_by_label
from jvm_support.namespaces import isolated_target

pytestmark = pytest.mark.jvm


@pytest.mark.parametrize("with_jcmd", [True, False])
def test_a_pod_in_one_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_jcmd: bool) -> None:
    monkeypatch.setattr(jvm_steps, "_GCUTIL_INTERVAL_S", 0.05)
    if shutil.which("nsenter") is None or shutil.which("perl") is None:
        pytest.skip("no nsenter(1) or perl here")
    if with_jcmd and shutil.which("jcmd") is None:
        pytest.skip("no jcmd here")
    if not with_jcmd:
        monkeypatch.setattr("flinkscope.capture.pod_jvm.PodJvm._has", lambda _, program: program == "perl")
    with isolated_target("churn") as pid:
        journal = install_kubectl(tmp_path, pid, monkeypatch)
        case = collect("flink/tm-1", tmp_path / "pod.zip", Wishes(heap=True, flame_s=1, stop_budget_ms=60_000))
        temporary = Path(f"/proc/{pid}/root/tmp")
        assert [p.name for p in temporary.iterdir() if p.name.startswith("flinkscope")] == []
    kinds = {artifact.kind for artifact in case.artifacts}
    assert kinds >= {"pod_status", "stdout", "command_line", "gcutil", "thread_dump", "class_histogram", "heap_dump",
                     "flame"}  # fmt: skip
    assert case.processes[0].role == "taskmanager"
    (dump,) = case.of_kind("heap_dump")
    assert case.path_of(dump).read_bytes()[:2] == b"\x1f\x8b"
    assert "geheim" not in case.path_of(case.of_kind("pod_status")[0]).read_text()
    calls = [json.loads(line) for line in journal.read_text().splitlines()]
    assert all("--namespace=flink" in call for call in calls)
    assert diagnose(tmp_path / "pod.zip").facts.processes[0].role == "taskmanager"


def test_a_container_that_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_kubectl(tmp_path, 0, monkeypatch)
    case = collect("flink/tm-1", tmp_path / "dead.zip")
    assert {a.kind for a in case.artifacts} == {"pod_status", "stdout"}
    assert case.processes[0].exit_code == 137
    assert "container not found" in next(m.why for m in case.missing if m.kind == "heap_dump")


def test_kubectl_s_refusals_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_kubectl(tmp_path, 0, monkeypatch)
    with pytest.raises(KubectlError, match="not found") as error:
        Kubectl(PodAddress("other")).pod()
    assert error.value.exit_code == 3
    assert "namespace" in error.value.hint
    assert pods_by_label("app=flink", "flink") == [PodAddress("tm-1", "flink")]
    with pytest.raises(UsageError):
        pods_by_label("--all")
    with pytest.raises(UsageError, match="not a name"):
        PodAddress("--as=root")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="not installed"):
        Kubectl(PodAddress("tm-1"))


def test_a_fetch_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with isolated_target() as pid:
        journal = install_kubectl(tmp_path, pid, monkeypatch)
        kubectl = Kubectl(PodAddress("tm-1"))
        source, target = Path(f"/proc/{pid}/root/tmp/source"), tmp_path / "target"
        source.write_bytes(bytes(range(256)) * 4096)
        target.write_bytes(source.read_bytes()[:1000])
        assert kubectl.fetch("/tmp/source", target) == 1 << 20
        assert target.read_bytes() == source.read_bytes()
        assert '"+1001"' in journal.read_text()


def test_targets_as_people_write_them() -> None:
    assert target_of("4711") == Target(pid=4711)
    assert target_of("http://jm:8081") == Target(url="http://jm:8081")
    assert target_of("jm.example:8081") == Target(url="jm.example:8081")
    assert target_of("pod/tm-1") == target_of("tm-1") == Target(pod=PodAddress("tm-1"))
    assert target_of("flink/tm-1", container="main") == Target(pod=PodAddress("tm-1", "flink", "main"))
    with pytest.raises(UsageError):
        target_of("a/tm-1", namespace="b")
