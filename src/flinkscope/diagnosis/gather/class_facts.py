"""Facts from class histograms and from ``VM.classloader_stats``: who is how often there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flinkscope.diagnosis.gather.user_holds import GENERATED_LOADERS
from flinkscope.errors import SourceError
from flinkscope.flink.histogram_ratios import StateRatios, state_ratios
from flinkscope.flink.lens.loader_jobs import USER_LOADERS
from flinkscope.formats.class_histogram import ClassHistogram, parse_class_histogram
from flinkscope.formats.classloader_stats import parse_classloader_stats
from flinkscope.formats.native_memory import NativeMemory, parse_native_memory
from flinkscope.sources.recognise import text_of

MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """A histogram: the ratios that tell of window state, all rows, and how many user class loaders are alive."""

    ratios: StateRatios
    census: ClassHistogram

    @property
    def loader_count(self) -> int:
        """User class loaders among the objects."""
        return sum(row.objects for row in self.census.rows if row.class_name in USER_LOADERS)


@dataclass(frozen=True, slots=True)
class JvmFacts:
    """The answer of one diagnostic command; what it does not tell is None."""

    native: NativeMemory | None = None
    loader_count: int | None = None
    generated_loaders: int | None = None


def class_facts(path: Path, name: str) -> ClassFacts:
    """One histogram. Raises SourceError, or UnreadableInputError when it is none."""
    census = parse_class_histogram(_text(path), name)
    return ClassFacts(state_ratios(census), census)


def jvm_facts(path: Path, name: str) -> JvmFacts | None:
    """What one text of a diagnostic command tells; None where no rule uses that command. Raises SourceError."""
    text = _text(path)
    if "Native Memory Tracking:" in text:
        return JvmFacts(native=parse_native_memory(text, name))
    if text.lstrip().startswith("ClassLoader") and "CLD*" in text[:2000]:
        rows = parse_classloader_stats(text).loaders
        users = sum(row.class_name in USER_LOADERS for row in rows)
        generated = sum(bool(GENERATED_LOADERS.search(row.class_name)) for row in rows)
        return JvmFacts(loader_count=users, generated_loaders=generated)
    return None


def _text(path: Path) -> str:
    try:
        return text_of(path, MOST_BYTES)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
