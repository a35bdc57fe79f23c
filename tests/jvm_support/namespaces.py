"""A JVM in its own pid, mount and user namespace with a private /tmp, as in a container."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flinkscope.sources.process import java_processes
from jvm_support.java_runtimes import TARGET_JAR, java_home

_UNSHARE = ["unshare", "--map-root-user", "--user", "--pid", "--mount", "--fork", "--mount-proc"]


def require_namespaces() -> None:
    """Skips the test, with the kernel's reason, where namespaces cannot be made."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare(1) here")
    done = subprocess.run([*_UNSHARE, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the kernel forbids namespaces: {done.stderr.strip()}")


@contextmanager
def isolated_target(*mode: str) -> Iterator[int]:
    """The pid, as seen from here, of a JVM whose own pid is 1; it ends with the block."""
    require_namespaces()
    binds = f"mount --bind {java_home(17)} /mnt && mount --bind {TARGET_JAR.parent} /media"  # /tmp may hold both
    known = {process.pid for process in java_processes()}
    command = f"/mnt/bin/java -Xmx64m -XX:+UseSerialGC -jar /media/{TARGET_JAR.name} {' '.join(mode)}"
    inside = f"{binds} && mount -t tmpfs none /tmp && exec {command}"
    process = subprocess.Popen(
        [*_UNSHARE, "sh", "-c", inside],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "ready"
        found = [p.pid for p in java_processes() if p.pid not in known and not p.same_namespaces]
        assert len(found) == 1
        yield found[0]
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        time.sleep(0.05)
