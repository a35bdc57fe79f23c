"""The shipped jars: their checksums, their bytecode, and that the sources build them again byte for byte."""

from __future__ import annotations

import hashlib
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from flinkscope.lab.incidents import jm_metaspace, uv_heap

ROOT = Path(__file__).resolve().parents[2]
JAVA_11 = 55
JARS = {uv_heap.JAR: uv_heap.ENTRY_CLASS, jm_metaspace.JAR: jm_metaspace.ENTRY_CLASS}
each_jar = pytest.mark.parametrize("jar_path", JARS, ids=lambda path: path.stem)


@each_jar
def test_the_checksum_is_the_jar_s(jar_path: Path) -> None:
    told = jar_path.with_suffix(".jar.sha256").read_text(encoding="utf-8").split()
    assert told == [hashlib.sha256(jar_path.read_bytes()).hexdigest(), jar_path.name]


@each_jar
def test_every_class_runs_on_java_11_and_no_flink_class_is_inside(jar_path: Path) -> None:
    with zipfile.ZipFile(jar_path) as jar:
        names = jar.namelist()
        assert JARS[jar_path].replace(".", "/") + ".class" in names
        assert not [n for n in names if n.startswith("org/apache/")]
        for name in (n for n in names if n.endswith(".class")):
            magic, _, major = struct.unpack(">IHH", jar.read(name)[:8])
            assert magic == 0xCAFEBABE
            assert major <= JAVA_11, name


@each_jar
def test_nothing_of_the_build_machine_is_inside(jar_path: Path) -> None:
    with zipfile.ZipFile(jar_path) as jar:
        ours = [info for info in jar.infolist() if info.filename.startswith(("flinkscope/", "META-INF/MANIFEST"))]
        assert {info.date_time for info in ours} == {(2026, 1, 1, 0, 0, 0)}
        manifest = jar.read("META-INF/MANIFEST.MF").decode()
    assert "Build-Jdk" not in manifest
    assert "Built-By" not in manifest


@pytest.mark.heavy
def test_the_sources_build_the_same_bytes() -> None:
    if shutil.which("mvn") is None or shutil.which("javac") is None:
        pytest.skip("needs Maven and a JDK 17")
    version = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=True)
    if not re.match(r"javac 17\.", version.stdout or version.stderr):
        pytest.skip("the jar is built with javac 17; other releases write other bytes")
    done = subprocess.run(
        [sys.executable, str(ROOT / "jobs" / "build.py"), "--check"], capture_output=True, text=True, check=False
    )
    if "Could not transfer artifact" in done.stdout + done.stderr:
        pytest.skip("Maven Central cannot be reached")
    assert done.returncode == 0, done.stdout + done.stderr
