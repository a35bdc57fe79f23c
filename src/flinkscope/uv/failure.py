"""From a stack trace of the job to the sentence that says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SAYING = re.compile(r"^(?:Caused by: )?[\w.$]+(?:Exception|Error)(?:: (?P<text>.+))?$", re.MULTILINE)
# (what is in the trace, what to say, whether trying again cannot help)
_KNOWN: tuple[tuple[str, str, bool], ...] = (
    ("UnknownTopicOrPartitionException", "the Kafka topic does not exist: create it, or look at --topic", True),
    ("NoOffsetForPartitionException", "--start committed: the group has no offsets yet", True),
    ("Could not find any factory for identifier 'parquet'", "flink-sql-parquet is not on the class path", True),
    ("Could not find any factory for identifier 'jdbc'", "the JDBC connector is not on the class path", True),
    ("any jdbc dialect factory", "give the database's dialect: --jar flink-connector-jdbc-NAME.jar", True),
    ("No suitable driver", "the database's driver is not on the class path: --jar DRIVER.jar", True),
    ("NoClassDefFoundError: org/apache/hadoop", "Parquet needs Hadoop on the class path", True),
    ("NoClassDefFoundError: org/apache/flink/connector/kafka", "the Kafka connector is not on the class path", True),
    ("Unexpected end of ZLIB input stream", "a compressed input file is cut off: flinkscope uv check names it", True),
    ("ZipException", "a compressed input file is damaged: flinkscope uv check names it", True),
    ("StateMigrationException", "the savepoint is of another design, backend or version of the job", True),
    ("There is no operator for the state", "the savepoint is of another design: use the design it was made with", True),
    ("refuses user or password", "", True),
    ("shows a certificate that is not believed", "", True),
    ("not a hash: choose another --prefix", "", True),
    ("counts wait", "", False),  # what the sink says of Redis; its client's words are further in
    ("java.lang.OutOfMemoryError", "the TaskManager ran out of memory: more --memory, or --design bucket", False),
)  # fmt: skip


def is_hopeless(trace: str) -> bool:
    """Whether the job would fail in the same way again."""
    return any(sign in trace and final for sign, _, final in _KNOWN)


def explained(traces: Sequence[str]) -> str:
    """One sentence: ours for a failure that is known, else the innermost message of the newest trace; '' for none."""
    for trace in traces:
        for sign, sentence, _ in _KNOWN:
            if sign in trace and sentence:
                return sentence
        texts = [match["text"] for match in _SAYING.finditer(trace) if match["text"]]
        ours = [text for text in texts if any(sign in text for sign, sentence, _ in _KNOWN if not sentence)]
        if ours:
            return ours[0].strip()[:500]
        if texts:
            return texts[-1].strip()[:500]
    return ""
