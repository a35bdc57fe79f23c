"""Every option of the job, once: name, kind, default, help. The command line, the job's arguments and the manifest come
from this table, so an option means the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TEXT, CHOICE, WHOLE, DURATION, FLAG, FOLDER = "text", "choice", "whole", "duration", "flag", "folder"
INPUT, COUNT, OUTPUT, RUNNING = "input", "count", "output", "running"


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``default`` None: not given to the job unless somebody sets it. ``most``/``least``: of numbers."""

    name: str
    kind: str
    group: str
    help: str
    default: str | None = None
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 2**62


OPTIONS: tuple[Option, ...] = (
    Option("source", CHOICE, INPUT, "Else by --path or --topic; the generator if neither is there.", None,
           ("files", "kafka", "generator")),
    Option("path", TEXT, INPUT, "Files, folders or globs, separated by commas; .gz .bz2 .xz .zst are unpacked."),
    Option("format", CHOICE, INPUT, "Of files and Kafka messages; else by the files' names.", None,
           ("csv", "jsonl", "parquet")),
    Option("watch", DURATION, INPUT, "Look for new files so often; 0 s: count what is there and end.", "0 s"),
    Option("bootstrap-servers", TEXT, INPUT, "Kafka's brokers, host:port."),
    Option("topic", TEXT, INPUT, "Kafka topics, separated by commas."),
    Option("group-id", TEXT, INPUT, "Kafka's consumer group."),
    Option("start", CHOICE, INPUT, "Where a Kafka topic is read from.", None, ("earliest", "latest", "committed")),
    Option("until-now", FLAG, INPUT, "Read the topic up to what is in it now, and end."),
    Option("kafka-properties", TEXT, INPUT, "More client properties, name=value, one a line."),
    Option("events", WHOLE, INPUT, "Generator: how many.", None, least=1, most=2**40),
    Option("seed", WHOLE, INPUT, "Generator: the same seed gives the same events."),
    Option("items", WHOLE, INPUT, "Generator: items of the shop.", None, least=1, most=2**40),
    Option("users", WHOLE, INPUT, "Generator: users.", None, least=1, most=2**31),
    Option("first-ms", WHOLE, INPUT, "Generator: time of the first event, ms since 1970.  [21:00, 2017-11-26]"),
    Option("span-ms", WHOLE, INPUT, "Generator: event time from first to last.  [6 h, so it crosses midnight]",
           None, least=1, most=2**40),
    Option("disorder-ms", WHOLE, INPUT, "Generator: events come up to so much after their time.", None, most=2**31),
    Option("duplicates-per-mille", WHOLE, INPUT, "Generator: share of repeated events.", None, most=1000),
    Option("late-per-mille", WHOLE, INPUT, "Generator: share of events that come 26 h late.", None, most=1000),
    Option("hold", FOLDER, INPUT, "Generator: do not end before this file is there."),
    Option("rate", WHOLE, INPUT, "At most so many rows a second; 0: as fast as it goes.", None),
    Option("max-ahead", DURATION, INPUT, "A row further in the future is malformed.", "1 d"),
    Option("zone", TEXT, COUNT, "Time zone of the days.", "Asia/Shanghai"),
    Option("key", TEXT, COUNT, "itemId, categoryId, behavior, another column of JSON rows, or shop.", "itemId"),
    Option("step", DURATION, COUNT, "Results are refreshed so often, in event time.", "3 min"),
    Option("watermark-delay", TEXT, COUNT,
           "How much out of order rows may be; end: days end with the input.  [end for bounded files, else 5 s]"),
    Option("idleness", DURATION, COUNT, "A file or partition without rows for so long holds nobody up; 0 s: it does.",
           "0 s"),
    Option("lateness", DURATION, COUNT, "Rows count so long after the end of their day.", "0 s"),
    Option("late-dir", FOLDER, COUNT, "Keep late rows there, as CSV."),
    Option("dead-letter-dir", FOLDER, COUNT, "Keep malformed rows there, as CSV: the row and the reason."),
    Option("dead-letter-topic", TEXT, COUNT, "Send malformed rows to this Kafka topic."),
    Option("design", CHOICE, COUNT, "How it counts: see uv compare.", "bucket",
           ("bucket", "group", "cumulate", "quiet", "approx", "incident")),
    Option("trigger", CHOICE, COUNT, "Design incident: how its window fires.", None, ("purging", "bare", "evictor")),
    Option("buckets", WHOLE, COUNT, "Design bucket: keys of the keyed stream a day.", None, least=1, most=1 << 20),
    Option("precision", WHOLE, COUNT, "Design approx: 2^N registers; 12 errs by 1.6 %.", None, least=8, most=16),
    Option("bitmap", CHOICE, COUNT, "Designs in SQL: Flink's bitmap function or ours.", None, ("auto", "own")),
    Option("backend", CHOICE, COUNT, "State backend.  [hashmap; rocksdb for group and cumulate]", None,
           ("hashmap", "rocksdb", "forst")),
    Option("sink", TEXT, OUTPUT, "redis, print, files, kafka, jdbc; several separated by commas.", "redis"),
    Option("redis", TEXT, OUTPUT, "redis[s]://[user:password@]host:port[/db]; a cluster's nodes separated by commas."),
    Option("prefix", TEXT, OUTPUT, "Of the hashes in Redis.", "uv:"),
    Option("ttl", DURATION, OUTPUT, "A day's hash lives so long after its last change.", "7 d"),
    Option("redis-cluster", FLAG, OUTPUT, "Redis is a cluster."),
    Option("redis-ca-file", TEXT, OUTPUT, "Certificate authority of its TLS, PEM, on the TaskManagers."),
    Option("redis-password-file", TEXT, OUTPUT, "A file on the TaskManagers that holds the password."),
    Option("redis-batch", WHOLE, OUTPUT, "Counts in one pipeline.", None, least=1, most=100_000),
    Option("redis-flush", DURATION, OUTPUT, "A count waits no longer than this.", None),
    Option("redis-retry", DURATION, OUTPUT, "Try again so long before the job goes back to its last checkpoint.", None),
    Option("redis-timeout", DURATION, OUTPUT, "Of one answer.", None),
    Option("out", FOLDER, OUTPUT, "Sink files: CSV rows day,key,visitors; the largest of a (day, key) counts."),
    Option("out-topic", TEXT, OUTPUT, "Sink kafka: key day,key, value the count; let it be compacted."),
    Option("jdbc-url", TEXT, OUTPUT, "Sink jdbc: its table has day, item, visitors, primary key (day, item)."),
    Option("jdbc-table", TEXT, OUTPUT, "Sink jdbc.", None),
    Option("jdbc-user", TEXT, OUTPUT, "Sink jdbc."),
    Option("jdbc-password", TEXT, OUTPUT, "Sink jdbc; the cluster's web interface shows it."),
    Option("checkpoint-interval", DURATION, RUNNING, "0 s: no checkpoints.", "10 s"),
    Option("checkpoint-dir", FOLDER, RUNNING, "Checkpoints stay there when the job ends or dies."),
    Option("restarts", WHOLE, RUNNING, "In a row, before the job fails.", "30", least=0, most=1_000_000),
)  # fmt: skip

BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}
