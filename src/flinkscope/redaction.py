"""Takes secrets out of what is written or shown: configurations, command lines, JSON answers, logs, reports.

What counts as secret: a value whose key speaks of a password, secret, token, credential or key (Flink's own list,
``GlobalConfiguration.isSensitive`` of 2.3, and wider), and a password inside a URL. Too much taken out costs a fact,
too little a secret: doubtful keys are taken out. Heap dumps hold whatever the process held and are left as they are.
"""

from __future__ import annotations

import re
from typing import Any

MASK = "******"

# a "key" is secret as a word of its own (access-key, s3.key) or at the end of one (apikey), not in keystore or keyBy
_SENSITIVE = re.compile(
    r"passw|pwd|secret|token|credential|basic-auth|auth-params|jaas\.config|http-headers|connection\.?-?string"
    r"|(^|[._-])key([._-](?!store|tab|by|group)|$)|(access|api|account|private|service|secret|signing|sas)[._-]?key",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"(true|false|none|null|)", re.IGNORECASE)
_NAMES = r"[\w.\-]*(?:passw(?:or)?d|passwd|pwd|secret|token|credential|(?:access|api|account|private)[._-]?key)[\w.\-]*"
_INLINE = re.compile(rf"""(?<![\w.\-])({_NAMES}["']?\s*[=:]\s*)("[^"\n]*"|'[^'\n]*'|[^\s,;"'&}}\])]+)""", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^/\s:@]*:)([^/\s@]+)(@)")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9+/=_.~-]{8,}")
_YAML_ENTRY = re.compile(r"""^(\s*(?:-\s+)?)(["']?)([^\s"':#][^"':]*?)\2\s*:(?:\s+(.*?))?\s*$""")


def is_sensitive(key: str) -> bool:
    """Whether the value of that key must not leave the machine."""
    return _SENSITIVE.search(key) is not None


def redact_text(text: str) -> str:
    """Free text (a log, a command line): ``…password=x``, ``token: x``, ``scheme://user:x@host``, bearer tokens."""
    text = _INLINE.sub(lambda match: match[0] if _HARMLESS.fullmatch(match[2]) else match[1] + MASK, text)
    return _BEARER.sub(rf"\1 {MASK}", _IN_URL.sub(rf"\1{MASK}\3", text))


def redact_yaml(text: str) -> str:
    """A Flink configuration, old or new form: values of sensitive keys, also nested ones and blocks below them."""
    lines: list[str] = []
    open_keys: list[tuple[int, str]] = []  # indent and name of the keys around the current line
    masked_below: int | None = None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        item = indent == masked_below and line.lstrip().startswith("- ")  # a list may stand as far left as its key
        if masked_below is not None and (not line.strip() or indent > masked_below or item):
            continue
        masked_below = None
        entry = _YAML_ENTRY.match(line)
        if entry is None or line.lstrip().startswith("#"):
            lines.append(redact_text(line))
            continue
        open_keys = [(depth, name) for depth, name in open_keys if depth < indent]
        path = ".".join([*(name for _, name in open_keys), entry[3]])
        open_keys.append((indent, entry[3]))
        value = entry[4] or ""
        if not is_sensitive(path) or (value and _HARMLESS.fullmatch(value)):
            lines.append(redact_text(line))
            continue
        if value or is_sensitive(entry[3]):
            masked_below = indent
            lines.append(f'{line[: line.index(":")]}: "{MASK}"')  # a bare * is an alias in YAML
        else:
            lines.append(line)
    return "\n".join(lines) + ("\n" if text.endswith("\n") else "")


def redact_arguments(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """A command line: ``-Dkey=value``, ``-D key=value``, ``--key value``, and secrets inside any argument."""
    shown: list[str] = []
    secret_follows = False
    for argument in arguments:
        key, separator, value = argument.removeprefix("-D").partition("=")
        if secret_follows and not argument.startswith("-"):
            shown.append(MASK)
        elif separator and is_sensitive(key) and not _HARMLESS.fullmatch(value):
            shown.append(f"{argument[: len(argument) - len(value)]}{MASK}")
        else:
            shown.append(redact_text(argument))
        secret_follows = argument.startswith("--") and not separator and is_sensitive(argument)
    return tuple(shown)


def redact_json(document: Any) -> Any:
    """JSON of REST or kubectl: values of sensitive keys, pairs of ``key`` (or ``name``) and ``value``, texts."""
    if isinstance(document, dict):
        key = document.get("key", document.get("name", ""))
        if isinstance(document.get("value"), str) and is_sensitive(str(key)):
            return {**document, "value": MASK}
        return {
            key: MASK if is_sensitive(key) and isinstance(value, str) and value else redact_json(value)
            for key, value in document.items()
        }
    if isinstance(document, list):
        if document and all(isinstance(entry, str) for entry in document):
            return list(redact_arguments(tuple(document)))
        return [redact_json(entry) for entry in document]
    return redact_text(document) if isinstance(document, str) else document
