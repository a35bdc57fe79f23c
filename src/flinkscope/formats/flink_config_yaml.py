"""Flink configuration in YAML documents: config.yaml, FlinkDeployment, ConfigMap, docker compose, pods.

Read as a tree of nodes (``yaml.compose``), so that each value keeps its line and its text as written: no YAML 1.1
surprises (``010``, ``yes``), no object construction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flinkscope.errors import FormatError, UnreadableInputError
from flinkscope.formats.flink_config import ConfigEntry, ConfigProblem, FlinkConfig
from flinkscope.formats.flink_config_text import properties
from flinkscope.place import Place

Node = Any  # yaml.nodes.Node; its stubs lack `id`, and yaml is imported only when YAML comes

_DEEPEST = 40
_MOST_ENTRIES = 50_000
_LARGEST_CHARACTERS = 4 * 1024 * 1024
_KUBERNETES_UNITS = {"Ki": "k", "Mi": "m", "Gi": "g", "Ti": "t"}
_IMAGE = re.compile(r"(?:^|/)(?:apache-)?flink:v?(\d+\.\d+(?:\.\d+)?)")


def yaml_config(text: str, source: str) -> tuple[FlinkConfig, ...]:
    """All Flink configurations of a YAML text. Raises FormatError where it is not YAML."""
    found: list[FlinkConfig] = []
    for document in _documents(text, source):
        kind = _scalar(_child(document, "kind"))
        if kind in ("FlinkDeployment", "FlinkSessionJob"):
            found += _flink_deployment(document, source)
        elif kind == "ConfigMap":
            found += _config_map(document, source)
        elif _child(document, "services") is not None or _child(document, "apiVersion") is not None:
            found += _environments(document, source)
        else:
            found.append(_plain(document, source))
    if not any(config.entries or config.problems for config in found):
        raise UnreadableInputError(
            f"{source}: no Flink configuration in this YAML",
            hint="give config.yaml, a FlinkDeployment, or YAML with FLINK_PROPERTIES",
        )
    return tuple(config for config in found if config.entries or config.problems)


def _documents(text: str, source: str) -> list[Node]:
    import yaml

    if len(text) > _LARGEST_CHARACTERS:
        raise UnreadableInputError(f"{source}: {len(text):,} characters of YAML are no Flink configuration")
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _check_depth(yaml.parse(text, Loader=loader), source)
        nodes: list[Any] = list(yaml.compose_all(text, Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        offset = len("".join(text.splitlines(keepends=True)[: mark.line]).encode()) if mark is not None else 0
        raise FormatError(source, offset, f"YAML{where}", problem, hint="Flink cannot read this file either") from error
    mappings: list[Node] = []
    for node in nodes:
        if isinstance(node, yaml.MappingNode):
            mappings.append(node)
        elif node is not None and not (isinstance(node, yaml.ScalarNode) and not node.value):
            raise FormatError(source, 0, "`key: value` lines", f"a YAML {node.id}", hint="is this Flink's config.yaml?")
    return mappings


def _check_depth(events: Iterator[Any], source: str) -> None:
    """Refuses deep nesting before libyaml composes: its recursion ends the interpreter at some 20,000 levels."""
    depth = 0
    for event in events:
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if depth > 4 * _DEEPEST:
            line = event.start_mark.line + 1
            raise UnreadableInputError(f"{source}:{line}: YAML nested too deep for a configuration")


def _plain(document: Node, source: str) -> FlinkConfig:
    entries, problems = _flatten(document, source)
    return FlinkConfig(source, "config.yaml", entries, problems)


def _flatten(document: Node, source: str) -> tuple[tuple[ConfigEntry, ...], tuple[ConfigProblem, ...]]:
    """Nested keys joined by dots, as ``GlobalConfiguration.flatten``."""
    entries: list[ConfigEntry] = []
    problems: list[ConfigProblem] = []
    seen: set[str] = set()
    for key, node, depth in _leaves(document, "", 0):
        if depth > _DEEPEST or len(entries) > _MOST_ENTRIES:
            raise UnreadableInputError(f"{source}: more than a configuration can hold; recursive YAML anchors?")
        place = Place(source, line=node.start_mark.line + 1, key=key)
        value = _value(node)
        if value is None:
            problems.append(ConfigProblem(f"{key} has no value", place))
            continue
        if key in seen:
            problems.append(ConfigProblem(f"{key} is set twice; since 1.19 config.yaml is refused for that", place))
        seen.add(key)
        entries.append(ConfigEntry(key, value, place))
    return tuple(entries), tuple(problems)


def _leaves(node: Node, prefix: str, depth: int) -> Iterator[tuple[str, Node, int]]:
    for name, child in node.value:
        key = prefix + str(_scalar(name) or "")
        if child.id == "mapping" and child.value and depth <= _DEEPEST:
            yield from _leaves(child, key + ".", depth + 1)
        else:
            yield key, child, depth


def _value(node: Node) -> str | None:
    if node.id == "scalar":
        text = str(node.value)
        plain = not getattr(node, "style", None)
        return None if plain and text in ("", "~", "null", "Null", "NULL") else text
    if node.id == "sequence":
        return ";".join(str(_scalar(item) or "") for item in node.value)
    return None if not node.value else ""


def _flink_deployment(document: Node, source: str) -> list[FlinkConfig]:
    """FlinkDeployment of the Kubernetes operator: ``flinkConfiguration``, then resources, which win."""
    spec = _child(document, "spec")
    if spec is None:
        return []
    settings = _child(spec, "flinkConfiguration")
    entries, problems = _flatten(settings, source) if settings is not None and settings.id == "mapping" else ((), ())
    extra: list[ConfigEntry] = []
    for part, role in (("jobManager", "jobmanager"), ("taskManager", "taskmanager")):
        memory = _child(_child(_child(spec, part), "resource"), "memory")
        if memory is not None and _scalar(memory):
            place = Place(source, line=memory.start_mark.line + 1, key=f"spec.{part}.resource.memory")
            extra.append(ConfigEntry(f"{role}.memory.process.size", _flink_size(str(_scalar(memory))), place))
    version = str(_scalar(_child(spec, "flinkVersion")) or "").removeprefix("v").replace("_", ".") or None
    version = version or _image_version(_scalar(_child(spec, "image")))
    name = str(_scalar(_child(_child(document, "metadata"), "name")) or "")
    replicas = _scalar(_child(_child(spec, "taskManager"), "replicas"))
    return [
        FlinkConfig(
            source, "FlinkDeployment", (*entries, *extra), problems, None, version, "container", name=name,
            labels={"taskManager.replicas": replicas} if replicas else {},
        )
    ]  # fmt: skip


def _flink_size(text: str) -> str:
    """A Kubernetes quantity (``2Gi``, ``1.5Gi``) in Flink's units; what Flink itself can read stays.

    The operator too asks ``MemorySize.parse`` first, and ``Quantity.parse`` only if that refuses.
    """
    from flinkscope.formats.pod_status import quantity_bytes

    match = re.fullmatch(r"\s*(\d+)\s*(Ki|Mi|Gi|Ti)\s*", text)
    if match:
        return f"{match[1]}{_KUBERNETES_UNITS[match[2]]}"
    size = None if re.fullmatch(r"\s*\d+\s*[A-Za-z]*\s*", text) else quantity_bytes(text)
    return text if size is None else f"{size}b"


def _config_map(document: Node, source: str) -> list[FlinkConfig]:
    from flinkscope.formats.flink_config_text import legacy_config

    found: list[FlinkConfig] = []
    for name, node in _pairs(_child(document, "data")):
        if name in ("flink-conf.yaml", "config.yaml") and node.id == "scalar":
            first = node.start_mark.line + 1 + (1 if getattr(node, "style", None) in ("|", ">") else 0)
            if name == "flink-conf.yaml":
                found.append(legacy_config(str(node.value), source, first, "script"))
                continue
            for inner in _documents(str(node.value), source):
                config = _plain(inner, source)
                found.append(_moved(config, first - 1))
    return found


def _moved(config: FlinkConfig, lines: int) -> FlinkConfig:
    from dataclasses import replace

    def move(place: Place) -> Place:
        return replace(place, line=(place.line or 0) + lines)

    return replace(
        config,
        entries=tuple(replace(entry, place=move(entry.place)) for entry in config.entries),
        problems=tuple(replace(problem, place=move(problem.place)) for problem in config.problems),
    )


def _environments(document: Node, source: str) -> list[FlinkConfig]:
    """FLINK_PROPERTIES of each service or container of a compose file or pod."""
    from dataclasses import replace

    found: list[FlinkConfig] = []
    for name, container in _containers(document, "", 0):
        version = _image_version(_scalar(_child(container, "image")))
        words = [str(_scalar(item) or "") for part in ("command", "args") for item in _items(_child(container, part))]
        role = next((r for r in ("taskmanager", "jobmanager") if any(r in w for w in [*words, name])), None)
        for node, text in _flink_properties(container):
            block = getattr(node, "style", None) in ("|", ">")
            config = properties(text, source, node.start_mark.line + 1 + (1 if block else 0))
            found.append(replace(config, kind="environment", name=name, role=role, flink_version=version))
    return found


def _containers(node: Node, name: str, depth: int) -> Iterator[tuple[str, Node]]:
    if depth > _DEEPEST:
        return
    if node.id == "mapping":
        if _child(node, "environment") is not None or _child(node, "env") is not None:
            yield str(_scalar(_child(node, "name")) or name), node
            return
        for key, child in _pairs(node):
            yield from _containers(child, key, depth + 1)
    elif node.id == "sequence":
        for child in node.value:
            yield from _containers(child, name, depth + 1)


def _flink_properties(container: Node) -> Iterator[tuple[Node, str]]:
    for part in ("environment", "env"):
        block = _child(container, part)
        for key, node in _pairs(block):
            if key == "FLINK_PROPERTIES":
                yield node, str(_scalar(node) or "")
        for item in _items(block) if block is not None and block.id == "sequence" else ():
            text = str(_scalar(item) or "")
            if text.startswith("FLINK_PROPERTIES="):
                yield item, text.removeprefix("FLINK_PROPERTIES=")
            elif _scalar(_child(item, "name")) == "FLINK_PROPERTIES" and _child(item, "value") is not None:
                value = _child(item, "value")
                assert value is not None
                yield value, str(_scalar(value) or "")


def _image_version(image: str | None) -> str | None:
    match = _IMAGE.search(image or "")
    return match[1] if match else None


def _pairs(node: Node | None) -> Iterator[tuple[str, Node]]:
    if node is not None and node.id == "mapping":
        for key, child in node.value:
            yield str(_scalar(key) or ""), child


def _items(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return list(node.value) if node.id == "sequence" else [node] if node.id == "scalar" else []


def _child(node: Node | None, name: str) -> Any:
    return next((child for key, child in _pairs(node) if key == name), None)


def _scalar(node: Node | None) -> str | None:
    return str(node.value) if node is not None and node.id == "scalar" else None
