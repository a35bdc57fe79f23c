"""A daily-UV job: its options, checked, as the job's main() takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flinkscope.errors import UsageError
from flinkscope.uv import job_options
from flinkscope.uv.designs import DESIGNS, check_design
from flinkscope.uv.job_options import BY_NAME, CHOICE, DURATION, FLAG, FOLDER, OPTIONS, WHOLE, Option
from flinkscope.uv.sources import event_files, key_column
from flinkscope.uv.store import DEFAULT_URL
from flinkscope.uv.zone import time_zone

JAR = Path(__file__).parent.parent / "lab" / "jobs" / "flinkscope-uv.jar"
ENTRY_CLASS = "flinkscope.uv.DailyUv"
SINKS = ("redis", "print", "files", "kafka", "jdbc")
DAY_MS = 86_400_000
# As org.apache.flink.util.TimeUtils (2.3.0) reads them.
_UNITS_MS = {"ms": 1, "s": 1000, "sec": 1000, "min": 60_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
_DURATION = re.compile(r"\s*(\d{1,12})\s*([a-z]{1,3})\s*")
_NEEDED = {
    "files": ("path",),
    "kafka": ("bootstrap-servers", "topic"),
    "sink redis": ("redis",),
    "sink kafka": ("bootstrap-servers", "out-topic"),
    "sink files": ("out",),
    "sink jdbc": ("jdbc-url",),
}


@dataclass(frozen=True, slots=True)
class UvJob:
    """The options that are set, by name, checked and normalised (``uv_job`` makes it)."""

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """The option's value; an empty text where it is not set."""
        return self.values.get(name, "")

    def arguments(self) -> list[str]:
        """``--name value`` …, for the main() of ``ENTRY_CLASS`` in ``JAR``."""
        values = dict(self.values)
        if self["checkpoint-dir"].startswith("/"):  # Flink's checkpoint storage takes no path without a scheme
            values["checkpoint-dir"] = Path(self["checkpoint-dir"]).as_uri()
        return [word for option in OPTIONS if option.name in values
                for word in (f"--{option.name}", values[option.name])]  # fmt: skip

    @property
    def sinks(self) -> tuple[str, ...]:
        """Where results go."""
        return tuple(self["sink"].split(","))

    @property
    def bounded(self) -> bool:
        """Whether its input ends by itself."""
        if self["source"] == "kafka":
            return self["until-now"] == "true"
        return self["source"] == "generator" or duration_ms(self["watch"]) == 0


def uv_job(options: Mapping[str, str], *, force: bool = False, local: bool = True) -> UvJob:
    """The job with these options and the table's defaults.

    ``local``: it will run on this machine, so that paths must exist here and are made absolute. Raises UsageError for
    what is unknown, malformed, missing or does not fit together; SourceError for a file that is not there.
    """
    unknown = [name for name in options if name not in BY_NAME]
    if unknown:
        raise UsageError(f"no option --{unknown[0]}", hint="flinkscope uv run --help")
    values = {option.name: option.default for option in OPTIONS if option.default is not None}
    values |= {name: _checked(BY_NAME[name], value, local) for name, value in options.items()}
    values["zone"] = str(time_zone(values["zone"]))
    values["key"] = key_column(values["key"])
    _decide_source(values, local)
    values.setdefault("backend", DESIGNS[values["design"]].backend)
    check_design(values["design"], values["key"], values["backend"], force=force)
    _check_count(values)
    _check_sinks(values)
    return UvJob(values)


def duration_ms(text: str, name: str = "") -> int:
    """``3 min``, ``90s``, ``7 d`` in milliseconds, as Flink reads them. Raises UsageError."""
    match = _DURATION.fullmatch(text.lower())
    if match is None or match[2] not in _UNITS_MS:
        where = f"--{name} " if name else ""
        raise UsageError(f"{where}{text!r} is not a duration", hint="write it like 500 ms, 3 min, 24 h or 7 d")
    return int(match[1]) * _UNITS_MS[match[2]]


def _checked(option: Option, value: str, local: bool) -> str:
    if option.kind == CHOICE and value not in option.choices:
        raise UsageError(f"--{option.name} {value!r}", hint=f"one of {', '.join(option.choices)}")
    if option.kind == DURATION:
        return f"{duration_ms(value, option.name)} ms"
    if option.kind == WHOLE:
        if not re.fullmatch(r"\d{1,18}", value) or not option.least <= int(value) <= option.most:
            raise UsageError(f"--{option.name} {value!r}", hint=f"a number from {option.least} to {option.most:,}")
        return value
    if option.kind == FLAG:
        return "true" if value in ("true", "1") else "false"
    if option.kind == FOLDER and local and "://" not in value:
        return str(Path(value).absolute())
    return value


def _decide_source(values: dict[str, str], local: bool) -> None:
    source = values.get("source") or ("files" if "path" in values else "kafka" if "topic" in values else "generator")
    values["source"] = source
    _need(values, source)
    if source == "files":
        _decide_files(values, local)
    elif source == "kafka" and values.get("format") == "parquet":
        raise UsageError("--format parquet: Kafka messages are CSV or JSON rows", hint="--format csv or jsonl")
    files_end = source == "files" and duration_ms(values["watch"]) == 0
    values.setdefault("watermark-delay", "end" if files_end else "5 s")
    if values["watermark-delay"] != "end":
        values["watermark-delay"] = f"{duration_ms(values['watermark-delay'], 'watermark-delay')} ms"


def _decide_files(values: dict[str, str], local: bool) -> None:
    words = [word.strip() for word in values["path"].split(",") if word.strip()]
    if not local or any("://" in word for word in words):
        return
    if duration_ms(values["watch"]) > 0:
        missing = [word for word in words if not Path(word).is_dir()]
        if missing:
            raise UsageError(f"{missing[0]}: --watch needs a folder", hint="new files appear in folders")
        values["path"] = ",".join(str(Path(word).absolute()) for word in words)
        values.setdefault("format", "csv")
        return
    found = event_files(words, values.get("format"))
    values["format"] = found.format
    if found.format == "parquet":
        if len(words) > 1 or not Path(words[0]).exists():
            raise UsageError("Parquet: one file or one folder", hint="--path FOLDER")
        values["path"] = str(Path(words[0]).absolute())
        return
    commas = [path for path in found.paths if "," in str(path.absolute())]
    if commas:
        raise UsageError(f"{commas[0]}: a comma in a path", hint="commas separate paths; rename it")
    values["path"] = ",".join(str(path.absolute()) for path in found.paths)


def _check_count(values: dict[str, str]) -> None:
    step_ms = duration_ms(values["step"], "step")
    if not 0 < step_ms <= DAY_MS or step_ms % 1000:
        raise UsageError(f"--step {values['step']}", hint="whole seconds, at most a day")
    if values["design"] == "cumulate" and DAY_MS % step_ms:
        raise UsageError("--design cumulate: the step must divide the day", hint="for example --step '3 min'")
    if duration_ms(values["checkpoint-interval"]) == 0 and any(n in values for n in ("late-dir", "dead-letter-dir")):
        raise UsageError("--checkpoint-interval 0 s: files of rows put aside are closed by checkpoints",
                         hint="--checkpoint-interval '10 s'")  # fmt: skip
    known = {"itemId", "categoryId", "userId", "behavior", "*"}
    if values["key"] not in known and values["design"] in ("incident", "quiet"):
        raise UsageError(f"--design {values['design']} with --key {values['key']}", hint=f"one of {sorted(known)}")
    if values["key"] not in known and values.get("format", "csv") == "csv":
        raise UsageError(f"CSV rows have no column {values['key']!r}", hint="--format jsonl, or another --key")


def _check_sinks(values: dict[str, str]) -> None:
    sinks = [sink.strip() for sink in values["sink"].split(",")]
    for sink in sinks:
        if sink not in SINKS:
            raise UsageError(f"--sink {sink!r}", hint=f"of {', '.join(SINKS)}; several separated by commas")
    values["sink"] = ",".join(dict.fromkeys(sinks))
    if "redis" in sinks:
        values.setdefault("redis", DEFAULT_URL)
    for sink in sinks:
        _need(values, f"sink {sink}")
    if ("jdbc-user" in values) != ("jdbc-password" in values):
        raise UsageError("--jdbc-user and --jdbc-password go together", hint="or put both into --jdbc-url")


def _need(values: Mapping[str, str], what: str) -> None:
    for name in _NEEDED.get(what, ()):
        if not values.get(name):
            where = what if what.startswith("sink") else f"source {what}"
            raise UsageError(f"--{where} needs --{name}", hint=job_options.BY_NAME[name].help)
