"""Which files belong to the same process: by folder, name, role, -Xmx, process id and time.

A log with a start header, or a GC log, makes a process; every other file goes to the one process that its clues point
to. Where clues contradict, or point to several, a file stays by itself: two processes told apart too much are read
twice, two mixed up give a wrong answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flinkscope.sources.clues import Clues, clues_of, joined

# of the whole case where it has several processes
SHARED_KINDS = frozenset({"config", "checkpoints", "job", "job_truth", "results", "submissions", "rest", "metrics",
                          "dmesg", "pod_status"})  # fmt: skip
# folders that say what is in them, not whose it is
PLAIN_FOLDERS = frozenset({"log", "logs", "gc", "gclogs", "conf", "config", "dump", "dumps", "heap", "heapdump",
                           "heapdumps", "out", "jvm", "tmp", "opt", "flink", "checkpoints", "cgroup", "sys", "fs",
                           "memory", "pids"})  # fmt: skip
_ENDINGS = re.compile(r"(?:\.\d+)?(?:\.current)?(?:\.(?:log|out|err|txt))?(?:\.\d+)?(?:\.current)?(?:\.gz)?$")
_SAME_START_S = 120
_ROLE_WORDS = {"taskmanager": re.compile(r"task|(?<![a-z])tm(?![a-z])"),
               "jobmanager": re.compile(r"job|standalonesession|(?<![a-z])jm(?![a-z])")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was recognised. ``group``: the folder that says whose it is, empty where none does."""

    path: Path
    kind: str
    group: str = ""


@dataclass(slots=True)
class JoinedProcess:
    """One process and its files. ``name`` is unique; ``role`` None where no file tells it."""

    name: str
    group: str
    files: list[Found] = field(default_factory=list)
    clues: Clues = field(default_factory=Clues)

    @property
    def role(self) -> str | None:
        """Task or job manager, from a start header."""
        return self.clues.role

    def take(self, unit: _Unit) -> None:
        """Adds the files and what they tell."""
        self.files += unit.files
        self.clues = joined((self.clues, unit.clues))

    def holds(self, kind: str) -> bool:
        """Whether a file of that kind is among its files."""
        return any(file.kind == kind for file in self.files)


@dataclass(frozen=True, slots=True)
class _Unit:
    """Files that surely belong together: a rotated set, or a log with the output of the same name."""

    stem: str
    group: str
    kind: str
    files: list[Found]
    clues: Clues


def join(files: Sequence[Found]) -> tuple[list[JoinedProcess], list[Found]]:
    """The processes, and the files of the whole case. Cost: the ends of each text, read once."""
    units = _units([f for f in files if f.kind not in SHARED_KINDS])
    shared = [f for f in files if f.kind in SHARED_KINDS]
    processes: list[JoinedProcess] = []
    for unit in sorted(units, key=_order):
        home = None if _makes_a_process(unit, processes) else _home_of(unit, processes)
        if home is None:
            home = JoinedProcess(_name_for(unit, processes), unit.group)
            processes.append(home)
        home.take(unit)
    return processes, [f for f in shared if not _give(f, processes)]


def group_of(folders: Sequence[str]) -> str:
    """The folder that names a process, of the folders above a file: the last that is not just ``log`` or ``conf``."""
    return "/".join(name for name in folders if name.lower() not in PLAIN_FOLDERS)


def _order(unit: _Unit) -> tuple[int, str, str]:
    """Flink logs first, those with a start header before others; then GC logs; then what only follows."""
    rank = {"flink_log": 0 if unit.clues.role else 2, "gc_log": 1}.get(unit.kind, 3)
    return rank, unit.group, unit.stem


def _makes_a_process(unit: _Unit, processes: Sequence[JoinedProcess]) -> bool:
    """A log with a start header is a process of its own, unless its header names one that is known."""
    if unit.kind != "flink_log" or unit.clues.role is None:
        return False
    return not any(p.clues.resource_id and p.clues.resource_id == unit.clues.resource_id for p in processes)


def _units(files: Sequence[Found]) -> list[_Unit]:
    sets: dict[tuple[str, str, str], list[Found]] = {}
    for file in files:
        family = "log" if file.kind in ("flink_log", "stdout") else file.kind
        sets.setdefault((file.group, family, _stem(file)), []).append(file)
    units = []
    for (group, _, stem), members in sets.items():
        kind = "flink_log" if any(f.kind == "flink_log" for f in members) else members[0].kind
        units.append(_Unit(stem, group, kind, members, joined(clues_of(f.path, f.kind) for f in members)))
    return units


def _stem(file: Found) -> str:
    if file.kind == "cgroup":
        return "control group"
    return _ENDINGS.sub("", file.path.name) or file.path.name


def _home_of(unit: _Unit, processes: Sequence[JoinedProcess]) -> JoinedProcess | None:
    """The process that the clues point to; None where they contradict or do not decide."""
    points = {id(p): _points(unit, p) for p in processes}
    free = [p for p in processes if points[id(p)] >= 0 and not _in_the_way(unit, p)]
    if len(processes) == 1 and free and (unit.group == free[0].group or not unit.group or not free[0].group):
        return free[0]
    best = max((points[id(p)] for p in free), default=0)
    chosen = [p for p in free if points[id(p)] == best]
    return chosen[0] if best > 0 and len(chosen) == 1 else None


def _points(unit: _Unit, process: JoinedProcess) -> int:
    """How strongly the clues say that they belong together; below 0: they do not."""
    mine, theirs = unit.clues, process.clues
    points = 0
    if mine.pids and theirs.pids:
        points += 8 if mine.pids & theirs.pids else -4
    if any(file.path.name in theirs.dumps for file in unit.files):
        points += 8
    if unit.kind in ("gc_log", "hs_err") and mine.max_heap_bytes and theirs.max_heap_bytes:
        points += 4 if _alike(mine.max_heap_bytes, theirs.max_heap_bytes) else -8
    if unit.group and process.group:
        points += 3 if unit.group == process.group else -3
    if theirs.role:
        points += _name_points(unit, theirs.role)
    if unit.kind == "heap_dump" and theirs.out_of_memory:
        points += 2
    return points + _time_points(mine, theirs)


def _name_points(unit: _Unit, role: str) -> int:
    """What a name like ``tm-gc.log`` says."""
    told = {name for name, words in _ROLE_WORDS.items() if words.search(unit.stem.lower())}
    return 0 if len(told) != 1 else 2 if role in told else -2


def _time_points(mine: Clues, theirs: Clues) -> int:
    if mine.begun_s is None or theirs.begun_s is None:
        return 0
    if abs(mine.begun_s - theirs.begun_s) <= _SAME_START_S:
        return 1
    ends = (mine.ended_s or mine.begun_s) + _SAME_START_S, (theirs.ended_s or theirs.begun_s) + _SAME_START_S
    return 0 if mine.begun_s <= ends[1] and theirs.begun_s <= ends[0] else -1


def _alike(one_bytes: int, other_bytes: int) -> bool:
    """Within 2 %: collectors round the heap up to their regions."""
    return abs(one_bytes - other_bytes) * 50 <= max(one_bytes, other_bytes)


def _in_the_way(unit: _Unit, process: JoinedProcess) -> bool:
    """A process writes one GC log at a time: another set of the same time, or of a time not known, is not its own."""
    if unit.kind != "gc_log" or not process.holds("gc_log"):
        return False
    mine, theirs = unit.clues, process.clues
    if mine.begun_s is None or mine.ended_s is None or theirs.begun_s is None or theirs.ended_s is None:
        return True
    return mine.begun_s <= theirs.ended_s and theirs.begun_s <= mine.ended_s


def _give(file: Found, processes: Sequence[JoinedProcess]) -> bool:
    """Whether a file of the whole case lies in the folder of one process, or there is only one, and so is its own."""
    own = [p for p in processes if file.group and p.group == file.group] or list(processes)
    if len(own) != 1 or (file.group and own[0].group and own[0].group != file.group):
        return False
    own[0].files.append(file)
    return True


def _name_for(unit: _Unit, processes: Sequence[JoinedProcess]) -> str:
    taken = {p.name for p in processes}
    last = unit.group.rsplit("/", 1)[-1]
    wanted = [last, unit.clues.resource_id, unit.stem, f"{last} {unit.stem}".strip()]
    free = (name for name in wanted if name and name not in taken)
    return next(free, f"{unit.stem} {len(taken) + 1}")
