"""# R29 · Flink refuses the memory configuration

**Symptom.** The process does not start: `IllegalConfigurationException: TaskManager memory configuration failed: …`.

**Why it happens.** The sizes contradict each other: the fixed parts exceed the total, or a derived part leaves its
range.

**Evidence.** Flink's own text, and the same text from the memory model for this configuration.

**Remedy.** The nearest legal configurations, computed by the model.

**Not this when** the process has started.

**Sources.** Flink ProcessMemoryUtils, TaskExecutorFlinkMemoryUtils, JobManagerFlinkMemoryUtils (1.10 – 2.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from flinkscope.absent import Absent, present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, OptionChange, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import as_evidence, said
from flinkscope.diagnosis.split import flink_role, memory_parts, version_of
from flinkscope.errors import MemoryConfigError
from flinkscope.flink.memory_model import Role, memory_model
from flinkscope.flink.memory_nearest import in_plain_words, nearest_configs

RULE = Rule(
    id="R29",
    title="Flink refuses the memory configuration",
    severity=Severity.CRITICAL,
    needs=(("log", "config"),),
    proved_on="Flink's own jars of 1.10 to 2.3, 83 configurations each (corpus R29-refused)",
)


def check(facts: ProcessFacts) -> Outcome:
    """Fires on Flink's text, or on a configuration that the model refuses as Flink would."""
    events = said(facts, "memory_configuration")
    config, version = present(facts.config), version_of(facts)
    role, messages = _refused_role(facts, config.options if config else {})
    if not events and (_has_run(facts) or not (messages and config and _is_about(config.options, role))):
        return RuledOut("Flink accepts the memory configuration")
    model = (Evidence(f"the memory model refuses it too: {messages[0]}", config.place),) if messages and config else ()
    return Fired(
        summary=in_plain_words(messages) if messages else "Flink refused the memory configuration",
        evidence=(*as_evidence(events), *model),
        remedies=_remedies(dict(config.options), role, version) if config and messages else (),
        certainty_bp=9_800 if events else 8_000,
    )


def _refused_role(facts: ProcessFacts, options: Mapping[str, str]) -> tuple[Role, tuple[str, ...]]:
    """The role whose memory Flink refuses, and its texts: the process' own; a bare configuration may be a JobManager's.

    Where nothing tells the role of a process, it counts as a TaskManager.
    """
    own = flink_role(facts.role)
    roles: tuple[Role, ...] = (own,) if _has_run(facts) or own == "jobmanager" else (own, "jobmanager")
    for role in roles:
        messages = _refusal(dict(options), role, version_of(facts)) if _is_about(options, role) else ()
        if messages:
            return role, messages
    return own, ()


def _has_run(facts: ProcessFacts) -> bool:
    """Whether anything shows that the process started: then Flink took its configuration, whatever the file says."""
    return not (isinstance(facts.gc, Absent) and isinstance(facts.heap, Absent) and isinstance(facts.log, Absent))


def _is_about(options: Mapping[str, str], role: Role) -> bool:
    """Whether the configuration says anything of this role's memory; the file of another process does not."""
    return any(key.startswith(f"{role}.memory.") for key in options)


def _refusal(options: dict[str, str], role: Role, version: str) -> tuple[str, ...]:
    try:
        memory_model(options, role, version)
    except MemoryConfigError as error:
        return error.messages
    return ()


def _remedies(options: dict[str, str], role: Role, version: str) -> tuple[Remedy, ...]:
    return tuple(
        Remedy(
            id=f"legal-{number}",
            title=near.why[0].upper() + near.why[1:],
            effect="the process starts, with the split shown",
            cost="see the split",
            verify="flinkscope memory CONFIG; then start the process",
            options=tuple(OptionChange(k, options.get(k), v) for k, v in near.changes.items()),
            memory_after=memory_parts(near.model),
        )
        for number, near in enumerate(nearest_configs(options, role, version), 1)
    )
