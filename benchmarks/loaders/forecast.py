"""Lets JobManagers die of metaspace and holds the forecast, made half-way, against the submission that failed.

    python benchmarks/loaders/forecast.py --out benchmarks/results/metaspace_forecast.json

Real Flink from the wheels; each run is one of the lab's (`flinkscope lab run jm-metaspace`), two minutes on an idle
machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from flinkscope.lab.incidents import jm_metaspace
from flinkscope.lab.incidents.jm_metaspace import Plan

PLANS = {
    "hook, 2,600 classes, 128 MB": Plan(submissions=20),
    "thread, 1,500 classes, 128 MB": Plan(pins=("thread",), ballast=1500, submissions=30),
    "driver and MBean, 4,000 classes, 160 MB": Plan(("jdbc", "mbean"), ballast=4000, metaspace="160m", submissions=20),
}


def measure(plan: Plan) -> dict[str, Any]:
    """One run to the end."""
    with tempfile.TemporaryDirectory() as folder:
        done = jm_metaspace.run(plan, Path(folder) / "case")
    taken = len(done.submissions)
    return {
        "outcome": done.outcome, "taken": taken, "forecast_after": done.forecast_at, "forecast": done.predicted,
        "off_by": None if done.predicted is None else done.predicted - taken, "leaked_loaders": done.leaked,
    }  # fmt: skip


def main() -> None:
    """Runs all plans and writes the results after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    for name, plan in PLANS.items():
        results[name] = measure(plan)
        print(name, results[name], flush=True)
        options.out.write_text(json.dumps({"flink": plan.flink, "java": plan.java, "runs": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
