"""# R33 · The state is too big for checkpoints in the JobManager's memory

**Symptom.** Checkpoints fail: `Size of the state is larger than the maximum permitted memory-backed state. Size=…,
maxSize=…`.

**Why it happens.** No checkpoint directory is configured, so each state is sent to the JobManager's heap, which allows
5 MB a state.

**Evidence.** Flink's own text with both sizes.

**Remedy.** A checkpoint directory.

**Not this when** checkpoints fail for another reason (expired, declined).

**Sources.** Flink MemCheckpointStreamFactory; JobManagerCheckpointStorage.
"""

from __future__ import annotations

from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Fired, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.remedies.options import option_remedy
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, number, said
from flinkscope.diagnosis.split import version_of
from flinkscope.flink.options import option
from flinkscope.units import human_bytes

RULE = Rule(
    id="R33",
    title="The state is too big for checkpoints in the JobManager's memory",
    severity=Severity.ERROR,
    needs=(("log",),),
    proved_on="Flink 2.3.0 on Java 17 (corpus R33-state-in-jobmanager)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on Flink's text."""
    events = said(facts, "state_too_big")
    if not events:
        return RuledOut("no state was too big for memory-backed checkpoints")
    size, limit = number(events[0], "size_bytes"), number(events[0], "limit_bytes")
    sizes = f": {human_bytes(size)} where {human_bytes(limit)} are allowed" if size and limit else ""
    new = "execution.checkpointing.dir"
    key = new if option(new, version_of(facts)) else "state.checkpoints.dir"
    remedy = Remedy(
        id="checkpoint-directory",
        title="Write checkpoints to a directory",
        effect="checkpoints leave the JobManager's heap; only small ones stay inline",
        cost="shared storage that every TaskManager and JobManager reaches",
        verify="checkpoints complete, and /jobs/:id/checkpoints shows their sizes",
    )
    made = option_remedy(facts, remedy, {key: "s3://bucket/checkpoints"})
    return Fired(f"a state does not fit into the JobManager{sizes}", as_evidence(events), made, 9_500)
