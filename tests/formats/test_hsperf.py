"""hsperfdata: whole files, both byte orders, and files that lie."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flinkscope.errors import FormatError
from flinkscope.formats.hsperf import Unit, parse_hsperf

RECORDED = sorted((Path(__file__).parents[1] / "corpus/jvm/hsperf").glob("*.hsperf.gz"))
WHOLE = gzip.decompress(RECORDED[0].read_bytes())


def perf_file(counters: dict[str, int | str], order: str = "<") -> bytes:
    """An hsperfdata file as HotSpot lays it out."""
    body = b""
    for name, value in counters.items():
        raw_name = name.encode() + b"\0"
        data_offset = (20 + len(raw_name) + 7) // 8 * 8
        is_text = isinstance(value, str)
        raw = value.encode() + b"\0" if isinstance(value, str) else struct.pack(order + "q", value)
        length = (data_offset + len(raw) + 7) // 8 * 8
        kind, unit = (ord("B"), Unit.STRING) if is_text else (ord("J"), Unit.BYTES)
        entry = struct.pack(order + "iiibbbbi", length, 20, len(raw) if is_text else 0, kind, 0, unit, 1, data_offset)
        body += (entry + raw_name).ljust(data_offset, b"\0") + raw.ljust(length - data_offset, b"\0")
    head = b"\xca\xfe\xc0\xc0" + bytes([order == "<", 2, 0, 1])
    return head + struct.pack(order + "iiqii", 32 + len(body), 0, 0, 32, len(counters)) + body


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.split(".")[0])
def test_recorded_files_are_read_whole(path: Path) -> None:
    reading = parse_hsperf(gzip.decompress(path.read_bytes()), path.name)
    assert not reading.gaps
    assert f"jdk{reading.java_major}-" in path.name
    assert reading.number("sun.os.hrt.frequency") == 1_000_000_000
    assert "-XX:MaxMetaspaceSize=96m" in (reading.text("java.rt.vmArgs") or "")


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text("abc.", min_size=1, max_size=30),
        st.integers(-(2**63), 2**63 - 1) | st.text("aé漢 =", max_size=20),
        max_size=8,
    ),
    st.sampled_from("<>"),
)
def test_what_was_written_is_read(counters: dict[str, int | str], order: str) -> None:
    reading = parse_hsperf(perf_file(counters, order), "written")
    assert list(reading.names()) == list(counters)
    for name, value in counters.items():
        assert (reading.text(name) if isinstance(value, str) else reading.number(name)) == value


def test_an_absent_counter_is_none_not_zero() -> None:
    reading = parse_hsperf(perf_file({"a": 0, "t": "x"}), "f")
    assert reading.number("a") == 0
    assert reading.number("b") is None
    assert reading.text("a") is None
    assert reading.number("t") is None


@settings(deadline=None)
@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_anywhere_is_an_error_or_says_what_is_missing(length: int) -> None:
    used = struct.unpack_from("<i", WHOLE, 8)[0]
    try:
        reading = parse_hsperf(WHOLE[:length], "cut")
    except FormatError as error:
        assert length < 32
        assert error.offset <= length  # noqa: PT017
        return
    assert bool(reading.gaps) == (length < used)
    for name in reading.names():
        assert reading.number(name) is not None or reading.text(name) is not None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=40))
def test_flipped_bytes_never_escape(flips: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for position, value in flips:
        data[position] = value
    try:
        reading = parse_hsperf(bytes(data), "flipped")
    except FormatError:
        return
    for name in reading.names():
        reading.number(name)
        reading.text(name)


def test_a_known_layout_is_reused_only_while_it_fits() -> None:
    first = parse_hsperf(perf_file({"a": 1}), "f")
    again = parse_hsperf(perf_file({"a": 2}), "f", known=first.layout)
    assert again.layout is first.layout
    assert again.number("a") == 2
    grown = parse_hsperf(perf_file({"a": 2, "b": 3}), "f", known=first.layout)
    assert grown.number("b") == 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "found end of file"),
        (b"not perf data at all", "found 6e6f7420"),
        (WHOLE[:20], "prologue"),
        (WHOLE[:4] + b"\x07" + WHOLE[5:], "byte order"),
        (WHOLE[:5] + b"\x01" + WHOLE[6:], "version 2"),
        (WHOLE[:7] + b"\0" + WHOLE[8:], "accessible"),
        (WHOLE[:24] + b"\xff" * 8 + WHOLE[32:], "entry table"),
    ],
)
def test_wrong_beginnings_are_named(data: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        parse_hsperf(data, "wrong")


def test_a_billion_claimed_entries_cost_nothing() -> None:
    data = bytearray(perf_file({"a": 1}))
    struct.pack_into("<i", data, 28, 2**31 - 1)
    reading = parse_hsperf(bytes(data), "huge")
    assert reading.number("a") == 1
    assert "2147483646 of 2147483647 counters" in reading.gaps[0]
