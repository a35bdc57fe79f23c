"""The report as JSON: deterministic, whole numbers only, fits its schema, comes back as it was."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.errors import SourceError, UnreadableInputError
from flinkscope.report import build_report, compare, read_report, render, render_comparison, render_json, write_report
from flinkscope.report.json_report import is_report, parse_report
from flinkscope.report.schema import schema_text
from report_support.hostile import hostile, hostile_diagnosis
from report_support.incident import diagnosis, healthy
from report_support.schema_check import misfits

INCIDENT = render_json(build_report(diagnosis()))


def test_comes_back_as_it_was() -> None:
    for made in (diagnosis(), healthy(), hostile_diagnosis()):
        report = build_report(made)
        assert parse_report(render_json(report)) == report


def test_same_report_same_bytes() -> None:
    assert render_json(build_report(diagnosis())) == render_json(build_report(diagnosis()))


def test_no_floats_anywhere() -> None:
    def refuse(text: str) -> Any:
        raise AssertionError(f"a float in the report: {text}")

    json.loads(render_json(build_report(diagnosis())), parse_float=refuse, parse_constant=refuse)


def test_committed_schema_is_that_of_the_model() -> None:
    committed = (files("flinkscope.report") / "schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "make it anew: python -m flinkscope.report.schema > …/schema.json"


@pytest.mark.parametrize("made", [diagnosis, healthy, hostile_diagnosis])
def test_fits_the_schema(made: Any) -> None:
    schema = json.loads(schema_text())
    document = json.loads(render_json(build_report(made())))
    assert list(misfits(document, schema, schema)) == []


def test_checker_sees_a_misfit() -> None:
    schema = json.loads(schema_text())
    document = json.loads(render_json(build_report(diagnosis())))
    document["findings"][0]["severity"] = "terrible"
    document["findings"][1]["certainty_bp"] = 0.5
    del document["story"]["headline"]
    assert len(list(misfits(document, schema, schema))) == 3


def test_names_that_programs_read() -> None:
    document = json.loads(render_json(build_report(diagnosis())))
    assert document["root_cause"] == "R02"
    first = document["findings"][0]
    names = {"rule", "title", "severity", "certainty_bp", "verdict", "evidence", "remedies", "explains"}
    assert names <= set(first)
    assert first["rule"] == "R02"
    assert first["explains"] == ["R01", "R10"]
    assert [r["rule"] for r in document["not_evaluated"]] == ["R20"]
    assert document["not_evaluated"][0]["commands"] == ["flinkscope collect --nmt PID"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda d: d.update(version=99), "version 99"),
        (lambda d: d.update(format="other"), "'other'"),
        (lambda d: d.pop("story"), "story"),
        (lambda d: d["findings"][1].update(severity="terrible"), "findings[1].severity"),
        (lambda d: d["processes"][0]["figures"][2].update(value=True), "processes[0].figures[2].value"),
        (lambda d: d.update(artifacts={}), "artifacts"),
    ],
)
def test_misfit_is_refused_with_its_spot(change: Any, where: str) -> None:
    document = json.loads(render_json(build_report(diagnosis())))
    change(document)
    with pytest.raises(UnreadableInputError) as refused:
        parse_report(json.dumps(document))
    assert where in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"\xff\xfe\x00", b'"x"', b"[" * 200_000, b"JAVA PROFILE 1.0.2\0"]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(UnreadableInputError) as refused:
        read_report(path)
    assert str(path) in refused.value.message
    assert not is_report(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(SourceError):
            read_report(path)


def test_written_file_is_recognised_and_read(tmp_path: Path) -> None:
    report = build_report(diagnosis())
    path = tmp_path / "sub" / "report.json"
    write_report(report, path)
    assert is_report(path)
    assert read_report(path) == report
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]


LEAVES = st.sampled_from([None, -1, 0, 1 << 63, 1 << 64, 10**400, "", "x", "\x1b", [], [1], {}, True, 1.5])


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_edit_is_refused_or_renders(data: st.DataObject) -> None:
    document = json.loads(INCIDENT)
    spot: Any = document
    for _ in range(12):
        keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        inner = spot[key]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.integers(0, 5)) == 0:
            spot[key] = data.draw(LEAVES)
            break
        spot = inner
    try:
        report = parse_report(json.dumps(document))
    except UnreadableInputError:
        return
    for form in ("terminal", "html", "json", "markdown"):
        assert render(report, form)
    assert render_comparison(compare(report, report), "html")


def test_hand_made_text_is_made_harmless() -> None:
    again = parse_report(render_json(hostile(build_report(diagnosis()))).replace("\\ud800", ""))
    assert "\x1b" not in again.story.headline + "".join(again.story.what) + "".join(again.story.why)
    assert max(map(len, again.story.what)) <= 6000
