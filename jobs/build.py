"""Builds the jars of the lab, the daily-UV job and the lens with Maven and puts them, with checksums, in their places.

    python jobs/build.py [JAR …]            build and install into src/flinkscope/lab/jobs (of the lens: tests/corpus)
    python jobs/build.py --check [JAR …]    build and compare with what is there: exit 1 when the bytes differ

Needs a JDK 17 (javac's output differs between releases; other jobs need none) and Maven.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

JOBS = Path(__file__).resolve().parent
INSTALLED = JOBS.parent / "src" / "flinkscope" / "lab" / "jobs"
PROJECTS = {"flinkscope-jobs.jar": JOBS, "flinkscope-pins.jar": JOBS / "pins", "flinkscope-uv.jar": JOBS / "uv",
            "flinkscope-lens.jar": JOBS / "lens"}  # fmt: skip
ELSEWHERE = {"flinkscope-lens.jar": JOBS.parent / "tests" / "corpus" / "lens"}  # only the tests need it


def build(name: str, folder: Path) -> Path:
    """Builds a copy of the jar's sources in ``folder``, so that no old class is in it; the jar's path."""
    project = PROJECTS[name]
    shutil.copyfile(project / "pom.xml", folder / "pom.xml")
    shutil.copytree(project / "src", folder / "src")
    subprocess.run(["mvn", "-q", "-B", "package"], cwd=folder, check=True)
    return folder / "target" / name


def digest(path: Path) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Builds all jars, or those named, then installs or compares."""
    words = sys.argv[1:]
    names = [word for word in words if word != "--check"] or list(PROJECTS)
    good = True
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            jar, installed = build(name, Path(folder)), ELSEWHERE.get(name, INSTALLED) / name
            if "--check" in words:
                same = jar.read_bytes() == installed.read_bytes()
                good = good and same
                print(f"{name}: {'the same bytes' if same else 'DIFFERENT'} (built {digest(jar)})")
                continue
            shutil.copyfile(jar, installed)
            installed.with_suffix(".jar.sha256").write_text(f"{digest(jar)}  {name}\n", encoding="utf-8")
            print(f"{installed}: {digest(jar)}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
