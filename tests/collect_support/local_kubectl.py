"""A stand-in for ``kubectl``: a program that runs the commands in the namespaces of a process of this machine."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

_PROGRAM = """#!{python}
import json, os, subprocess, sys
words = [w for w in sys.argv[1:] if not w.startswith(("--namespace=", "--context=", "--container="))]
open({journal!r}, "a").write(json.dumps(sys.argv[1:]) + "\\n")
verb, words = words[0], words[1:]
if verb == "get" and words[0] == "pods":
    print("pod/tm-1")
elif words[0] != "tm-1" and not (verb in ("get", "exec") and "tm-1" in words[:2]):
    sys.exit('Error from server (NotFound): pods "%s" not found' % words[-1])
elif verb == "get":
    print(open({status!r}).read())
elif verb == "logs":
    if "--previous" in words:
        sys.exit("Error from server (BadRequest): previous terminated container not found")
    print("Terminating due to java.lang.OutOfMemoryError: Java heap space")
elif verb == "exec":
    command = words[words.index("--") + 1 :]
    if {pid} == 0:
        sys.exit("error: container not found")
    enter = ["nsenter", "--target", "{pid}", "--user", "--preserve-credentials", "--mount", "--pid", "--"]
    piped = None if "--stdin" in words else subprocess.DEVNULL
    sys.exit(subprocess.run([*enter, *command], stdin=piped).returncode)
"""


def install_kubectl(folder: Path, pid: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts the stand-in in front of the path; its pod ``tm-1`` is the process ``pid`` (0: it runs no container).

    Returns the file in which each call is noted as a line of JSON.
    """
    status = {"kind": "Pod", "metadata": {"name": "tm-1", "namespace": "flink", "uid": "u1",
              "labels": {"component": "taskmanager"}, "managedFields": ["long"]},
              "spec": {"containers": [{"name": "flink-main-container", "image": "flink:2.3.0",
                       "env": [{"name": "S3_SECRET_KEY", "value": "geheim"}],
                       "resources": {"limits": {"memory": "1728Mi"}}}]},
              "status": {"phase": "Running", "containerStatuses": [{
                  "name": "flink-main-container", "restartCount": 1, "state": {"running": {}},
                  "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}}  # fmt: skip
    (folder / "pod.json").write_text(json.dumps(status))
    program, journal = folder / "bin" / "kubectl", folder / "kubectl.jsonl"
    program.parent.mkdir()
    text = _PROGRAM.format(python=sys.executable, journal=str(journal), status=str(folder / "pod.json"), pid=pid)
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return journal
