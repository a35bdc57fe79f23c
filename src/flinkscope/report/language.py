"""Reports in other languages: sentences are looked up by their English template, also when they come out of a JSON.

Rules and pages write English; nothing in a fact, rule or report knows of languages. A catalogue (``languages/*.po``, as
translators know it) holds for each English template, ``a stable live set of {0} fills {1} of the heap``, its
translation. A finished sentence is matched against the templates, what fills the holes is taken over and, where it is a
sentence itself, looked up in turn. So a saved report can be shown in any language, and a rule's author adds nothing but
lines to the catalogue: ``tools/messages.py`` lists what is missing, and a test fails while something is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar, cast

from flinkscope.errors import UsageError

T = TypeVar("T")

# looked up by value, so that no call of ``say`` names them
SPOKEN_WORDS = (
    "critical", "error", "warning", "info", "cured", "better", "not cured", "cannot tell", "unreadable",
    "not applicable", "unknown", "Memory", "State", "Heap", "Class loaders", "now", "now ({0})", "after: {0}",
    "{0} checkpoint", "{0} checkpoints", "{0} piece", "{0} pieces", "{0} other cause", "{0} other causes", "{0} rule",
    "{0} rules", ", {0} failed", "{0} timers", "{0} timer at {1}", "{0} timers at {1}", "framework heap", "task heap",
    "jvm heap", "heap", "managed", "network", "framework off heap", "task off heap", "off heap", "metaspace",
    "jvm metaspace", "overhead", "jvm overhead", "keys and windows", "state backend", "state “{0}”", "timers “{0}”",
    "Set {0}: {1}", " and ended{0}", " after {0}", "raised to the minimum {0}", "cut to the maximum {0}",
    "within {0} … {1}", "at most {0}",
)  # fmt: skip
LANGUAGES = {"en": "English", "zh": "简体中文"}
_HOLE = re.compile(r"\{(\d+)\}")
_ENTRY = re.compile(r'^(msgid|msgstr)?\s*"((?:[^"\\]|\\.)*)"\s*$')
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_DEEPEST = 5  # sentences within sentences
_MOST_JOINED = 4  # pieces that one sentence may have itself
_FRAGMENT_STARTS = frozenset(" ,;:(")
_LEAST_LETTERS = 3  # of a template's own, below which it would fit anything
_SHORT, _MANY_WORDS = 12, 3  # a template shorter than that is no frame for a hole of so many words
_LONGEST = 4_000  # characters above which a text is no sentence of ours
# what separates sentences and pieces that are joined without a template of their own, and what it becomes
_JOINTS = (("\n", "\n"), (". ", "。"), ("; ", "；"), (", ", "，"), (" · ", " · "), (": ", "："), (" × ", " × "))
# names, keys, code and words that programs read
_KEPT = frozenset({"id", "rule", "key", "old", "new", "source", "address", "language", "process", "severity", "verdict",
                   "unit", "role", "format", "root_cause", "explains", "explained_by", "place", "case", "made_by",
                   "flink", "java", "collector", "dump", "library", "code", "chain", "created_at", "collected_at",
                   "went", "stayed", "came", "before_root_cause", "after_root_cause", "oom_thread"})  # fmt: skip
_KEPT_OF = frozenset({"FigureRow.name", "StateRow.name", "ClassRow.name", "TreeRow.name", "ArtifactRow.name",
                      "QuantityRow.name", "ComparedFigure.name", "SeriesRow.kind", "MarkRow.kind", "StateRow.task",
                      "TimerRow.task", "TimerRow.service", "OperatorRow.task", "OwnerRow.detail"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Template:
    """A sentence with holes: the literal ``pieces`` around them, and its translation. ``weight``: its characters."""

    pieces: tuple[str, ...]
    translated: str
    weight: int

    def values(self, text: str) -> tuple[str, ...] | None:
        """What fills the holes if ``text`` is this sentence: each literal at its first place after the one before."""
        first, *rest = self.pieces
        last = rest.pop()
        if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
            return None
        end, at, found = len(text) - len(last), len(first), []
        for piece in rest:
            if not piece:  # two holes beside each other: the next one takes it all, ``Catalogue`` shares it out
                found.append("")
                continue
            next_at = text.find(piece, at, end)
            if next_at < 0:
                return None
            found.append(text[at:next_at])
            at = next_at + len(piece)
        return None if at > end else (*found, text[at:end])


class Catalogue:
    """The sentences of one language."""

    def __init__(self, language: str, entries: dict[str, str]) -> None:
        self.language = language
        self.entries = entries
        self._exact = {_plain(source): text for source, text in entries.items() if not _HOLE.search(source)}
        self._by_piece: dict[str, list[_Template]] = defaultdict(list)
        self._fragments: list[tuple[str, ...]] = []  # templates that only follow something: ", beside {0} of it"
        for source, text in entries.items():
            if (
                source != text
                and _HOLE.search(source)
                and sum(c.isalpha() for c in _HOLE.sub("", source)) >= _LEAST_LETTERS
            ):
                pieces = tuple(_HOLE.sub("\0", _plain(source)).split("\0"))
                if source[:1] in _FRAGMENT_STARTS:
                    self._fragments.append(tuple(_HOLE.sub("\0", source).split("\0")))
                template = _Template(pieces, _plain(text), sum(map(len, pieces)))
                self._by_piece[max(pieces, key=len)].append(template)
        self._endings = {s for s in entries if s[:1] in _FRAGMENT_STARTS and not _HOLE.search(s)}
        self._openings = tuple(s for s in entries if s[-1:] == " " and not s[0].isspace())
        self._known: dict[str, str] = {}

    def of(self, text: str) -> str:
        """The text in this language; what is not of ours stays as it is."""
        if len(text) > _LONGEST:
            return text
        if text not in self._known:
            self._known[text] = self._of(text, 0) or text
        return self._known[text]

    def filled(self, template: str, *values: object) -> str:
        """The translation of a template with its holes filled by values that are not translated."""
        return _fill(self.entries.get(template, template), tuple(map(str, values)))

    def _of(self, text: str, depth: int) -> str | None:
        """None where no entry fits the text or any piece of it."""
        core = text.strip()
        if depth > _DEEPEST or not any(c.isalpha() for c in core):
            return None
        bare = core.removesuffix(".")
        variants = dict.fromkeys(t for s in (core, bare) if s for t in (s, s[0].lower() + s[1:], s[0].upper() + s[1:]))
        weighed = [(self._heaviest(v)[0], v) for v in variants]  # a sentence's own template before a general one
        for _, variant in sorted(weighed, key=lambda pair: (pair[1] not in self._exact, -pair[0])):
            whole = self._exact.get(variant) or self._by_template(variant, depth)
            if whole is not None:
                stop = "。" if core.endswith(".") and not variant.endswith(".") and not whole.endswith("。") else ""
                return whole + stop
        return self._by_pieces(core, depth)

    def _heaviest(self, text: str, joins: tuple[str, int] = ("", 0)) -> tuple[int, _Template | None, tuple[str, ...]]:
        """The template with most characters that fits the text, with what fills its holes; (0, None, ()) without one.

        ``joins``: the template must hold that joint itself, so many times.
        """
        best: tuple[int, _Template | None, tuple[str, ...]] = (0, None, ())
        for piece, templates in self._by_piece.items():
            if piece in text:
                for template in templates:
                    joined = not joins[1] or sum(p.count(joins[0]) for p in template.pieces) >= joins[1]
                    if joined and (best[1] is None or template.weight > best[0]):
                        values = template.values(text)
                        best = (template.weight, template, values) if values is not None else best
        return best

    def _by_template(self, text: str, depth: int, joins: tuple[str, int] = ("", 0)) -> str | None:
        weight, template, values = self._heaviest(text, joins)
        if template is None:
            return None
        shared = self._shared_out(template.pieces, values)
        told = [self._of(value, depth + 1) for value in shared]
        quoted = (template.pieces[-1] == "" and template.pieces[-2].endswith(":")) or template.pieces[-2].endswith(": ")
        loose = told[:-1] if quoted else told  # what follows a colon may be anything, such as a line of a log
        if weight < _SHORT and any(_wordy(v) for v, t in zip(shared, loose, strict=False) if t is None):
            return None
        return _fill(template.translated, tuple(t or v.strip() for v, t in zip(shared, told, strict=True)))

    def _shared_out(self, pieces: tuple[str, ...], values: tuple[str, ...]) -> list[str]:
        """What stands in several holes beside each other, cut where a known fragment begins or an opening ends."""
        found, run = [], 0
        for number, value in enumerate(values):
            if number + 1 < len(values) and not pieces[number + 1]:
                run += 1
                continue
            found += self._cut(value, run + 1)
            run = 0
        return found

    def _cut(self, value: str, count: int) -> list[str]:
        parts: list[str] = []
        opening = self._opening_of(value)
        value = value[len(opening) :]
        while count - bool(opening) > 1 + len(parts):
            ending = self._ending_of(value)
            value = value[: len(value) - len(ending)]
            parts.insert(0, ending)
        return [*([opening] if opening else []), value, *parts]

    def _opening_of(self, text: str) -> str:
        """The beginning of the text that is an opening as it stands, ``at most ``; empty where there is none."""
        for opening in self._openings:
            *front, last = _HOLE.sub("\0", opening).split("\0")
            end = text.find(last) + len(last)
            if not front and text.startswith(last):
                return last
            if front and last in text and _Template((*front, last), "", 0).values(text[:end]) is not None:
                return text[:end]
        return ""

    def _ending_of(self, text: str) -> str:
        """The longest end of the text that is a fragment as it stands; empty where there is none."""
        starts = [at for at, c in enumerate(text) if c in _FRAGMENT_STARTS and at]
        return next((text[at:] for at in starts if self._is_fragment(text[at:])), "")

    def _is_fragment(self, text: str) -> bool:
        found = [values for p in self._fragments if (values := _Template(p, "", 0).values(text)) is not None]
        return text in self._endings or any(not any(map(_wordy, values)) for values in found)

    def _by_pieces(self, text: str, depth: int) -> str | None:
        outer, inner = _bracketed(text)
        if inner:
            told, remark = self._of(outer, depth + 1), self._of(inner, depth + 1)
            return f"{told or outer}（{remark or inner}）" if told or remark else None
        for joint, translated in _JOINTS:
            if joint in text:
                found = list(self._joined(text.split(joint), joint, depth + 1))
                foreign = sum(len(piece) for piece, is_ours in found if not is_ours)
                if any(is_ours for _, is_ours in found) and foreign * 2 <= len(text):
                    return translated.join(piece for piece, _ in found)
        return None

    def _joined(self, pieces: list[str], joint: str, depth: int) -> Iterator[tuple[str, bool]]:
        """(text, whether it is ours) of each piece; those that one sentence of ours joins itself are taken together."""
        at = 0
        while at < len(pieces):
            end, found = at + 1, self._of(pieces[at], depth)
            for more in range(min(len(pieces), at + _MOST_JOINED), at + 1, -1):
                text = joint.join(pieces[at:more]).strip()
                whole = self._exact.get(text) or self._by_template(text, depth, (joint, more - at - 1))
                if whole is not None:
                    end, found = more, whole
                    break
            yield found or pieces[at].strip(), found is not None
            at = end


def _wordy(text: str) -> bool:
    return text.strip().count(" ") > _MANY_WORDS


def _bracketed(text: str) -> tuple[str, str]:
    """``a (b)`` as its two parts; empty where the text does not end in a remark in brackets."""
    depth = 0
    for at in range(len(text) - 1, 0, -1) if text.endswith(")") else ():
        depth += (text[at] == ")") - (text[at] == "(")
        if depth == 0:
            return (text[: at - 1], text[at + 1 : -1]) if text[at - 1] == " " else ("", "")
    return "", ""


_SPOKEN: ContextVar[Catalogue | None] = ContextVar("language of reports", default=None)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Renderers inside of it speak that language. Raises UsageError for one that has no catalogue."""
    token = _SPOKEN.set(None if language == "en" else catalogue(language))
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def say(template: str, *values: object) -> str:
    """A sentence of a page in the language that is spoken: ``say("{0} sure", "98 %")``."""
    spoken = _SPOKEN.get()
    return _fill(template, tuple(map(str, values))) if spoken is None else spoken.filled(template, *values)


def spoken_language() -> str:
    """The code of the language that is spoken."""
    spoken = _SPOKEN.get()
    return "en" if spoken is None else spoken.language


def in_spoken_language(row: T) -> T:
    """``row`` (a report or comparison) with all its sentences in the language that is spoken."""
    spoken = _SPOKEN.get()
    return row if spoken is None else cast(T, _translated(row, spoken))


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language. Raises UsageError when there is none."""
    if language not in LANGUAGES or language == "en":
        raise UsageError(f"there is no catalogue for {language!r}", hint=f"one of {', '.join(LANGUAGES)}")
    return Catalogue(language, read_catalogue(catalogue_text(language)))


def catalogue_text(language: str) -> str:
    """The text of the catalogue file."""
    return (files("flinkscope.report") / "languages" / f"{language}.po").read_text(encoding="utf-8")


def read_catalogue(text: str) -> dict[str, str]:
    """Template → translation, from PO text (msgid and msgstr; plural forms and contexts are not used)."""
    entries: dict[str, str] = {}
    parts: dict[str, str] = {}
    part = ""
    for line in [*text.splitlines(), ""]:
        match = _ENTRY.match(line)
        if match is None or match[1] == "msgid":
            if parts.get("msgid") and parts.get("msgstr"):
                entries[parts["msgid"]] = parts["msgstr"]
            parts, part = ({}, "") if match is None or "msgstr" in parts else (parts, part)
        if match is not None:
            part = match[1] or part
            parts[part] = parts.get(part, "") + re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), match[2])
    return entries


def _translated(value: Any, spoken: Catalogue) -> Any:
    if isinstance(value, str):
        return spoken.of(value)
    if isinstance(value, tuple):
        return value if value and isinstance(value[0], int) else tuple(_translated(item, spoken) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value).__name__
        wanted = [f.name for f in fields(value) if f.name not in _KEPT and f"{kind}.{f.name}" not in _KEPT_OF]
        return replace(value, **{name: _translated(getattr(value, name), spoken) for name in wanted})
    return value


def _fill(template: str, values: tuple[str, ...]) -> str:
    return _HOLE.sub(lambda m: values[int(m[1])] if int(m[1]) < len(values) else m[0], template)


def _plain(text: str) -> str:
    """Without the blanks that pieces of a sentence have at their ends."""
    return text.strip()
