"""A real Flink session cluster on loopback, in a private folder, gone when the ``with`` block or this process ends.

with Cluster({"taskmanager.memory.process.size": "1216m"}) as cluster:
    job_id = cluster.submit(jar, "flinkscope.lab.uv.DailyUv", ["--events", "1000"])
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from flinkscope.errors import LabError
from flinkscope.lab import launch, watchdog
from flinkscope.lab.rest import Rest
from flinkscope.lab.wheels import FlinkHome, JavaHome, cache_root, flink_home, java_home
from flinkscope.progress import SILENT, Progress

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 8.0
_PORT_ATTEMPTS = 3


@dataclass(slots=True)
class FlinkProcess:
    """One JVM of the cluster. ``ended_at`` is set by ``Cluster.poll`` or ``stop``."""

    id: str
    role: str
    command: tuple[str, ...]
    log: Path
    out: Path
    popen: subprocess.Popen[bytes]
    started_at: str
    ended_at: str | None = None

    @property
    def pid(self) -> int:
        """Its process id, also the id of its process group."""
        return self.popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that killed it."""
        code = self.popen.poll()
        if code is not None and self.ended_at is None:
            self.ended_at = _now()
        return code


@dataclass(slots=True)
class Cluster:
    """A JobManager and ``task_managers`` TaskManagers of one Flink and Java version; enter it to start them.

    ``config`` are Flink options; addresses, ports and folders are set by the cluster and must not be in it.
    ``application``: application mode, the JobManager is that job's alone and ends with it; else a session.
    """

    config: Mapping[str, str] = field(default_factory=dict)
    task_managers: int = 1
    flink: FlinkHome | None = None
    java: JavaHome | None = None
    progress: Progress = SILENT
    application: launch.Application | None = None
    folder: Path = field(init=False, default=Path())
    config_path: Path = field(init=False, default=Path())
    processes: list[FlinkProcess] = field(init=False, default_factory=list)
    rest: Rest = field(init=False, default_factory=lambda: Rest(""))
    _lib: Path = field(init=False, default=Path())
    _watchdog: subprocess.Popen[bytes] | None = field(init=False, default=None)
    _flags: dict[str, tuple[list[str], list[str]]] = field(init=False, default_factory=dict)

    def __enter__(self) -> Cluster:
        """Starts everything; raises LabError with the log's tail when the cluster does not come up."""
        self._homes()
        self.folder = new_run_folder()
        try:
            self._watchdog = _start_watchdog(self.folder)
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops everything and removes the folder."""
        self.stop()

    @property
    def rest_url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return self.rest.url

    @property
    def flink_version(self) -> str:
        """The version of the Flink that it runs."""
        return self._homes()[0].version

    @property
    def java_version(self) -> str:
        """The version of the Java that it runs on."""
        return self._homes()[1].version

    @property
    def job_manager(self) -> FlinkProcess:
        """The JobManager's process."""
        return next(p for p in self.processes if p.role == launch.JOBMANAGER)

    @property
    def workers(self) -> list[FlinkProcess]:
        """The TaskManagers' processes."""
        return [p for p in self.processes if p.role == launch.TASKMANAGER]

    def submit(self, jar: Path, entry_class: str, args: Sequence[str], parallelism: int | None = None) -> str:
        """Uploads the jar and runs its main(); the job's id."""
        return self.rest.run(self.rest.upload(jar), entry_class, args, parallelism)

    def replace_dead_workers(self) -> list[FlinkProcess]:
        """Starts a TaskManager for each that has ended and has not been replaced; it joins by itself in seconds."""
        alive = [worker for worker in self.workers if worker.exit_code is None]
        first = len(self.workers)
        for number in range(first, first + self.task_managers - len(alive)):
            self._launch(launch.TASKMANAGER, number, self._flags[launch.TASKMANAGER], {**_DEFAULTS, **self.config})
        return self.workers[first:]

    def stop(self) -> None:
        """Ends all processes and removes the folder. Safe to call twice."""
        self.end_processes()
        if self._watchdog is not None and self._watchdog.stdin is not None:
            with suppress(BrokenPipeError):
                self._watchdog.stdin.close()  # the watchdog removes the folder, also when we are killed here
            self._watchdog.wait()
            self._watchdog = None
            shutil.rmtree(self.folder, ignore_errors=True)

    def end_processes(self) -> None:
        """Ends all processes (SIGTERM, then SIGKILL) and keeps the folder with their logs."""
        for process in self.processes:
            if process.exit_code is None:
                _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in self.processes:
            try:
                process.popen.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.popen.wait()
            process.ended_at = process.ended_at or _now()
        self._tell_watchdog(b"".join(b"forget %d\n" % p.pid for p in self.processes))

    def _start(self) -> None:
        for attempt in range(_PORT_ATTEMPTS):
            try:
                self._start_on_free_ports()
                return
            except LabError as error:
                taken = "BindException" in str(error) or "Address already in use" in str(error)
                if not taken or attempt == _PORT_ATTEMPTS - 1:
                    raise
                self._kill_all()

    def _start_on_free_ports(self) -> None:
        flink, java = self._homes()
        rpc_port, rest_port = _free_ports(2)
        conf = self.folder / "conf"
        full = {**_DEFAULTS, **self.config, **_addresses(self.folder, rpc_port, rest_port, flink)}
        self.config_path = launch.write_conf(conf, full, flink)
        self.rest = Rest(f"http://127.0.0.1:{rest_port}")
        self._lib = (
            self.application.install(self.folder / f"home-{rest_port}") if self.application else flink.path / "lib"
        )
        self.progress.phase(f"starting Flink {flink.version} on Java {java.version}")
        with ThreadPoolExecutor(2) as pool:
            roles = (launch.JOBMANAGER, launch.TASKMANAGER)
            found = list(pool.map(lambda role: launch.resource_flags(role, flink, java, conf), roles))
        flags = self._flags = dict(zip(roles, found, strict=True))
        self._launch(launch.JOBMANAGER, 0, flags[launch.JOBMANAGER], full)
        for number in range(self.task_managers):
            self._launch(launch.TASKMANAGER, number, flags[launch.TASKMANAGER], full)
        self._wait_until_up()

    def _launch(self, role: str, number: int, flags: tuple[list[str], list[str]], config: Mapping[str, str]) -> None:
        flink, java = self._homes()
        name = f"{role}-{number}"
        log, out = self.folder / "log" / f"{name}.log", self.folder / "log" / f"{name}.out"
        options = launch.java_options(role, config)
        conf = self.config_path.parent
        command = launch.command_line(role, flink, java, conf, log, flags, options, self.application)
        with out.open("wb") as stream:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, "FLINK_CONF_DIR": str(conf), "FLINK_LIB_DIR": str(self._lib)},
                process_group=0,
            )
        self.processes.append(FlinkProcess(name, role, tuple(command), log, out, popen, _now()))
        self._tell_watchdog(b"watch %d\n" % popen.pid)

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.application is not None and self.job_manager.exit_code == 0:
                return  # a short job is done already
            for process in self.processes:
                if process.exit_code is not None:
                    raise LabError(f"{process.id} ended with code {process.exit_code}: {_tail(process)}")
            if self._registered() >= self.task_managers:
                return
            time.sleep(0.25)
        raise LabError(
            f"Flink did not come up in {START_TIMEOUT_S:.0f} s: {_tail(self.job_manager)}",
            hint="is the machine very busy? try again",
        )

    def _registered(self) -> int:
        """TaskManagers that our JobManager knows; -1 until it answers. Another's JobManager on the port is an error."""
        try:
            overview = self.rest.get("/overview")
            entries = self.rest.get("/jobmanager/config")
        except LabError:
            return -1
        if {e["key"]: e["value"] for e in entries}.get("io.tmp.dirs") != str(self.folder / "tmp"):
            raise LabError(f"{self.rest_url}: another JobManager answers (Address already in use)")
        return int(overview["taskmanagers"])

    def _homes(self) -> tuple[FlinkHome, JavaHome]:
        self.flink = self.flink or flink_home(progress=self.progress)
        self.java = self.java or java_home(progress=self.progress)
        return self.flink, self.java

    def _tell_watchdog(self, lines: bytes) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            with suppress(BrokenPipeError):  # someone killed it: we still end our processes ourselves
                self._watchdog.stdin.write(lines)
                self._watchdog.stdin.flush()

    def _kill_all(self) -> None:
        for process in self.processes:
            _signal(process, signal.SIGKILL)
            process.popen.wait()
        self.processes.clear()


_DEFAULTS = {
    "jobmanager.memory.process.size": "1024m",
    "taskmanager.memory.process.size": "1728m",
    "state.backend.type": "hashmap",
}


def new_run_folder() -> Path:
    """A new private folder below the cache for one cluster, with the marker that lets the watchdog remove it."""
    base = cache_root() / "lab"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=base, prefix="run-"))
    (folder / watchdog.MARKER).write_text(f"{os.getpid()}\n", encoding="utf-8")
    for name in ("log", "tmp", "dumps", "checkpoints", "conf"):
        (folder / name).mkdir()
    return folder


def abandoned_run_folders() -> list[Path]:
    """Run folders whose owner is gone: what a killed machine leaves behind; ``lab clean`` removes them."""
    found = []
    for marker in (cache_root() / "lab").glob(f"run-*/{watchdog.MARKER}"):
        try:
            os.kill(int(marker.read_text(encoding="utf-8")), 0)
        except (ProcessLookupError, ValueError):
            found.append(marker.parent)
        except PermissionError:
            continue
    return found


def remove_run_folder(folder: Path) -> None:
    """Removes a folder made by ``new_run_folder``; refuses any other."""
    if not (folder / watchdog.MARKER).is_file():
        raise LabError(f"{folder}: not a folder of the lab")
    shutil.rmtree(folder)


def _addresses(folder: Path, rpc_port: int, rest_port: int, flink: FlinkHome) -> dict[str, str]:
    checkpoints = "execution.checkpointing.dir" if flink.release >= (1, 20) else "state.checkpoints.dir"
    loopback = dict.fromkeys(
        (
            "jobmanager.rpc.address",
            "jobmanager.bind-host",
            "rest.address",
            "rest.bind-address",
            "taskmanager.host",
            "taskmanager.bind-host",
        ),
        "127.0.0.1",
    )
    return {
        **loopback,
        "jobmanager.rpc.port": str(rpc_port),
        "rest.port": str(rest_port),
        "rest.bind-port": str(rest_port),
        "io.tmp.dirs": str(folder / "tmp"),
        "web.upload.dir": str(folder / "tmp"),
        checkpoints: (folder / "checkpoints").as_uri(),
    }


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago; all are held until the last is found, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [int(held.getsockname()[1]) for held in sockets]
    finally:
        for held in sockets:
            held.close()


def _start_watchdog(folder: Path) -> subprocess.Popen[bytes]:
    script = str(Path(watchdog.__file__))
    popen = subprocess.Popen(
        [sys.executable, "-I", "-S", script], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    assert popen.stdin is not None
    popen.stdin.write(f"folder {folder}\n".encode())
    popen.stdin.flush()
    return popen


def _signal(process: FlinkProcess, number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _tail(process: FlinkProcess, lines: int = 6) -> str:
    text = ""
    for path in (process.log, process.out):
        if path.is_file():
            text += path.read_text(encoding="utf-8", errors="replace")[-40_000:]
    interesting = [line for line in text.splitlines() if "Exception" in line or "Error" in line or "ERROR" in line]
    told = interesting or text.splitlines()
    first = told[: lines // 2] if len(told) > lines else []  # the cause comes first, what fails of it last
    return " | ".join([*first, *told[-(lines - len(first)) :]]) or "no log"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
