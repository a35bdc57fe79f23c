"""Every error that flinkscope raises on purpose: one class a cause, each with its exit code and a hint.

A person sees ``message`` and ``hint``; a program reads ``exit_code``. Anything else that escapes is our bug (70).
"""

from __future__ import annotations

from collections.abc import Sequence


class FlinkscopeError(Exception):
    """Base of all expected errors. ``hint`` says what to do next, in one sentence."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(FlinkscopeError):
    """The call's words do not fit together."""

    exit_code = 2


class SourceError(FlinkscopeError):
    """A file, process, pod or address cannot be reached or must not be read."""

    exit_code = 3


class UnreadableInputError(FlinkscopeError):
    """What was read is not what it should be; nothing useful is in it."""

    exit_code = 4


class FormatError(UnreadableInputError):
    """The bytes at ``offset`` of ``path`` are not what the format asks for."""

    def __init__(self, path: str, offset: int, expected: str, found: str, *, hint: str = "") -> None:
        super().__init__(f"{path}: at byte {offset:,}: expected {expected}, found {found}", hint=hint)
        self.path = path
        self.offset = offset
        self.expected = expected
        self.found = found


class MemoryConfigError(UnreadableInputError):
    """Flink itself would refuse this memory configuration. ``messages``: Flink's own texts, outermost first."""

    def __init__(self, messages: Sequence[str], *, hint: str = "") -> None:
        super().__init__(messages[0] if messages else "illegal memory configuration", hint=hint)
        self.messages = tuple(messages)


class LabError(FlinkscopeError):
    """The lab could not bring up, feed or stop its Flink."""

    exit_code = 3
