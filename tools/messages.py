"""The sentences that a report may hold, taken out of the source: what the catalogues of other languages must have.

    python tools/messages.py zh        lists what the catalogue of that language lacks, and what it has in vain

A sentence is a string or f-string with at least two words; what an f-string fills in is {0}, {1}, … in its order.
Docstrings, patterns, code to paste and errors are none.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "flinkscope"
# where sentences of a report are written
PLACES = (
    "diagnosis/**/*.py",
    "gc/findings.py",
    "report/*.py",
    "report/html/*.py",
    "flink/sizing*.py",
    "flink/memory_*.py",
    "flink/pin_*.py",
    "flink/lint_*.py",
    "flink/loaders.py",
    "flink/lens/ownership.py",
    "flink/lens/families.py",
    "flink/loader_*.py",
    "sources/inputs.py",
    "sources/merging.py",
)
NOT_HERE = frozenset({
    "report/gc_text.py", "report/gc_chart.py", "report/flame.py", "report/flame_page.py", "report/codec.py",
    "report/json_report.py", "report/output.py", "report/schema.py", "report/html/gc_page.py", "flink/loader_report.py",
    "flink/memory_nearest.py", "flink/memory_view.py", "flink/memory_options.py", "flink/memory_legacy.py",
    "flink/sizing_view.py", "flink/memory_inside.py", "flink/lint_upgrade.py", "flink/lint_subject.py",
})  # fmt: skip
# calls whose strings are code, patterns, keys or errors
_SILENT_CALLS = frozenset({
    "CodeChange", "compile", "TypeError", "ValueError", "RuntimeError", "LabError", "UsageError", "SourceError",
    "UnreadableInputError", "FormatError", "MemoryConfigError", "KeyError", "strptime", "strftime",
})  # fmt: skip
_WORDS = re.compile(r"[A-Za-z]{2,}[^A-Za-z]* [^A-Za-z]*[A-Za-z]{2,}")
_PROSE = re.compile(r"(?<![\w.$-])[a-z]{2,}(?![\w.($=-])")  # a word that is no name, package or option
_CODE = re.compile(r"\n.*[;{}]|^\s*--|^<|^\^\(|\\[sdwb]", re.DOTALL)
_SAID = re.compile(r'\bsay\("([^"]+)"')


def sentences() -> dict[str, str]:
    """Sentence → the first place it is written at, over all PLACES."""
    found: dict[str, str] = {}
    for pattern in PLACES:
        for path in sorted(SOURCE.glob(pattern)):
            name = path.relative_to(SOURCE).as_posix()
            if name not in NOT_HERE:
                for text, line in of_module(path.read_text(encoding="utf-8")):
                    found.setdefault(text, f"{name}:{line}")
    for path in sorted((SOURCE / "report" / "html").glob("*/*")):
        if path.suffix in (".j2", ".js"):
            for text in _SAID.findall(path.read_text(encoding="utf-8")):
                found.setdefault(text, f"report/html/{path.parent.name}/{path.name}")
    return found


def of_module(source: str) -> Iterator[tuple[str, int]]:
    """(sentence, line) of one module."""
    yield from _below(ast.parse(source))


def _below(node: ast.AST) -> Iterator[tuple[str, int]]:
    if (
        isinstance(node, ast.Call)
        and _name(node.func) == "say"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ):
        yield str(node.args[0].value), node.lineno  # chrome: one word is enough
        for child in [*node.args[1:], *node.keywords]:
            yield from _below(child)
        return
    if isinstance(node, ast.Call) and _name(node.func) in _SILENT_CALLS:
        return
    if isinstance(node, ast.keyword) and node.arg == "proved_on":  # for the rule's page, not for reports
        return
    words = _words_of(node)
    if words:
        yield from ((word, node.lineno) for word in words)
        return
    if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
        text, holes = _template(node)
        if text is not None:
            plain = re.sub(r"\{\d+\}", " ", text)
            if _WORDS.search(plain) and _PROSE.search(plain) and not _CODE.search(text):
                yield text, node.lineno
            for hole in holes:
                yield from _below(hole)
            return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):  # docstrings
            yield from _below(child)


def _words_of(node: ast.AST) -> list[str]:
    """Of ``map(say, ("a", "b"))`` and of the constant SPOKEN_WORDS: words that are looked up one by one."""
    if isinstance(node, ast.Call) and _name(node.func) == "map" and _name(node.args[0]) == "say":
        literal: ast.expr = node.args[1]
    elif isinstance(node, ast.Assign) and any(_name(target) == "SPOKEN_WORDS" for target in node.targets):
        literal = node.value
    else:
        return []
    return [str(word) for word in ast.literal_eval(literal)]


def _template(node: ast.AST) -> tuple[str | None, list[ast.AST]]:
    """The text with numbered holes, and what fills them; None for what is no string."""
    pieces: list[str | ast.AST] = []
    if not _pieces(node, pieces) or not any(isinstance(p, str) for p in pieces):
        return None, []
    holes = [p for p in pieces if not isinstance(p, str)]
    numbers = iter(range(len(holes)))
    return "".join(p if isinstance(p, str) else f"{{{next(numbers)}}}" for p in pieces), holes


def _pieces(node: ast.AST, into: list[str | ast.AST]) -> bool:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            into.append(node.value)
        return isinstance(node.value, str)
    if isinstance(node, ast.JoinedStr):
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                into.append(value.value)
            else:
                _pieces(value, into)
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left: list[str | ast.AST] = []
        right: list[str | ast.AST] = []
        is_left, is_right = _pieces(node.left, left), _pieces(node.right, right)
        if is_left or is_right:
            into += left if is_left else [node.left]
            into += right if is_right else [node.right]
            return True
    return False


def _name(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


if __name__ == "__main__":
    for text, place in sentences().items():
        print(f"{place}\t{text!r}")
