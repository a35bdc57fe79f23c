"""The wheel and the sdist: built from the tree, installed into an empty environment, used without a checkout."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from strategies.java_heap import JavaHeap, hash_map, with_collections

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the sdist; the wheel is built from the sdist, as an index would."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that holds only this wheel; its dependencies come from the running one."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
    wheel = next(built.glob("*.whl"))
    command = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "-q", "--no-deps"]
    subprocess.run([*command, "--no-index", str(wheel)], check=True, capture_output=True)
    others = [path for path in sysconfig.get_paths().values() if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(dict.fromkeys(others)) + "\n")
    return home / "bin" / "flinkscope"


def run(command: Path, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs it far from the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(command), *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_what_runs_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(name for name in names if name.endswith("METADATA"))).decode()
        for jar in [name for name in names if name.endswith(".jar")]:
            told = wheel.read(f"{jar}.sha256").decode().split()[0]
            assert hashlib.sha256(wheel.read(jar)).hexdigest() == told, jar
    assert {name.split("/")[0].split("-")[0] for name in names} == {"flinkscope"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".orig", ".rej", ".hprof"))]
    assert {"flinkscope/py.typed", "flinkscope/lab/jobs/flinkscope-jobs.jar"} <= set(names)
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata


def test_the_sdist_holds_what_a_packager_needs(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    for wanted in ("README.md", "CHANGELOG.md", "LICENSE", "NOTICE", "SECURITY.md", "Makefile", "pyproject.toml",
                   "jobs/pom.xml", "jobs/build.py", "tests/packaging/test_wheel.py", "docs/index.md"):  # fmt: skip
        assert wanted in names, wanted


def test_an_installed_wheel_works_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(installed.with_name("python"), "-c", "import flinkscope; print(flinkscope.__file__)", folder=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parents[1])
    assert run(installed, "--version", folder=tmp_path).stdout.startswith("flinkscope, version")
    assert "R02" in run(installed, "rules", folder=tmp_path).stdout
    split = run(installed, "memory", "taskmanager.memory.process.size=1728m", "--json", folder=tmp_path)
    assert json.loads(split.stdout)["heap_bytes"] == 536_870_902


def test_an_installed_wheel_reads_dumps_and_logs(installed: Path, tmp_path: Path) -> None:
    dump = tmp_path / "heap.hprof"
    heap = JavaHeap()
    with_collections(heap)
    heap.root(hash_map(heap, [], 16))
    dump.write_bytes(heap.dump.to_bytes())
    done = run(installed, "heap", "histogram", str(dump), "--json", folder=tmp_path)
    assert "java.util.HashMap" in done.stdout, done.stderr
    log = next((ROOT / "tests" / "corpus" / "gclog").rglob("*.log"))
    assert run(installed, "gc", str(log), "--json", folder=tmp_path).returncode in (0, 1)
    assert run(installed, "diagnose", str(log), folder=tmp_path).returncode in (0, 1)
    assert run(installed, "lab", "list", folder=tmp_path).returncode == 0
