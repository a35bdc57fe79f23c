"""Lint of a Flink configuration: what is misspelt, ignored, overridden, idle or about to bite, with place and remedy.

A check is a function ``(Subject) -> findings``; this module runs them and orders what they find. A remedy names only
keys that exist in the user's Flink version.
"""

from __future__ import annotations

from flinkscope.flink.lint_jvm import JVM_CHECKS
from flinkscope.flink.lint_keys import KEY_CHECKS
from flinkscope.flink.lint_memory import MEMORY_CHECKS
from flinkscope.flink.lint_subject import SEVERITIES, LintFinding, Subject
from flinkscope.flink.memory_legacy import Launcher
from flinkscope.flink.memory_model import Role
from flinkscope.flink.memory_options import parse_version
from flinkscope.formats.flink_config import FlinkConfig


def lint(
    source: FlinkConfig, flink: str = "2.3.0", *, role: Role | None = None, launcher: Launcher | None = None
) -> tuple[LintFinding, ...]:
    """All findings, errors first, then by place; milliseconds. ``role`` None: every process that the keys are about.

    ``launcher`` None: as the source says. Raises UsageError for an unknown version.
    """
    starter: Launcher = launcher or source.launcher  # type: ignore[assignment]  # one of the three words
    roles: tuple[Role, ...] = (role,) if role else ("taskmanager", "jobmanager")
    subject = Subject(source, flink, starter, roles)
    parse_version(flink)
    found = [f for check in (*KEY_CHECKS, *MEMORY_CHECKS, *JVM_CHECKS) for f in check(subject)]
    return tuple(sorted(found, key=lambda f: (SEVERITIES.index(f.severity), f.place.line or 0, f.rule, f.message)))
