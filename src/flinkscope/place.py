"""Where a claim comes from: a file with line, byte offset or heap address, a configuration key, a REST path."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One spot in the evidence. Prints as ``gc.log:1234``, ``heap.hprof 0x7f12``, ``config.yaml:17 [key]``."""

    source: str
    line: int | None = None
    address: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        text = self.source
        if self.line is not None:
            text += f":{self.line}"
        if self.address is not None:
            text += f" {self.address:#x}"
        if self.key is not None:
            text += f" [{self.key}]"
        return text
