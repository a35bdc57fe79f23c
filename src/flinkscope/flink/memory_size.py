"""Sizes and fractions exactly as Flink reads, multiplies and prints them.

Follows ``org.apache.flink.configuration.MemorySize`` (unchanged from 1.10 to 2.3) and Java's number formatting: every
text and every truncated byte must equal what the real jars answer. Failures are :class:`Refusal`, a chain of Java
exceptions; :mod:`flinkscope.flink.memory_model` turns the chain into a ``MemoryConfigError``.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

LONG_MAX = 2**63 - 1

ILLEGAL_CONFIGURATION = "org.apache.flink.configuration.IllegalConfigurationException"
ILLEGAL_ARGUMENT = "java.lang.IllegalArgumentException"
NUMBER_FORMAT = "java.lang.NumberFormatException"
ARITHMETIC = "java.lang.ArithmeticException"

_UNITS = (
    ("b", "bytes"),
    ("k", "kb", "kibibytes"),
    ("m", "mb", "mebibytes"),
    ("g", "gb", "gibibytes"),
    ("t", "tb", "tebibytes"),
)
_MULTIPLIER = {name: 1 << 10 * power for power, names in enumerate(_UNITS) for name in names}
_ALL_UNITS = " / ".join(f"({' | '.join(names)})" for names in _UNITS)
_JAVA_BLANKS = "".join(map(chr, range(33)))
_NUMBER = re.compile(r"[0-9]*")
_JAVA_FLOAT = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<plain>NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<hexadecimal>0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+))[fFdD]?"
)


@dataclass(frozen=True, slots=True)
class Cause:
    """One Java exception of a chain: its class name and its message."""

    java_class: str
    message: str


class Refusal(Exception):
    """Flink throws here. ``causes``: the exception chain, outermost first."""

    def __init__(self, *causes: Cause) -> None:
        super().__init__(causes[0].message)
        self.causes = causes

    @property
    def is_configuration(self) -> bool:
        """Whether the outermost exception is Flink's IllegalConfigurationException (only those get a prefix)."""
        return self.causes[0].java_class == ILLEGAL_CONFIGURATION

    def within(self, java_class: str, message: str) -> Refusal:
        """This chain as the cause of a new outermost exception."""
        return Refusal(Cause(java_class, message), *self.causes)


def configuration_refusal(message: str) -> Refusal:
    """A chain of one IllegalConfigurationException."""
    return Refusal(Cause(ILLEGAL_CONFIGURATION, message))


def illegal_argument(message: str) -> Refusal:
    """A chain of one IllegalArgumentException."""
    return Refusal(Cause(ILLEGAL_ARGUMENT, message))


def parse_size(text: str) -> int:
    """Bytes of a size text as ``MemorySize.parse`` reads it: ``1728m``, `` 4 GB ``, ``4294967296``.

    Only whole numbers; units are powers of 1024 and case-insensitive. Raises Refusal with Flink's text.
    """
    trimmed = text.strip(_JAVA_BLANKS)
    if not trimmed:
        raise illegal_argument("argument is an empty- or whitespace-only string")
    number = _NUMBER.match(trimmed)
    digits = number.group() if number else ""
    unit = trimmed[len(digits) :].strip(_JAVA_BLANKS).lower()
    if not digits:
        raise Refusal(Cause(NUMBER_FORMAT, "text does not start with a number"))
    if int(digits) > LONG_MAX:
        raise illegal_argument(f"The value '{digits}' cannot be re represented as 64bit number (numeric overflow).")
    if unit and unit not in _MULTIPLIER:
        raise illegal_argument(f"Memory size unit '{unit}' does not match any of the recognized units: {_ALL_UNITS}")
    size_bytes = int(digits) * _MULTIPLIER.get(unit, 1)
    if size_bytes > LONG_MAX:
        raise illegal_argument(
            f"The value '{text}' cannot be re represented as 64bit number of bytes (numeric overflow)."
        )
    return size_bytes


def parse_float(text: str) -> float:
    """The 32-bit float of ``Float.parseFloat``, widened to a double. Raises Refusal (NumberFormatException)."""
    value = parse_double(text)
    try:
        narrowed: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return narrowed


def parse_double(text: str) -> float:
    """The double of ``Double.parseDouble``: decimal or hexadecimal, an ``f`` or ``d`` may follow."""
    trimmed = text.strip(_JAVA_BLANKS)
    if not trimmed:
        raise Refusal(Cause(NUMBER_FORMAT, "empty String"))
    match = _JAVA_FLOAT.fullmatch(trimmed)
    if not match:
        raise Refusal(Cause(NUMBER_FORMAT, f'For input string: "{trimmed}"'))
    if match["hexadecimal"]:
        return float.fromhex(trimmed.rstrip("fFdD"))
    return float(match["sign"] + match["plain"])


def parse_int(text: str) -> int:
    """The value of ``Integer.parseInt`` (no blanks, 32 bit). Raises Refusal (NumberFormatException)."""
    if not re.fullmatch(r"[+-]?[0-9]+", text) or not -(2**31) <= int(text) < 2**31:
        raise Refusal(Cause(NUMBER_FORMAT, f'For input string: "{text}"'))
    return int(text)


def parse_boolean(text: str) -> bool:
    """``true`` or ``false`` in any case. Raises Refusal with Flink's text."""
    if text.upper() not in ("TRUE", "FALSE"):
        raise illegal_argument(
            f"Unrecognized option for boolean: {text}. Expected either true or false(case insensitive)"
        )
    return text.upper() == "TRUE"


def human(size_bytes: int) -> str:
    """``MemorySize.toHumanReadableString``: ``3.350gb (3597035104 bytes)``; exactly 1 GiB is ``1024.000mb (…)``."""
    power = max((p for p in range(5) if size_bytes > 1024**p), default=0)
    if power == 0:
        return f"{size_bytes} bytes"
    rounded = Decimal(repr(size_bytes / 1024**power)).quantize(Decimal("0.001"), ROUND_HALF_UP)
    return f"{rounded}{_UNITS[power][1]} ({size_bytes} bytes)"


def add(*sizes_bytes: int) -> int:
    """The sum with Java's overflow check after each addition."""
    total = 0
    for size_bytes in sizes_bytes:
        total += size_bytes
        if total > LONG_MAX:
            raise Refusal(Cause(ARITHMETIC, "long overflow"))
    return total


def subtract(whole_bytes: int, part_bytes: int) -> int:
    """The difference; a negative one is refused as ``MemorySize`` refuses it."""
    if part_bytes > whole_bytes:
        raise illegal_argument("bytes must be >= 0")
    return whole_bytes - part_bytes


def multiply(base_bytes: int, factor: float) -> int:
    """``base × factor`` as exact decimals (the factor's shortest text), truncated: ``MemorySize.multiply``."""
    with localcontext() as context:
        context.prec = 60
        product = Decimal(base_bytes) * Decimal(repr(factor))
        if product > LONG_MAX:
            raise Refusal(Cause(ARITHMETIC, "long overflow"))
        return int(product)


def java_double(value: float) -> str:
    """``Double.toString``: plain from 0.001 to 10,000,000, else ``1.0E-4``."""
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return _plain(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    assert isinstance(exponent, int)
    power = exponent + len(digits) - 1
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"


def _plain(value: float) -> str:
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else text + ".0"
