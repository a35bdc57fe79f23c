"""Keeps the catalogues of other languages in the order of the source, with where each sentence is written.

    python tools/catalogue.py zh                     rewrites languages/zh.po; lists what is missing and what is in vain
    python tools/catalogue.py zh --add FILE          takes lines "English<TAB>translation" in ("=": the same text)

Sentences that are written nowhere any more are dropped.
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from messages import SOURCE, sentences

from flinkscope.report.language import catalogue_text, read_catalogue

_HEADER = 'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'


def quoted(text: str) -> str:
    """A PO string on one line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def written(language: str, places: dict[str, str], known: dict[str, str]) -> str:
    """The catalogue's text: every sentence of the source, an empty translation where there is none."""
    entries = [
        f"#: {place.rpartition(':')[0] or place}\nmsgid {quoted(text)}\nmsgstr {quoted(known.get(text, ''))}\n"
        for text, place in places.items()
    ]
    return "\n".join([_HEADER.format(language=language), *entries])


def main() -> int:
    """Rewrites one catalogue."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language")
    parser.add_argument("--add", type=Path)
    given = parser.parse_args()
    places, known = sentences(), read_catalogue(catalogue_text(given.language))
    if given.add:
        for line in given.add.read_text(encoding="utf-8").splitlines():
            source, _, text = line.partition("\t")
            source = ast.literal_eval(source) if source[:1] in "'\"" else source
            if text:
                known[source] = source if text == "=" else text
    path = SOURCE / "report" / "languages" / f"{given.language}.po"
    path.write_text(written(given.language, places, known), encoding="utf-8")
    missing = [text for text in places if text not in known]
    for text in missing:
        print(f"missing\t{text!r}")
    for text in known.keys() - places.keys():
        print(f"in vain\t{text!r}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
