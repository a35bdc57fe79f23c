"""Lines of text for a terminal: colour that can be off, wrapped paragraphs, aligned columns."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

_WRAPPER = partial(textwrap.wrap, break_on_hyphens=False)
# a wide character with the punctuation that closes it, a word with the blanks after it, blanks
_WIDE = "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
_CLOSING = "，。；：、！？）】》”’"
_PIECES = re.compile(f"[“‘（《【]*[{_WIDE}][{_CLOSING}]* *|[^{_WIDE} ]+[{_CLOSING}]* *| +")
_NARROWEST = 5
_CODES = {"bad": "31;1", "warn": "33;1", "good": "32", "strong": "1", "quiet": "2", "code": "36"}


class Ink:
    """Colours a piece of text by what it means, or leaves it as it is."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def of(self, meaning: str, text: str) -> str:
        """``text`` in the colour of ``meaning``: bad, warn, good, strong, quiet or code."""
        return f"\x1b[{_CODES[meaning]}m{text}\x1b[0m" if self._colour else text

    def strong(self, text: str) -> str:
        """Bold."""
        return self.of("strong", text)

    def quiet(self, text: str) -> str:
        """Dimmed."""
        return self.of("quiet", text)

    def good(self, text: str) -> str:
        """Green."""
        return self.of("good", text)

    def bad(self, text: str) -> str:
        """Red."""
        return self.of("bad", text)


def columns_of(text: str) -> int:
    """How many terminal columns the text takes: wide East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_width(c) for c in text)


def heading(title: str, ink: Ink, width: int = 100) -> list[str]:
    """A blank line and the title, cut to one line."""
    return ["", ink.strong(fitted(title, width))]


def indented(text: str, width: int, first: str = "  ", other: str | None = None) -> list[str]:
    """The paragraph wrapped to ``width`` columns with its first and following indents; never empty."""
    rest = first if other is None else other
    lines = [
        piece
        for number, line in enumerate(text.splitlines() or [""])
        for piece in _wrapped(line, width, first if number == 0 else rest, rest)
    ]
    return lines or [first.rstrip()]


def bullets(sentences: Iterable[str], width: int) -> Iterator[str]:
    """Each sentence as its own paragraph with a bullet."""
    for sentence in sentences:
        yield from indented(sentence, width, "  • ", "    ")


def code_lines(text: str, width: int, first: str, other: str | None = None) -> list[str]:
    """One line of code, cut hard where it is too long: nothing is lost, nothing is re-flowed."""
    rest = first if other is None else other
    pieces, current = [], first
    for character in text:
        if columns_of(current) + _width(character) > width:
            pieces.append(current)
            current = rest
        current += character
    return [*pieces, current]


def table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int, left: int = 1) -> list[str]:
    """Aligned columns: the first ``left`` to the left, the others to the right; the widest give way when too wide."""
    widths = [max(columns_of(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    while sum(widths) + 2 * len(widths) > width and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return [_row(cells, widths, left) for cells in (header, *rows)]


def fitted(text: str, columns: int) -> str:
    """The text, cut in its middle with … when it takes more than ``columns`` columns."""
    if columns_of(text) <= columns:
        return text
    head, tail = text[: columns // 3], text[-max(1, columns - columns // 3 - 1) :]
    while tail and columns_of(head) + columns_of(tail) + 1 > columns:
        tail = tail[1:]
    while head and columns_of(head) + columns_of(tail) + 1 > columns:
        head = head[:-1]
    return f"{head}…{tail}"


def padded(text: str, columns: int) -> str:
    """The text with blanks up to so many columns; longer texts as they are."""
    return text + " " * (columns - columns_of(text))


def _row(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    shown = []
    for number, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        text = fitted(cell, width)
        gap = " " * (width - columns_of(text))
        shown.append(text + gap if number < left else gap + text)
    return ("  " + "  ".join(shown)).rstrip()


def _wrapped(line: str, width: int, first: str, other: str) -> list[str]:
    if line.isascii() or columns_of(line) == len(line):
        return _WRAPPER(line, width, initial_indent=first, subsequent_indent=other) or [first.rstrip()]
    return _wrapped_wide(line, width, first, other)


def _wrapped_wide(line: str, width: int, first: str, other: str) -> list[str]:
    """Lines with wide characters: a break at a blank, or beside any wide character but before closing punctuation."""
    lines, current = [], first
    for piece in _PIECES.findall(line):
        if columns_of(current) + columns_of(piece.rstrip()) > width and current.strip():
            lines.append(current.rstrip())
            current = other
        if columns_of(current) + columns_of(piece.rstrip()) > width:  # a word longer than a line
            *whole, current = code_lines(piece, width, current, other)
            lines += whole
        else:
            current += piece.lstrip() if current == other and lines else piece
    return [*lines, current.rstrip()]


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
