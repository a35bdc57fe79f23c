"""The case while it is being recorded: a folder beside the output that an interrupted run leaves to be gone on with.

Each step that is done is noted at once; the next run with the same output does only what is not there yet.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flinkscope.capture.budget import StopBudget
from flinkscope.errors import FlinkscopeError, SourceError, UsageError
from flinkscope.progress import Progress
from flinkscope.redaction import redact_json, redact_text, redact_yaml
from flinkscope.sources.case import Case, CaseProcess, CaseWriter, open_case

_STEPS_FILE = ".steps.json"
_PACKED = (".gz", ".jfr", ".zip")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be had. ``stop_ms``: how long it is expected to stop the process; 0: not at all."""

    name: str
    kind: str
    process: str | None
    run: Callable[[Recording], None]
    stop_ms: int = 0


class Recording:
    """A case folder with the list of the steps that are done. ``redact``: secrets are taken out of every text."""

    def __init__(self, output: Path, target: str, identity: str, *, redact: bool = True) -> None:
        self.output = output
        self.redact = redact
        self._zipped = output.suffix == ".zip"
        self.folder = output.with_name(output.name + ".partial") if self._zipped else output
        self._done: set[str] = set()
        self._step: Step | None = None
        if (self.folder / _STEPS_FILE).is_file():
            self._go_on(target, identity)
        else:
            if output.exists() or self.folder.exists():
                raise UsageError(f"{output} exists already", hint="choose another name, or remove it")
            if not output.absolute().parent.is_dir():
                raise SourceError(f"{output.parent}: no such folder")
            self.writer = CaseWriter(self.folder, f"recorded from {target}", {"target": target, "identity": identity})
            self._save_steps()

    def done(self, step: Step) -> bool:
        """Whether an earlier run did that step."""
        return step.name in self._done

    def begin(self, step: Step) -> None:
        """The step whose artifacts are saved next."""
        self._step = step

    def finish(self, step: Step) -> None:
        """Notes that the step is done."""
        self._done.add(step.name)
        self._step = None
        self._save_steps()

    def put_process(self, process: CaseProcess) -> None:
        """Adds or replaces a process."""
        self.writer.put_process(process)

    def missing(self, kind: str, why: str, process: str | None = None) -> None:
        """Notes what could not be had, and why."""
        self.writer.note_missing(kind, redact_text(why) if self.redact else why, process=process)

    def path(self, name: str) -> Path:
        """Where an artifact of that name goes: below the folder of the step's process; its folders are made."""
        safe = "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
        path = self.folder / self._process_folder() / safe
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def add(self, path: Path, how: str, *, kind: str | None = None, redacted: bool = False) -> None:
        """Registers a file that was written to ``path(…)``."""
        step = self._current()
        self.writer.add(path, kind or step.kind, process=step.process, how=how, redacted=redacted)

    def save_text(self, name: str, text: str, how: str, *, kind: str | None = None) -> None:
        """A text, with secrets taken out."""
        kind = kind or self._current().kind
        if self.redact:
            text = redact_yaml(text) if kind == "config" else redact_text(text)
        path = self.path(name)
        path.write_text(text, encoding="utf-8")
        self.add(path, how, kind=kind, redacted=self.redact)

    def save_json(self, name: str, document: Any, how: str, *, kind: str | None = None) -> None:
        """A JSON document, with secrets taken out."""
        path = self.path(name)
        document = redact_json(document) if self.redact else document
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.add(path, how, kind=kind, redacted=self.redact)

    def close(self, labels: dict[str, str]) -> Case:
        """Ends the recording: the zip takes the place of the folder; the case as it can be opened now."""
        self.writer.label(**labels)
        (self.folder / _STEPS_FILE).unlink(missing_ok=True)
        if not self._zipped:
            return open_case(self.folder)
        _pack(self.folder, self.output)
        shutil.rmtree(self.folder)
        return open_case(self.output)

    def abandon(self) -> None:
        """Removes a folder in which nothing is."""
        if not self.writer.case().artifacts:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _go_on(self, target: str, identity: str) -> None:
        try:
            saved = json.loads((self.folder / _STEPS_FILE).read_text(encoding="utf-8"))
            before, done = saved["identity"], {str(name) for name in saved["done"]}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UsageError(f"{self.folder}: cannot be gone on with: {error}", hint="remove that folder") from error
        if before != identity:
            raise UsageError(
                f"{self.folder} was begun on another process ({saved.get('target')}, {before}); this is {identity}",
                hint="remove that folder or choose another name for the output",
            )
        self._done = done
        self.writer = CaseWriter.resume(self.folder)

    def _save_steps(self) -> None:
        labels = self.writer.case().labels
        document = {"target": labels["target"], "identity": labels["identity"], "done": sorted(self._done)}
        temporary = self.folder / f"{_STEPS_FILE}.new"
        temporary.write_text(json.dumps(document), encoding="utf-8")
        os.replace(temporary, self.folder / _STEPS_FILE)

    def _current(self) -> Step:
        if self._step is None:
            raise RuntimeError("an artifact is saved outside of a step")
        return self._step

    def _process_folder(self) -> str:
        process = self._current().process or ""
        return "".join(c if c.isalnum() or c in "._-" else "_" for c in process)


def run_steps(steps: Sequence[Step], recording: Recording, budget: StopBudget, progress: Progress) -> int:
    """Does the steps in their order; each that fails is noted with its reason. How many succeeded or had before."""
    progress.phase("recording", len(steps), "")
    succeeded = 0
    for number, step in enumerate(steps):
        progress.advance(number)
        succeeded += recording.done(step) or _try(step, recording, budget)
    return succeeded


def _try(step: Step, recording: Recording, budget: StopBudget) -> bool:
    refusal = budget.refusal(step.process, step.stop_ms) if step.stop_ms else None
    if refusal is not None:
        recording.missing(step.kind, f"{step.name}: {refusal}", step.process)
        return False
    began = time.monotonic()
    recording.begin(step)
    try:
        step.run(recording)
    except FlinkscopeError as error:
        recording.missing(step.kind, f"{step.name}: {error.message}", step.process)
        return False
    except OSError as error:
        recording.missing(step.kind, f"{step.name}: {error}", step.process)
        return False
    finally:
        if step.stop_ms:
            budget.charge(step.process, int((time.monotonic() - began) * 1000), step.stop_ms)
    recording.finish(step)
    return True


def _pack(folder: Path, output: Path) -> None:
    temporary = output.with_name(output.name + ".new")
    handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w+b") as stream, zipfile.ZipFile(stream, "w", compresslevel=1) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            packed = zipfile.ZIP_STORED if path.suffix in _PACKED else zipfile.ZIP_DEFLATED
            archive.write(path, path.relative_to(folder).as_posix(), compress_type=packed)
    os.replace(temporary, output)
