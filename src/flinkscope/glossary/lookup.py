"""Looks a word up among glossary terms, figures, measures, rules and Flink options; near misses are found too."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from typing import Literal

from flinkscope.errors import UsageError

Kind = Literal["term", "figure", "measure", "rule", "option"]

_NEAR = 0.72  # of difflib's ratio: "live sett" is found, "life" is not
_MOST = 6
_STATISTIC = re.compile(r"_(?:min|max|avg|sd|total|p\d+(?:_9)?)(?=_|$)")
_NEWEST = "2.3.0"


@dataclass(frozen=True, slots=True)
class Explanation:
    """``also``: other names of it; ``source``: where the tool reads it; ``rules``: ids of rules about it."""

    name: str
    kind: Kind
    text: str
    also: tuple[str, ...] = ()
    source: str = ""
    rules: tuple[str, ...] = ()


def explain(term: str) -> tuple[Explanation, ...]:
    """What the term means, the best match first: equal names, then names that hold it, then similar ones.

    Raises UsageError, with the nearest names, when nothing is like it. Cost: 0.1 s, for the rules' modules.
    """
    wanted = _plain(term)
    if not wanted:
        raise UsageError("nothing to explain", hint="flinkscope explain TERM, or --list for all of them")
    scored = [(_score(wanted, entry), entry) for entry in (*known_terms(), *_option(term))]
    best = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], pair[1].name))
    if not best:
        near = sorted(known_terms(), key=lambda e: -_likeness(wanted, _names(e)))[:3]
        raise UsageError(f"nothing is known of {term!r}", hint="perhaps " + ", ".join(e.name for e in near))
    sure = [pair for pair in best if pair[0] >= 2] or best
    return tuple(entry for _, entry in sure[:_MOST])


@cache
def known_terms() -> tuple[Explanation, ...]:
    """Everything that can be looked up but Flink's options, by name."""
    entries = [*_terms(), *_figures(), *_measures(), *_rules()]
    return tuple(sorted(entries, key=lambda entry: entry.name.lower()))


def _terms() -> Iterable[Explanation]:
    for row in tomllib.loads(_data("terms.toml"))["term"]:
        also, rules = tuple(row.get("also", ())), tuple(row.get("rules", ()))
        yield Explanation(row["name"], "term", row["text"], also, row.get("source", ""), rules)


def _figures() -> Iterable[Explanation]:
    for row in json.loads(_data("gc_terms.json")):
        yield Explanation(row["names"][0], "figure", row["text"], tuple(row["names"][1:]), "GC log")


def _measures() -> Iterable[Explanation]:
    from flinkscope.watch.measures import MEASURES

    for name, measure in MEASURES.items():
        also = (f"flinkscope_{name}",)
        yield Explanation(name, "measure", measure.meaning, also, "flinkscope watch, Prometheus")


def _rules() -> Iterable[Explanation]:
    from flinkscope.diagnosis.rule import all_rules

    for module in all_rules():
        text = f"{module.rule.title}. `flinkscope rules {module.rule.id}` has the whole page."
        yield Explanation(module.rule.id, "rule", text, (module.rule.title,), rules=module.rule.explains)


def _option(key: str) -> Iterable[Explanation]:
    """A Flink option, if that is one of the newest version."""
    from flinkscope.flink.options import option

    found = option(key.strip(), _NEWEST) if "." in key else None
    if found is not None:
        default = "no default" if found.default is None else f"default {found.default}"
        old = f"; older names: {', '.join(found.fallback_keys)}" if found.fallback_keys else ""
        text = f"An option of Flink {_NEWEST}: {default}{old}{'; deprecated' if found.deprecated else ''}."
        yield Explanation(found.key, "option", text, (), "configuration")


def _score(wanted: str, entry: Explanation) -> float:
    """3: the same name; 2: a name holds the word; below 1: similar; 0: not alike."""
    names = _names(entry)
    if any(_same(wanted, name) for name in names):
        return 3.0
    if any(re.search(rf"(?:^|[ .]){re.escape(wanted)}(?:$|[ .s])", name) for name in names):
        return 2.0
    likeness = _likeness(wanted, names)
    return likeness if likeness >= _NEAR else 0.0


def _same(wanted: str, name: str) -> bool:
    """Equal; a name with … stands for all that have something else there."""
    head, gap, tail = name.partition("…")
    return wanted == name or (
        bool(gap) and wanted.startswith(head) and wanted.endswith(tail) and len(wanted) >= len(name)
    )


def _likeness(wanted: str, names: Iterable[str]) -> float:
    bare = _STATISTIC.sub("", wanted.replace(" ", "_"))
    alike = (max(_ratio(wanted, name), _ratio(bare, _STATISTIC.sub("", name.replace(" ", "_")))) for name in names)
    return max(alike, default=0.0)


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _names(entry: Explanation) -> tuple[str, ...]:
    return tuple(map(_plain, (entry.name, *entry.also)))


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").split())


def _data(name: str) -> str:
    return (files("flinkscope.glossary") / name).read_text(encoding="utf-8")
