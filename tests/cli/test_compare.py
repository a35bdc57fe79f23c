"""``compare`` as a gate: what its exit code says, by --fail-on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli
from flinkscope.report import build_report, write_report
from report_support.incident import diagnosis, healthy


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    write_report(build_report(diagnosis()), tmp_path / "ill.json")
    write_report(build_report(healthy()), tmp_path / "well.json")
    return tmp_path


@pytest.mark.parametrize(
    ("before", "after", "fail_on", "code"),
    [
        ("ill", "ill", "not-cured", 1),
        ("ill", "ill", "not-better", 1),
        ("ill", "ill", "came", 0),
        ("ill", "ill", "never", 0),
        ("ill", "well", "not-cured", 0),
        ("ill", "well", "came", 0),
        ("well", "ill", "came", 1),
        ("well", "ill", "never", 0),
        ("well", "well", "not-better", 1),
        ("well", "well", "came", 0),
    ],
)
def test_exit_code(saved: Path, before: str, after: str, fail_on: str, code: int) -> None:
    words = ["compare", str(saved / f"{before}.json"), str(saved / f"{after}.json"), "--fail-on", fail_on]
    assert CliRunner().invoke(cli, words, standalone_mode=False).return_value == code


def test_what_came_is_named_with_its_title(saved: Path) -> None:
    words = ["compare", str(saved / "well.json"), str(saved / "ill.json"), "--json"]
    document = json.loads(CliRunner().invoke(cli, words, standalone_mode=False).stdout)
    assert document["verdict"] == "cannot_tell"
    assert document["came"] == ["R01", "R02", "R10"]
    assert {row["rule"] for row in document["titles"]} == set(document["came"])
    assert "newly there: R01, R02, R10" in document["reasons"]
