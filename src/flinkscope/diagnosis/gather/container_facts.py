"""Facts about the container: its limit and its peak, from the control group's files."""

from __future__ import annotations

from pathlib import Path

from flinkscope.absent import present
from flinkscope.diagnosis.facts import ContainerFacts
from flinkscope.formats.cgroup import read_cgroup


def container_facts(folder: Path, name: str) -> ContainerFacts:
    """The memory of the group whose files lie in ``folder``. Raises UnreadableInputError when none is there."""
    group = read_cgroup(folder, name)
    return ContainerFacts(
        place=group.place,
        limit_bytes=present(group.limit_bytes),
        used_bytes=present(group.used_bytes),
        peak_bytes=present(group.peak_bytes),
        page_cache_bytes=group.stat.get("file", group.stat.get("total_cache")),
        oom_kills=present(group.oom_kills),
        processes=present(group.processes),
        processes_limit=present(group.processes_limit),
    )
