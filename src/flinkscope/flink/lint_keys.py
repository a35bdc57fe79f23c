"""Keys: misspelt, not of this version, ignored, old names, lines and files that Flink does not read."""

from __future__ import annotations

import os
from collections.abc import Iterator

from flinkscope.flink.lint_subject import LintFinding, Subject
from flinkscope.flink.memory_options import parse_version
from flinkscope.flink.options import ConfigOption, is_outside, lifetime, nearest, option, resolve

# What people write although no Flink ever had it → what they mean (memory_model.md, rules.md R30)
_MEANT = {
    "taskmanager.memory.heap.size": "taskmanager.memory.task.heap.size",
    "taskmanager.memory.network.size": "taskmanager.memory.network.max",
    "taskmanager.memory.off-heap.size": "taskmanager.memory.task.off-heap.size",
    "taskmanager.memory.managed": "taskmanager.memory.managed.size",
    "taskmanager.memory.metaspace.size": "taskmanager.memory.jvm-metaspace.size",
    "jobmanager.memory.metaspace.size": "jobmanager.memory.jvm-metaspace.size",
}
_OLD_HEAP = {
    "taskmanager.heap.size": "taskmanager.memory.process.size",
    "taskmanager.heap.mb": "taskmanager.memory.process.size",
    "jobmanager.heap.size": "jobmanager.memory.process.size",
    "jobmanager.heap.mb": "jobmanager.memory.process.size",
}
_ENVIRONMENT = ("FLINK_TM_HEAP", "FLINK_JM_HEAP")


def unknown_keys(subject: Subject) -> Iterator[LintFinding]:
    """Keys that this version does not read."""
    for key, value in subject.config.items():
        if key in _ENVIRONMENT or resolve(key, subject.flink) or is_outside(key, subject.flink):
            continue
        alive = lifetime(key)
        if key in _OLD_HEAP and subject.version >= (2, 0, 0):
            continue
        if alive is not None:
            yield _not_in_this_version(subject, key, alive)
            continue
        meant = _MEANT.get(key)
        close = (meant,) if meant and option(meant, subject.flink) else nearest(key, subject.flink)
        changes: dict[str, str | None] = {key: None, close[0]: value} if close and meant is None else {}
        hint = f"; nearest: {', '.join(close)}" if close else ""
        text = f"no Flink option has this name, so Flink ignores it{hint}"
        yield subject.finding("unknown-key", "error" if _is_core(key) else "warning", f"{key}: {text}", key, changes)


def legacy_keys(subject: Subject) -> Iterator[LintFinding]:
    """Heap keys from before 1.10: silently ignored since 2.0, reinterpreted before."""
    for key, modern in _OLD_HEAP.items():
        if key not in subject.config:
            continue
        value = subject.config[key] + ("m" if key.endswith(".mb") else "")
        if subject.version >= (2, 0, 0):
            text = f"{key}: gone since Flink 2.0 and silently ignored; the size is {modern}"
            yield subject.finding("legacy-ignored", "error", text, key, {key: None, modern: value})
        elif subject.version >= (1, 11, 0) or key.startswith("taskmanager"):
            text = (
                f"{key}: an old name; the standalone scripts take it for another part of the memory than Kubernetes "
                f"and YARN do, and since 2.0 it is ignored; write {modern}"
            )
            yield subject.finding("legacy-key", "warning", text, key, {key: None, modern: value})


def old_names(subject: Subject) -> Iterator[LintFinding]:
    """Older names that still work, and options that this version calls deprecated."""
    for key, value in subject.config.items():
        found = resolve(key, subject.flink)
        if found is None or key in _OLD_HEAP:
            continue
        if found.key != key and option(key, subject.flink) is None:
            changes: dict[str, str | None] = {key: None, found.key: value}
            yield subject.finding("old-name", "info", f"{key}: an older name of {found.key}", key, changes)
        elif found.deprecated:
            modern = _successor(key, subject.flink)
            hint = f"; its successor is {modern.key}" if modern else ""
            yield subject.finding("deprecated", "info", f"{key}: deprecated in Flink {subject.flink}{hint}", key)


def ignored_lines(subject: Subject) -> Iterator[LintFinding]:
    """Lines that the reader of that file skips or refuses."""
    for problem in subject.source.problems:
        yield LintFinding("line-without-effect", "warning", problem.text, problem.place)


def quoted_values(subject: Subject) -> Iterator[LintFinding]:
    """Quotes in flink-conf.yaml are part of the value."""
    if subject.source.kind != "flink-conf.yaml":
        return
    for key, value in subject.config.items():
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" and not key.startswith("env.java"):
            text = f"{key}: the quotes are part of the value in flink-conf.yaml"
            yield subject.finding("quoted-value", "error", text, key, {key: value[1:-1]})


def unread_file(subject: Subject) -> Iterator[LintFinding]:
    """A configuration file that this version does not read at all."""
    name = os.path.basename(subject.source.source)
    if name == "flink-conf.yaml" and subject.version >= (2, 0, 0):
        text = f"Flink {subject.flink} does not read flink-conf.yaml at all; it reads config.yaml"
        yield subject.finding("unread-file", "error", text, "")
    elif name == "config.yaml" and subject.version < (1, 19, 0) and subject.source.kind == "config.yaml":
        text = f"Flink {subject.flink} does not read config.yaml (new in 1.19); it reads flink-conf.yaml"
        yield subject.finding("unread-file", "error", text, "")


def set_twice(subject: Subject) -> Iterator[LintFinding]:
    """One option under two keys, or one key twice with different values: only one counts."""
    seen: dict[str, str] = {}
    for entry in subject.source.entries:
        found = resolve(entry.key, subject.flink)
        name = found.key if found else entry.key
        other = seen.get(name)
        if other is not None and other != entry.key:
            winner = name if name in (entry.key, other) else entry.key
            text = f"{entry.key} and {other} are the same option; Flink reads {winner}"
            yield LintFinding("same-option", "warning", text, entry.place)
        elif other is not None and subject.config[entry.key] == entry.value and _differs(subject, entry.key):
            text = f"{entry.key} is set more than once; the last value counts: {entry.value}"
            yield LintFinding("set-twice", "warning", text, entry.place)
        seen[name] = entry.key


KEY_CHECKS = (unread_file, unknown_keys, legacy_keys, old_names, ignored_lines, quoted_values, set_twice)


def _not_in_this_version(subject: Subject, key: str, alive: tuple[str, str]) -> LintFinding:
    first, last = alive
    if parse_version(first) > subject.version:
        text = f"{key}: only since Flink {_minor(first)}; Flink {subject.flink} ignores it"
        older = _predecessor(key, first, subject.flink)
        changes: dict[str, str | None] = {key: None, older: subject.config[key]} if older else {}
        return subject.finding("too-new", "error", text + (f"; here it is {older}" if older else ""), key, changes)
    text = f"{key}: gone after Flink {_minor(last)}; Flink {subject.flink} ignores it"
    return subject.finding("gone", "error", text, key)


def _predecessor(key: str, first: str, flink: str) -> str | None:
    found = option(key, first)
    names = found.fallback_keys if found else ()
    return next((name for name in names if option(name, flink)), None)


def _successor(key: str, flink: str) -> ConfigOption | None:
    from flinkscope.flink.options import reader_of

    return reader_of(key, flink)


def _differs(subject: Subject, key: str) -> bool:
    return len({entry.value for entry in subject.source.entries if entry.key == key}) > 1


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _is_core(key: str) -> bool:
    return key.startswith(("taskmanager.", "jobmanager.", "state.", "execution.", "env.", "classloader."))
