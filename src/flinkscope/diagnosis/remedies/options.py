"""Option changes that are checked before they are offered: the key exists in that version, and the process starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ProcessFacts
from flinkscope.diagnosis.finding import OptionChange, Remedy
from flinkscope.diagnosis.split import flink_role, memory_parts, version_of
from flinkscope.errors import FlinkscopeError
from flinkscope.flink.memory_model import memory_model
from flinkscope.flink.options import is_known
from flinkscope.flink.sizing import applied


def options_of(facts: ProcessFacts) -> Mapping[str, str]:
    """The options that are set; empty where no configuration is there."""
    config = present(facts.config)
    return config.options if config else {}


def option_remedy(facts: ProcessFacts, remedy: Remedy, changes: Mapping[str, str | None]) -> tuple[Remedy, ...]:
    """``remedy`` with these changes, or nothing: where the version does not know a key, or Flink would not start.

    With a configuration at hand its memory before and after is worked out too.
    """
    version = version_of(facts)
    if not all(is_known(key, version) for key in changes):
        return ()
    options = options_of(facts)
    made = replace(remedy, options=tuple(OptionChange(k, options.get(k), v) for k, v in changes.items()))
    if present(facts.config) is None or not any(".memory." in key for key in changes):
        return (made,)
    role = flink_role(facts.role)
    try:
        after = memory_model(applied(options, changes), role, version)
    except FlinkscopeError:
        return ()
    try:
        before = memory_parts(memory_model(options, role, version))
    except FlinkscopeError:
        before = {}
    return (replace(made, memory_before=before, memory_after=memory_parts(after)),)
