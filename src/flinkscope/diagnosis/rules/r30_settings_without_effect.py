"""# R30 · Settings that Flink ignores, or that fight the ones it computes

**Symptom.** A setting was changed and nothing happened; or the process' real flags differ from the configuration.

**Why it happens.** A key is misspelt, older or newer than this Flink (2.x silently ignores the heap keys of 1.9), the
file has the wrong name; or a flag in `env.java.opts` (`-Xmx`, `-XX:MaxMetaspaceSize`) comes after the one that Flink
computes and wins, so that the memory model no longer holds.

**Evidence.** The configuration, line by line, against the catalogue of the options of this version.

**Remedy.** The right key, or none.

**Not this when** the key belongs to a connector or another family that the catalogue does not know.

**Sources.** The option catalogue of 1.10 – 2.3, read from the jars; BashJavaUtils (which flags are computed).
"""

from __future__ import annotations

from flinkscope.absent import required
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import Evidence, Fired, OptionChange, Outcome, Remedy, RuledOut, Severity
from flinkscope.diagnosis.remedies.options import options_of
from flinkscope.diagnosis.rule import Rule
from flinkscope.diagnosis.said import said
from flinkscope.flink.lint_subject import LintFinding

RULE = Rule(
    id="R30",
    title="Settings that Flink ignores, or that fight the ones it computes",
    severity=Severity.WARNING,
    needs=(("config",),),
    proved_on="the options as read from the jars of 1.10 to 2.3; Flink 1.17.2 (corpus R30-old-keys)",
)

# what the lint calls an error for another reason has rules of its own (R26, R29)
_IGNORED = frozenset({"unknown-key", "too-new", "gone", "legacy-ignored", "unread-file", "quoted-value"})
_FIGHTING = frozenset({"generated-flag"})
# flag → what it makes go wrong when it is set past Flink
_BREAKS = {
    "-Xmx": (("oom_heap",), ("R01", "R20", "R28")),
    "-XX:MaxHeapSize": (("oom_heap",), ("R01", "R20", "R28")),
    "-XX:MaxMetaspaceSize": (("oom_metaspace", "oom_class_space"), ("R15", "R18")),
    "-XX:MaxDirectMemorySize": (("oom_direct", "network_pool"), ("R21", "R22", "R23")),
}


def check(facts: ProcessFacts) -> Outcome:
    """Fires on a setting of this process that has no effect, or that overrides a computed flag."""
    config = required(facts.config)
    found = [f for f in config.lint if f.severity == "error" and f.rule in (_IGNORED | _FIGHTING)]
    if not found:
        return RuledOut("every setting is read by this Flink")
    broken = _broken(facts, found)
    keys = ", ".join(dict.fromkeys(f.place.key or "" for f in found if f.place.key))
    return Fired(
        summary=f"{keys or config.place.source}: "
        + ("it overrides what Flink computes" if broken else found[0].message),
        evidence=tuple(Evidence(f.message, f.place) for f in found),
        remedies=tuple(_remedy(facts, f) for f in found if f.changes),
        certainty_bp=9_500,
        explains=broken,
    )


def _broken(facts: ProcessFacts, found: list[LintFinding]) -> tuple[str, ...]:
    """The rules whose trouble comes from an overridden flag: only where the process died of that very part."""
    rules: list[str] = []
    for finding in found:
        for flag, (kinds, breaks) in _BREAKS.items():
            killed = flag in ("-Xmx", "-XX:MaxHeapSize") and said(facts, "container_killed", "native_memory")
            if finding.rule in _FIGHTING and finding.message.startswith(flag) and (said(facts, *kinds) or killed):
                rules += breaks
    return tuple(dict.fromkeys(rules))


def _remedy(facts: ProcessFacts, finding: LintFinding) -> Remedy:
    options = options_of(facts)
    return Remedy(
        id=f"{finding.rule}-{finding.place.key or 'file'}",
        title=f"Set it right: {finding.place.key or finding.place.source}",
        effect="the setting has the effect that was meant",
        cost="the process may get another memory split than it had: look at it with flinkscope memory",
        verify="flinkscope config lint CONFIG is silent; the start-up log shows the value",
        options=tuple(OptionChange(key, options.get(key), new) for key, new in finding.changes.items()),
    )
