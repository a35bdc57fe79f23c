"""Pods through the ``kubectl`` program of the user: their status, their logs, and commands run inside a container.

``kubectl`` has the user's own access (contexts, tokens, proxies), so flinkscope needs none. Files are read by
``exec … cat``, which needs no tar in the image as ``kubectl cp`` does and can go on where it was cut off. Nothing here
changes the cluster.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flinkscope.errors import SourceError, UnreadableInputError, UsageError

TIMEOUT_S = 60.0
_ATTEMPTS = 3
_POD_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_HINTS = (
    ("NotFound", "`kubectl get pods -A | grep flink` lists them; is the namespace right (-n)?"),
    ("Forbidden", "your account needs the rights to get pods, pods/log and to create pods/exec there"),
    ("executable file not found", "the image lacks that program; flinkscope needs sh and cat in it"),
    ("container not found", "the container is not running; its last log and status can still be had"),
    ("nable to connect", "is the cluster reachable, and is this the right context (kubectl config current-context)?"),
    ("was refused", "is the cluster reachable, and is this the right context (kubectl config current-context)?"),
)


class KubectlError(SourceError):
    """``kubectl`` refused, failed or did not answer. ``exit_status``: its own; None if it had to be ended."""

    def __init__(self, message: str, exit_status: int | None, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.exit_status = exit_status


@dataclass(frozen=True, slots=True)
class PodAddress:
    """A container of a pod; what is None is left to kubectl: its namespace, its context, the pod's first container."""

    pod: str
    namespace: str | None = None
    container: str | None = None
    context: str | None = None

    def __post_init__(self) -> None:
        """Refuses what kubectl might take for an option."""
        for word in (self.pod, self.namespace, self.container):
            if word is not None and not _POD_NAME.fullmatch(word):
                raise UsageError(f"{word!r} is not a name of Kubernetes", hint="small letters, digits, '-' and '.'")

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}" if self.namespace else self.pod


class Kubectl:
    """One container of one pod. Each method runs ``kubectl`` once, unless it says otherwise; may raise KubectlError."""

    def __init__(self, address: PodAddress, program: str = "kubectl") -> None:
        self.address = address
        found = shutil.which(program)
        if found is None:
            raise SourceError(f"{program} is not installed here", hint="install it, or run flinkscope inside the pod")
        scope = [f"--context={address.context}"] if address.context else []
        self._base = [found, *scope, *([f"--namespace={address.namespace}"] if address.namespace else [])]
        self._container = [f"--container={address.container}"] if address.container else []

    def pod(self) -> dict[str, Any]:
        """The pod as Kubernetes describes it: spec and status."""
        data = self._run(["get", "pod", self.address.pod, "--output=json"])
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise UnreadableInputError(f"kubectl get pod {self.address}: not JSON: {data[:80]!r}") from error
        if not isinstance(document, dict) or document.get("kind") != "Pod":
            raise UnreadableInputError(f"kubectl get pod {self.address}: expected a Pod, found {str(document)[:80]}")
        return document

    def logs(self, *, previous: bool = False, most_bytes: int = 64 << 20) -> bytes:
        """What the container printed; ``previous``: the one that ended before it."""
        words = ["logs", self.address.pod, *self._container, f"--limit-bytes={most_bytes}"]
        return self._run([*words, *(["--previous"] if previous else [])])

    def run(self, *command: str, stdin: bytes | None = None, timeout_s: float = TIMEOUT_S) -> bytes:
        """Runs a command in the container; what it prints. A status other than 0 raises KubectlError."""
        return self._run(self._exec(command, stdin is not None), stdin=stdin, timeout_s=timeout_s)

    def shell(self, script: str, *words: str, timeout_s: float = TIMEOUT_S) -> bytes:
        """Runs a script of the container's own ``sh``; ``words`` are its ``$1``, ``$2`` …, so nothing needs quoting."""
        return self.run("sh", "-c", script, "flinkscope", *words, timeout_s=timeout_s)

    def fetch(self, path: str, destination: Path, *, timeout_s: float = 3600.0) -> int:
        """Copies a file of the container to ``destination``; its size in bytes.

        Goes on from what is there already, and up to three times when the connection breaks. The size is checked.
        """
        expected = int(self.shell('wc -c < "$1"', path).strip() or b"0")
        for attempt in range(_ATTEMPTS):
            have = destination.stat().st_size if destination.exists() else 0
            if have >= expected:
                break
            with destination.open("ab") as target:
                command = self._exec(("tail", "-c", f"+{have + 1}", path), with_stdin=False)
                done = self._start(command, target, timeout_s)
            if done.returncode and attempt == _ATTEMPTS - 1:
                raise _failed(command, done.returncode, done.stderr)
        found = destination.stat().st_size if destination.exists() else 0
        if found < expected:
            raise KubectlError(f"{path}: {found:,} of {expected:,} bytes came", None, hint="run it again: it goes on")
        return found

    def _exec(self, command: Sequence[str], with_stdin: bool) -> list[str]:
        return ["exec", *(["--stdin"] if with_stdin else []), self.address.pod, *self._container, "--", *command]

    def _start(self, words: Sequence[str], target: Any, timeout_s: float) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                [*self._base, *words], stdin=subprocess.DEVNULL, stdout=target, stderr=subprocess.PIPE,
                timeout=timeout_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"kubectl {words[0]}: not done after {timeout_s:.0f} s", None) from error

    def _run(self, words: Sequence[str], *, stdin: bytes | None = None, timeout_s: float = TIMEOUT_S) -> bytes:
        try:
            done = subprocess.run(
                [*self._base, *words], input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True, timeout=timeout_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise KubectlError(
                f"kubectl {words[0]} {self.address}: no answer in {timeout_s:.0f} s", None,
                hint="is the cluster reachable, and the node alive?",
            ) from error  # fmt: skip
        if done.returncode:
            raise _failed(words, done.returncode, done.stderr)
        return done.stdout


def pods_by_label(selector: str, namespace: str | None = None, context: str | None = None) -> list[PodAddress]:
    """The running pods that carry the labels (``app=flink,component=taskmanager``), by name."""
    if selector.startswith("-"):
        raise UsageError(f"{selector!r} is not a label selector", hint="app=flink,component=taskmanager")
    listing = Kubectl(PodAddress("any", namespace, None, context))
    running = "--field-selector=status.phase=Running"
    data = listing._run(["get", "pods", f"--selector={selector}", running, "--output=name"])
    names = [line.removeprefix("pod/") for line in data.decode("utf-8", "replace").split()]
    return [PodAddress(name, namespace, None, context) for name in sorted(names)]


def _failed(words: Sequence[str], status: int, stderr: bytes) -> KubectlError:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = " ".join(lines[-2:])[:400] or f"exit status {status}"
    hint = next((hint for mark, hint in _HINTS if mark in said), "")
    return KubectlError(f"kubectl {words[0]}: {said}", status, hint=hint)
