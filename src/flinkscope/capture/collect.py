"""The one call that records: a process, a pod or a cluster in, a case out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flinkscope.capture.budget import DEFAULT_BUDGET_MS, StopBudget
from flinkscope.capture.flame import flame_step, recording_step
from flinkscope.capture.jvm_steps import jvm_steps
from flinkscope.capture.local_jvm import LocalJvm
from flinkscope.capture.pod_jvm import PodJvm
from flinkscope.capture.pod_steps import dead_pod_steps, describe_pod, pod_steps
from flinkscope.capture.recording import Recording, Step, run_steps
from flinkscope.capture.rest_steps import describe_cluster, rest_steps
from flinkscope.capture.target import Target, target_of
from flinkscope.errors import SourceError
from flinkscope.jvm.flame_live import FlameTarget
from flinkscope.progress import SILENT, Progress
from flinkscope.sources.case import Case, CaseProcess
from flinkscope.sources.flink_rest import FlinkRest, RestAccess
from flinkscope.sources.kubectl import Kubectl


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be recorded, in order; nothing has been asked of the process for it but who it is."""

    target: str
    identity: str
    processes: tuple[CaseProcess, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to record. ``stop_budget_ms``: how long the process may be stopped in all; ``redact``: take secrets out."""

    heap: bool = False
    left_dumps: bool = False
    flame_s: int = 0
    stop_budget_ms: int = DEFAULT_BUDGET_MS
    redact: bool = True
    access: RestAccess = field(default_factory=RestAccess)


def collect(
    target: str | Target, output: str | Path, wishes: Wishes | None = None, *, progress: Progress = SILENT
) -> Case:
    """Records a case from a pid, a pod or the REST address of a cluster into ``output`` (a zip, or a folder).

    Cheap things come first; what would stop the process longer than the budget is left out; what could not be had is
    in the manifest with its reason. A run that was ended goes on where it was when called again with the same target
    and output. Takes about 6 s without a heap dump or flame graph. Raises SourceError when the target cannot be
    reached, UsageError when the output is there already.
    """
    wishes = wishes or Wishes()
    progress.phase("looking at the target")
    plan = plan_of(target_of(target) if isinstance(target, str) else target, wishes)
    recording = Recording(Path(output), plan.target, plan.identity, redact=wishes.redact)
    for process in plan.processes:
        recording.put_process(process)
    budget = StopBudget(wishes.stop_budget_ms)
    if not run_steps(plan.steps, recording, budget, progress):
        why = next((m.why for m in recording.writer.case().missing), "")
        recording.abandon()
        raise SourceError(f"{plan.target}: nothing could be recorded: {why}")
    progress.phase("packing the case")
    labels = {"stop_budget_ms": str(budget.total_ms), "stopped_at_most_ms": str(budget.most_spent_ms)}
    return recording.close(labels)


def plan_of(target: Target, wishes: Wishes) -> Plan:
    """What ``collect`` would do, with the time that each step is expected to stop the process."""
    if target.pid is not None:
        reach = LocalJvm(target.pid)
        steps = jvm_steps(reach, heap=wishes.heap, dumps=wishes.left_dumps)
        if wishes.flame_s:
            steps.append(flame_step(FlameTarget(pid=target.pid), reach.jvm.process.id, wishes.flame_s))
        return Plan(f"process {target.pid}", reach.jvm.key, (reach.jvm.process,), tuple(steps))
    if target.url is not None:
        rest = FlinkRest(target.url, wishes.access)
        processes, jobs, key = describe_cluster(rest)
        found = rest_steps(rest, processes, jobs, heap=wishes.heap, flame_s=wishes.flame_s)
        return Plan(rest.url, key, tuple(processes), tuple(found))
    assert target.pod is not None
    return _pod_plan(Kubectl(target.pod), wishes)


def _pod_plan(kubectl: Kubectl, wishes: Wishes) -> Plan:
    """Of a container that does not run, its status and last output can still be had."""
    document = kubectl.pod()
    process, key = describe_pod(document, kubectl.address)
    try:
        reach = PodJvm(kubectl, process)
    except SourceError as error:
        steps = dead_pod_steps(kubectl, document, process, error.message)
        return Plan(f"pod {kubectl.address}", key, (process,), tuple(steps))
    steps = [*pod_steps(kubectl, document, process), *jvm_steps(reach, heap=wishes.heap, dumps=wishes.left_dumps)]
    if wishes.flame_s:
        steps.append(recording_step(reach, wishes.flame_s))
    return Plan(f"pod {kubectl.address}", f"{key}, {reach.jvm.key}", (reach.jvm.process,), tuple(steps))
