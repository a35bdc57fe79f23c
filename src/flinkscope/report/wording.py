"""Text from outside made harmless: control and direction-changing characters shown as �, giant names shortened.

Class, thread and file names come out of dumps and logs that anybody may have written. Escaping for HTML or Markdown is
the renderers' business; here go only the characters that could drive a terminal or reorder what is read.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from flinkscope.redaction import redact_text

T = TypeVar("T")

MAX_NAME = 300
MAX_TEXT = 6000

# what str.isprintable refuses plus the marks that reorder text are replaced; line ends and tabs of code stay
_KEPT = frozenset("\n\t\u00a0")
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def shortened(text: str, limit: int = MAX_NAME) -> str:
    """``text`` itself, or its beginning and end with the number of characters left out, at most ``limit`` long."""
    if len(text) <= limit:
        return text
    mark = f"…[{len(text) - limit:,} more]…"
    head = max(0, (limit - len(mark)) * 2 // 3)
    tail = max(0, limit - len(mark) - head)
    return text[:head] + mark + (text[-tail:] if tail else "")


def harmless(text: str) -> str:
    """``text`` without characters that drive a terminal or change the reading direction."""
    if text.isprintable() and not _DIRECTION.intersection(text):
        return text
    return "".join(c if (c.isprintable() or c in _KEPT) and c not in _DIRECTION else "�" for c in text)


def cleaned(row: T) -> T:
    """``row`` with every string harmless, without secrets, at most MAX_TEXT long; all else as it is."""
    return cast(T, _cleaned(row))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return harmless(redact_text(shortened(value, MAX_TEXT)))
    if isinstance(value, tuple):
        return value if value and isinstance(value[0], int) else tuple(_cleaned(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _cleaned(getattr(value, f.name)) for f in fields(value)})
    return value


def one_of(count: int, one: str, many: str = "") -> str:
    """``1 key`` or ``2,000 keys``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def first_sentence(text: str) -> str:
    """The text up to its first full stop that ends a sentence, be it Latin or Chinese."""
    ends = [at + 1 for mark in (". ", "。") if (at := text.find(mark)) >= 0]
    return text[: min(ends)] if ends else text


def exact_ms(duration_ms: int) -> str:
    """A setting's duration without rounding: ``24 h``, ``3 min``, ``90 s``, ``1,500 ms``."""
    for step, unit in ((3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if duration_ms and duration_ms % step == 0:
            return f"{duration_ms // step:,} {unit}"
    return f"{duration_ms:,} ms"


def capitalised(text: str) -> str:
    """The text beginning with a capital letter, as a sentence does; a name of code at its start stays as it is."""
    first = text.split(" ", 1)[0].rstrip(",:;")
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text
