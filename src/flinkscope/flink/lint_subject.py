"""What lint checks are given and what they answer: the configuration under lint, and a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from flinkscope.errors import MemoryConfigError
from flinkscope.flink.memory_legacy import Launcher
from flinkscope.flink.memory_model import JobManagerMemory, Role, TaskManagerMemory, memory_model
from flinkscope.flink.memory_options import Version, parse_version
from flinkscope.flink.options import is_known
from flinkscope.formats.flink_config import FlinkConfig
from flinkscope.place import Place
from flinkscope.redaction import MASK, is_sensitive, redact_text

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding. ``changes``: key → new value (None removes it), empty where there is no single right change."""

    rule: str
    severity: Severity
    message: str
    place: Place
    changes: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """The configuration under lint, for one Flink version and the roles it is about."""

    source: FlinkConfig
    flink: str
    launcher: Launcher
    roles: tuple[Role, ...]

    @cached_property
    def config(self) -> dict[str, str]:
        """Key → effective value."""
        return self.source.mapping()

    @cached_property
    def version(self) -> Version:
        """The Flink version as numbers."""
        return parse_version(self.flink)

    def place(self, key: str) -> Place:
        """Where the key stands; the whole source for one that is not set."""
        return self.source.place_of(key) or Place(self.source.source, key=key)

    def model(self, role: Role) -> TaskManagerMemory | JobManagerMemory | None:
        """The split of that role; None where Flink refuses it or its version has none."""
        if role == "jobmanager" and self.version < (1, 11, 0):
            return None
        try:
            return memory_model(self.config, role, self.flink, launcher=self.launcher)
        except MemoryConfigError:
            return None

    def has_size(self, role: Role) -> bool:
        """Whether any key decides the size of that process."""
        return any(key.startswith((f"{role}.memory.", f"{role}.heap.")) for key in self.config)

    def finding(
        self, rule: str, severity: Severity, message: str, key: str, changes: dict[str, str | None] | None = None
    ) -> LintFinding:
        """A finding at the key's place, without secrets; changes to keys unknown to this version are left out."""
        wanted = {name: _shown(name, value) for name, value in (changes or {}).items()}
        known = all(value is None or is_known(name, self.flink) for name, value in wanted.items())
        return LintFinding(rule, severity, redact_text(message), self.place(key), wanted if known else {})


def _shown(key: str, value: str | None) -> str | None:
    if value is None:
        return None
    return MASK if is_sensitive(key) else redact_text(value)


Check = Callable[[Subject], Iterable[LintFinding]]
