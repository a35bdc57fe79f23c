"""Which part of the process a class belongs to, by its package: for whatever no task's own object dominates."""

from __future__ import annotations

import re

# The first prefix that fits decides; longer, more special ones stand first.
FAMILIES: tuple[tuple[str, str], ...] = (
    ("org.apache.flink.runtime.io.network.", "network buffers and shuffle"),
    ("org.apache.flink.core.memory.", "network buffers and shuffle"),
    ("org.apache.flink.runtime.state.heap.CopyOnWriteStateMapSnapshot", "checkpoint copies"),
    ("org.apache.flink.runtime.state.heap.CopyOnWriteStateTableSnapshot", "checkpoint copies"),
    ("org.apache.flink.runtime.state.heap.HeapPriorityQueueStateSnapshot", "checkpoint copies"),
    ("org.apache.flink.runtime.state.AsyncSnapshotCallable", "checkpoint copies"),
    ("org.apache.flink.runtime.state.", "state backends and checkpoint storage"),
    ("org.apache.flink.runtime.checkpoint.", "checkpoints"),
    ("org.apache.flink.state.", "state backends and checkpoint storage"),
    ("org.apache.flink.contrib.streaming.state.", "state backends and checkpoint storage"),
    ("org.apache.flink.runtime.metrics.", "metrics"),
    ("org.apache.flink.metrics.", "metrics"),
    ("org.apache.flink.runtime.executiongraph.", "execution graphs"),
    ("org.apache.flink.runtime.jobgraph.", "execution graphs"),
    ("org.apache.flink.runtime.jobmaster.", "execution graphs"),
    ("org.apache.flink.runtime.scheduler.", "execution graphs"),
    ("org.apache.flink.runtime.dispatcher.", "dispatcher and archived jobs"),
    ("org.apache.flink.runtime.rest.", "REST server and web page"),
    ("org.apache.flink.runtime.webmonitor.", "REST server and web page"),
    ("org.apache.flink.runtime.blob.", "files of jobs (BLOB)"),
    ("org.apache.flink.runtime.source.", "sources and their splits"),
    ("org.apache.flink.connector.base.source.", "sources and their splits"),
    ("org.apache.flink.connector.kafka.source.", "sources and their splits"),
    ("org.apache.flink.connector.", "sinks, sources and connectors"),
    ("org.apache.kafka.", "Kafka client"),
    ("org.apache.flink.shaded.netty", "Netty"),
    ("io.netty.", "Netty"),
    ("org.apache.pekko.", "Pekko"),
    ("akka.", "Akka"),
    ("com.typesafe.config.", "Pekko"),
    ("org.jboss.netty", "Netty"),
    ("org.apache.calcite.", "SQL planner"),
    ("org.codehaus.", "SQL planner"),
    ("org.apache.flink.table.planner.", "SQL planner"),
    ("org.apache.flink.calcite.", "SQL planner"),
    ("org.rocksdb.", "RocksDB's Java part"),
    ("org.forstdb.", "ForSt's Java part"),
    ("org.apache.flink.", "Flink framework"),
    ("org.apache.logging.", "logging"),
    ("org.apache.log4j.", "logging"),
    ("ch.qos.logback.", "logging"),
    ("org.slf4j.", "logging"),
    ("scala.", "Scala library"),
    ("org.apache.hadoop.", "Hadoop client"),
)

JDK = "JDK"
_JDK_PREFIXES = ("java.", "javax.", "jdk.", "sun.", "com.sun.", "org.xml.", "org.w3c.")


_PATTERN = re.compile("|".join(f"({re.escape(prefix)})" for prefix, _ in FAMILIES))  # the first that fits, in order


def family_of(class_name: str) -> str | None:
    """The family of a class; ``JDK`` for the platform's own; None for any other (user code and libraries)."""
    element = class_name.rstrip("[]")
    if element.startswith(_JDK_PREFIXES) or "." not in element:  # without a package: primitive arrays, mostly
        return JDK
    found = _PATTERN.match(element)
    return None if found is None or found.lastindex is None else FAMILIES[found.lastindex - 1][1]
