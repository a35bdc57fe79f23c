"""Builds the lab's jar with Maven and puts it, with its checksum, into the Python package.

    python jobs/build.py            build and install into src/flinkscope/lab/jobs
    python jobs/build.py --check    build and compare with what is there: exit 1 when the bytes differ

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
INSTALLED = JOBS.parent / "src" / "flinkscope" / "lab" / "jobs" / "flinkscope-jobs.jar"


def build(folder: Path) -> Path:
    """Builds a copy of the sources in ``folder``, so that no old class is in the jar; the jar's path."""
    shutil.copyfile(JOBS / "pom.xml", folder / "pom.xml")
    shutil.copytree(JOBS / "src", folder / "src")
    subprocess.run(["mvn", "-q", "-B", "package"], cwd=folder, check=True)
    return folder / "target" / "flinkscope-jobs.jar"


def digest(path: Path) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Builds, then installs or compares."""
    with tempfile.TemporaryDirectory() as name:
        jar = build(Path(name))
        if "--check" in sys.argv[1:]:
            same = jar.read_bytes() == INSTALLED.read_bytes()
            print(f"{INSTALLED.name}: {'the same bytes' if same else 'DIFFERENT'} (built {digest(jar)})")
            return 0 if same else 1
        shutil.copyfile(jar, INSTALLED)
        INSTALLED.with_suffix(".jar.sha256").write_text(f"{digest(jar)}  {INSTALLED.name}\n", encoding="utf-8")
        print(f"{INSTALLED}: {digest(jar)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
