"""What Kubernetes, the kernel and the crash file say of an end reaches the rules, also without any log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flinkscope import diagnose
from flinkscope.diagnosis.finding import Fired
from flinkscope.errors import UnreadableInputError
from report_support.pods import killed_pod

POD = killed_pod("1728Mi")
DMESG = (
    "[1234.5] java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=936\n"
    "[1234.6] Memory cgroup out of memory: Killed process 4711 (java) total-vm:4000000kB, anon-rss:1700000kB, "
    "file-rss:20000kB, shmem-rss:0kB\n"
)
HS_ERR = (
    "#\n# There is insufficient memory for the Java Runtime Environment to continue.\n"
    "# Native memory allocation (mmap) failed to map 536870912 bytes for committing reserved memory.\n"
    "#\n# JRE version:  (17.0.9+9) (build )\n"
)


@pytest.mark.parametrize(("text", "rule"), [(json.dumps(POD), "R20"), (DMESG, "R20"), (HS_ERR, "R28")])
def test_one_file_is_enough(tmp_path: Path, text: str, rule: str) -> None:
    path = tmp_path / "evidence.txt"
    path.write_text(text)
    diagnosis = diagnose(path)
    assert diagnosis.root_cause is not None
    assert diagnosis.root_cause.rule == rule
    assert isinstance(diagnosis.root_cause.outcome, Fired)
    assert diagnosis.root_cause.outcome.evidence[0].place.source.startswith("evidence.txt")


def test_the_exit_code_comes_from_the_pod(tmp_path: Path) -> None:
    (tmp_path / "pod.json").write_text(json.dumps(POD))
    assert diagnose(tmp_path).facts.processes[0].exit_code == 137


def test_a_pod_that_is_well_fires_nothing(tmp_path: Path) -> None:
    well = json.loads(json.dumps(POD))
    del well["status"]["containerStatuses"][0]["lastState"]["terminated"]
    (tmp_path / "pod.json").write_text(json.dumps(well))
    assert diagnose(tmp_path).fired == ()


def test_another_process_killed_by_the_kernel_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "dmesg.txt").write_text(DMESG.replace("(java)", "(postgres)"))
    assert diagnose(tmp_path).fired == ()


def test_a_damaged_pod_alone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pod.json").write_text(json.dumps(POD)[:-40])
    with pytest.raises(UnreadableInputError):
        diagnose(tmp_path)
