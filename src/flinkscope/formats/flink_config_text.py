"""Flink configuration in plain text: flink-conf.yaml, arguments, command lines, environments, logs, REST answers."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from flinkscope.errors import UnreadableInputError
from flinkscope.formats.flink_config import ConfigEntry, ConfigProblem, FlinkConfig
from flinkscope.place import Place

_KEY = re.compile(r"[A-Za-z$][\w.$<>/-]*")
_JAVA_LINE_END = re.compile(r"\r\n|\r|\n")
_JAVA_BLANKS = "".join(map(chr, range(33)))
_BYTES = re.compile(r"(?:\((\d+) bytes\)|\b(\d+) bytes)")
_DIST_JAR = re.compile(r"flink-dist(?:_[\d.]+)?-(\d+\.\d+\.\d+)")
_TREE_HEADS = {
    "Final TaskExecutor Memory configuration:": "taskmanager",
    "Final Master Memory configuration:": "jobmanager",
}
# tree label, its path from the top → option; a label alone is not unique ("Framework" is heap and off-heap)
_TREE_KEYS = {
    ("taskmanager", "Total JVM Heap Memory", "Framework"): "taskmanager.memory.framework.heap.size",
    ("taskmanager", "Total JVM Heap Memory", "Task"): "taskmanager.memory.task.heap.size",
    ("taskmanager", "Total Off-heap Memory", "Managed"): "taskmanager.memory.managed.size",
    ("taskmanager", "Total JVM Direct Memory", "Framework"): "taskmanager.memory.framework.off-heap.size",
    ("taskmanager", "Total JVM Direct Memory", "Task"): "taskmanager.memory.task.off-heap.size",
    ("taskmanager", "Total JVM Direct Memory", "Network"): "taskmanager.memory.network",
    ("jobmanager", "Total Flink Memory", "JVM Heap"): "jobmanager.memory.heap.size",
    ("jobmanager", "Total Flink Memory", "Off-heap"): "jobmanager.memory.off-heap.size",
}
_REST_KEYS = {
    "frameworkHeap": "taskmanager.memory.framework.heap.size",
    "taskHeap": "taskmanager.memory.task.heap.size",
    "frameworkOffHeap": "taskmanager.memory.framework.off-heap.size",
    "taskOffHeap": "taskmanager.memory.task.off-heap.size",
    "networkMemory": "taskmanager.memory.network",
    "managedMemory": "taskmanager.memory.managed.size",
    "jvmMetaspace": "taskmanager.memory.jvm-metaspace.size",
    "jvmOverhead": "taskmanager.memory.jvm-overhead",
}
_MAIN_ROLES = {
    "TaskManagerRunner": "taskmanager",
    "TaskExecutorRunner": "taskmanager",
    "ClusterEntrypoint": "jobmanager",
}


def legacy_config(text: str, source: str, first_line: int = 1, launcher: str = "script") -> FlinkConfig:
    """``flink-conf.yaml`` as Flink up to 1.20 reads it: line by line, ``#`` ends a line, quotes belong to the value."""
    entries: list[ConfigEntry] = []
    problems: list[ConfigProblem] = []
    for number, line in enumerate(_JAVA_LINE_END.split(text.removeprefix("\ufeff")), first_line):
        content = line.partition("#")[0].strip(_JAVA_BLANKS)
        if not content:
            continue
        key, separator, value = content.partition(": ")
        key, value = key.strip(_JAVA_BLANKS), value.strip(_JAVA_BLANKS)
        place = Place(source, line=number, key=key or None)
        if not separator or not key or not value:
            why = "no blank after the colon" if ":" in content and not separator else "not `key: value`"
            problems.append(ConfigProblem(f"Flink ignores this line ({why}): {content[:80]}", place))
            continue
        entries.append(ConfigEntry(key, value, place))
    return FlinkConfig(source, "flink-conf.yaml", tuple(entries), tuple(problems), launcher=launcher)


def dynamic_arguments(words: list[str], source: str) -> FlinkConfig:
    """``-D key=value``, ``-Dkey=value`` and plain ``key=value`` words; anything else is a problem."""
    entries: list[ConfigEntry] = []
    problems: list[ConfigProblem] = []
    pending = iter(words)
    for word in pending:
        text = next(pending, "") if word == "-D" else word.removeprefix("-D")
        key, separator, value = text.partition("=")
        if separator and _KEY.fullmatch(key.strip()):
            entries.append(ConfigEntry(key.strip(), value, Place(source, key=key.strip())))
        else:
            problems.append(ConfigProblem(f"not key=value: {word}", Place(source)))
    return FlinkConfig(source, "arguments", tuple(entries), tuple(problems))


def looks_like_command_line(text: str) -> bool:
    """Whether the text is one java command line, or its arguments one a line."""
    head = text[:20_000]
    words = head.split(None, 1)[0]
    return (words.endswith(("/java", "java")) and "-" in head) or words.startswith(("-Xm", "-XX:", "-D"))


def command_line_text(text: str, source: str) -> FlinkConfig:
    """A command line as text: one argument a line, or one line as ``ps`` prints it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        words = lines if len(lines) > 1 else shlex.split(lines[0])
    except ValueError:
        words = lines[0].split()
    return command_line(words, source)


def command_line(words: list[str], source: str) -> FlinkConfig:
    """A running process' command line: JVM options before the main class, ``-D`` options of Flink behind it."""
    main = next((i for i, word in enumerate(words) if i and _role_of(word)), None)
    if main is None:
        jvm = [word for word in words if word.startswith(("-X", "--add", "-D"))]
        rest = words
    else:
        jvm, rest = [word for word in words[:main] if word.startswith("-")], words[main + 1 :]
    dynamic = dynamic_arguments(_dynamic_words(rest), source)
    role = _role_of(words[main]) if main is not None else _role_of_keys(dynamic)
    jar = next((match for word in words if (match := _DIST_JAR.search(word))), None)
    return FlinkConfig(
        source,
        "command line",
        dynamic.entries,
        role=role,
        flink_version=jar and jar[1],
        launcher="none",
        jvm_arguments=tuple(jvm),
    )


def _dynamic_words(words: list[str]) -> list[str]:
    found: list[str] = []
    for previous, word in zip(["", *words], words, strict=False):
        if previous == "-D" and "=" in word:
            found.append(word)
        elif word.startswith("-D") and "=" in word:
            found.append(word[2:])
    return found


def _role_of(word: str) -> str | None:
    if not word.startswith("org.apache.flink"):
        return None
    return next((role for name, role in _MAIN_ROLES.items() if word.endswith(name)), None)


def _role_of_keys(config: FlinkConfig) -> str | None:
    roles = {e.key.partition(".")[0] for e in config.entries if ".memory." in e.key}
    return roles.pop() if len(roles) == 1 and roles <= {"taskmanager", "jobmanager"} else None


def has_environment(text: str) -> bool:
    """Whether the text is an environment file or ``env`` output with FLINK_PROPERTIES."""
    return re.search(r"^(export\s+)?(FLINK_PROPERTIES|FLINK_[TJ]M_HEAP)=", text, re.MULTILINE) is not None


def environment(text: str, source: str) -> FlinkConfig:
    r"""``FLINK_PROPERTIES`` of the official image: lines up to the next variable, or one line with ``\n`` inside."""
    entries: list[ConfigEntry] = []
    problems: list[ConfigProblem] = []
    for number, name, value in _variables(text):
        if name == "FLINK_PROPERTIES":
            config = properties(value, source, number)
            entries += config.entries
            problems += config.problems
        elif name in ("FLINK_TM_HEAP", "FLINK_JM_HEAP"):
            entries.append(ConfigEntry(name, value.strip().strip("\"'"), Place(source, line=number, key=name)))
        elif name == "TASK_MANAGER_NUMBER_OF_TASK_SLOTS":
            place = Place(source, line=number, key=name)
            entries.append(ConfigEntry("taskmanager.numberOfTaskSlots", value.strip().strip("\"'"), place))
    return FlinkConfig(source, "environment", tuple(entries), tuple(problems))


def properties(value: str, source: str, first_line: int) -> FlinkConfig:
    """The value of FLINK_PROPERTIES: lines as in flink-conf.yaml, perhaps quoted, perhaps with written ``\\n``."""
    bare = value.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        value = bare[1:-1]
    else:
        value = re.sub(r"^\$?[\"']", "", value)
    return legacy_config(value.replace("\\n", "\n"), source, first_line)


def _variables(text: str) -> list[tuple[int, str, str]]:
    found: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"(?:export\s+)?([A-Z_][A-Z0-9_]*)=(.*)$", line)
        if match:
            found.append((number, match[1], match[2]))
        elif found:
            start, name, value = found[-1]
            found[-1] = (start, name, f"{value}\n{line}")
    return found


def has_memory_tree(text: str) -> bool:
    """Whether a log's memory tree is in the text."""
    return any(head in text for head in _TREE_HEADS)


def memory_trees(text: str, source: str) -> tuple[FlinkConfig, ...]:
    """The effective splits that a log prints at start-up: the last tree of each role."""
    lines = text.splitlines()
    last: dict[str, FlinkConfig] = {}
    for number, line in enumerate(lines):
        role = next((r for head, r in _TREE_HEADS.items() if head in line), None)
        if role is not None:
            last[role] = _memory_tree(lines, number, role, source)
    return tuple(last.values())


def _memory_tree(lines: list[str], start: int, role: str, source: str) -> FlinkConfig:
    entries: list[ConfigEntry] = []
    section = ""
    for number in range(start + 1, min(start + 20, len(lines))):
        match = re.search(r"(Total [\w -]+?|JVM \w+|Framework|Task|Managed|Network|Off-heap):\s+(.*)$", lines[number])
        if not match or not (size := _BYTES.search(match[2])):
            if match or "Memory" in lines[number]:
                continue
            break
        label = match[1].strip()
        section = label if label.startswith("Total ") else section
        key = _TREE_KEYS.get((role, section, label)) or {
            "JVM Metaspace": f"{role}.memory.jvm-metaspace.size",
            "JVM Overhead": f"{role}.memory.jvm-overhead",
        }.get(label)
        if key:
            entries += _effective(key, int(size[1] or size[2]), Place(source, line=number + 1))
    if not entries:
        raise UnreadableInputError(f"{source}:{start + 1}: the memory tree is cut off", hint="give the whole log")
    return FlinkConfig(source, "log", tuple(entries), role=role, launcher="none")


def _effective(key: str, size_bytes: int, place: Place) -> list[ConfigEntry]:
    """A part that has bounds instead of a size is fixed by setting both bounds to it."""
    if key.endswith((".network", ".jvm-overhead")):
        return [ConfigEntry(f"{key}.{side}", f"{size_bytes}b", place) for side in ("min", "max")]
    return [ConfigEntry(key, f"{size_bytes}b", place)]


def rest_json(text: str, source: str) -> FlinkConfig:
    """REST ``/taskmanagers/:id`` (``memoryConfiguration``) or ``/jobmanager/config`` (a list of key and value)."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableInputError(f"{source}: not valid JSON: {error}", hint="save the REST answer again") from error
    if isinstance(document, list) and all(isinstance(e, dict) and "key" in e and "value" in e for e in document):
        entries = tuple(ConfigEntry(str(e["key"]), str(e["value"]), Place(source, key=str(e["key"]))) for e in document)
        return FlinkConfig(source, "REST /jobmanager/config", entries, launcher="container")
    memory = document.get("memoryConfiguration") if isinstance(document, dict) else None
    if not isinstance(memory, dict):
        raise UnreadableInputError(
            f"{source}: JSON without memoryConfiguration and no list of key and value",
            hint="save REST /taskmanagers/<id> (Flink 1.12 or later) or /jobmanager/config",
        )
    found: list[ConfigEntry] = []
    for name, key in _REST_KEYS.items():
        size_bytes = memory.get(name)
        if not isinstance(size_bytes, int) or isinstance(size_bytes, bool):
            raise UnreadableInputError(f"{source}: memoryConfiguration.{name} is {size_bytes!r}, expected bytes")
        found += _effective(key, size_bytes, Place(source, key=f"memoryConfiguration.{name}"))
    slots = document.get("slotsNumber")
    if isinstance(slots, int) and slots > 0:  # 0 until the TaskManager has reported its slots
        found.append(ConfigEntry("taskmanager.numberOfTaskSlots", str(slots), Place(source, key="slotsNumber")))
    return FlinkConfig(source, "REST /taskmanagers/:id", tuple(found), role="taskmanager", launcher="none")
