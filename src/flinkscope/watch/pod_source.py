"""Watching a pod through ``kubectl exec``: a call a look costs this machine some 50 ms, so every 15 s at most."""

from __future__ import annotations

from collections.abc import Sequence

from flinkscope.errors import FlinkscopeError
from flinkscope.formats.hsperf import PerfData, parse_hsperf
from flinkscope.jvm.live import flag_bytes, flink_role
from flinkscope.sources.kubectl import Kubectl, PodAddress, pods_by_label
from flinkscope.watch.measures import Reading

INTERVAL_S = 15.0
# the newest hsperfdata file, the cgroup's use and limit (v2, else v1), each behind a mark
_LOOK = """
f=$(ls -t /tmp/hsperfdata_*/* 2>/dev/null | head -n 1); [ -n "$f" ] && cat "$f"
cd /sys/fs/cgroup 2>/dev/null
for f in memory.current memory/memory.usage_in_bytes; do [ -r $f ] && { printf '<flinkscope>'; cat $f; break; }; done
for f in memory.max memory/memory.limit_in_bytes; do [ -r $f ] && { printf '<flinkscope>'; cat $f; break; }; done
true
"""
_NO_LIMIT = 1 << 62


class PodSource:
    """The pods of one address, or all that carry the labels of ``selector``; listed anew at each look."""

    interval_s = INTERVAL_S

    def __init__(self, address: PodAddress, selector: str | None = None) -> None:
        self._address, self._selector = address, selector
        Kubectl(address)  # is there a kubectl at all?

    def look(self, now_ns: int) -> Sequence[Reading]:
        """A reading of each pod that answers. Raises SourceError when a single pod does not."""
        if self._selector is None:
            return [look_at_pod(self._address)]
        address, readings = self._address, []
        for pod in pods_by_label(self._selector, address.namespace, address.context):
            named = PodAddress(pod.pod, address.namespace, address.container, address.context)
            try:
                readings.append(look_at_pod(named))
            except FlinkscopeError:
                continue
        return readings


def look_at_pod(address: PodAddress) -> Reading:
    """One look. Raises SourceError (kubectl) or FormatError (no counters in it)."""
    data, *memory = Kubectl(address).shell(_LOOK).split(b"<flinkscope>")
    reading = parse_hsperf(data, f"pod {address} hsperfdata")
    values: dict[str, int | None] = {}
    flags = tuple((reading.text("java.rt.vmArgs") or "").split())
    old_max, heap_max = reading.number("sun.gc.generation.1.maxCapacity"), flag_bytes(flags, "-Xmx")
    collected = any(reading.number(f"sun.gc.collector.{index}.invocations") for index in range(3))
    old_bytes = reading.number("sun.gc.generation.1.space.0.used")
    loaded = reading.number("java.cls.loadedClasses")
    values["live_set_bytes"] = old_bytes if collected else None
    values["heap_limit_bytes"] = min((size & ~0xFFF for size in (old_max, heap_max) if size), default=None)
    values["old_used_bytes"] = old_bytes
    values["metaspace_bytes"] = reading.number("sun.gc.metaspace.used") or None
    values["metaspace_limit_bytes"] = flag_bytes(flags, "-XX:MaxMetaspaceSize=")
    values["loaded_classes"] = None if loaded is None else loaded - (reading.number("java.cls.unloadedClasses") or 0)
    values["threads"] = reading.number("java.threads.live")
    values["resident_bytes"], values["memory_limit_bytes"] = _memory(memory)
    known = {name: value for name, value in values.items() if value is not None}
    return Reading(f"pod {address}", flink_role(reading.text("sun.rt.javaCommand") or ""), _started(reading), known)


def _memory(parts: list[bytes]) -> tuple[int | None, int | None]:
    numbers = [int(part) if part.strip().isdigit() else None for part in (*parts[:2], b"", b"")][:2]
    limit = numbers[1]
    return numbers[0], limit if limit is not None and limit < _NO_LIMIT else None


def _started(reading: PerfData) -> str:
    return str(reading.number("sun.rt.createVmBeginTime") or "")
