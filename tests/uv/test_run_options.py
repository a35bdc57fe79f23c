"""The job's options: one table for the command line, the job's arguments and the manifest; what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli
from flinkscope.cli.uv_run import command as run_command
from flinkscope.errors import SourceError, UsageError
from flinkscope.uv.designs import DESIGNS, stated_error_bp
from flinkscope.uv.failure import explained, is_hopeless
from flinkscope.uv.job import duration_ms, uv_job
from flinkscope.uv.job_options import OPTIONS

JAVA = Path(__file__).parents[2] / "jobs" / "uv" / "src" / "main" / "java" / "flinkscope" / "uv"


def test_every_option_is_one_of_the_command_and_one_that_the_job_reads() -> None:
    words = {word for parameter in run_command.params for word in parameter.opts}
    sources = "\n".join(path.read_text(encoding="utf-8") for path in JAVA.glob("*.java"))
    for option in OPTIONS:
        assert f"--{option.name}" in words
        assert f'"{option.name}"' in sources, option.name


def test_the_defaults_make_a_job_of_the_generator_for_redis() -> None:
    job = uv_job({})
    assert job["source"] == "generator"
    assert job["redis"].startswith("redis://127.0.0.1")
    words = job.arguments()
    assert dict(zip(words[::2], words[1::2], strict=True))["--design"] == "bucket"
    assert job.bounded


def test_bounded_files_wait_for_their_end_and_streams_do_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2,3,pv,1511701200\n")
    (tmp_path / "b.csv").write_text("1,2,3,pv,1511701200\n")
    bounded = uv_job({"path": str(tmp_path), "sink": "print"})
    assert bounded["watermark-delay"] == "end"
    assert bounded["path"] == f"{tmp_path}/a.csv,{tmp_path}/b.csv"
    watched = uv_job({"path": str(tmp_path), "sink": "print", "watch": "2 s"})
    assert watched["watermark-delay"] == "5000 ms"
    assert not watched.bounded


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"zone": "Asia/Shangai"}, "not a time zone"),
        ({"step": "soon"}, "not a duration"),
        ({"step": "0 s"}, "--step"),
        ({"design": "cumulate", "step": "7 min", "key": "shop"}, "divide the day"),
        ({"design": "cumulate"}, "every key at every step"),
        ({"design": "approx", "backend": "rocksdb"}, "on the heap"),
        ({"source": "kafka", "topic": "t"}, "--bootstrap-servers"),
        ({"sink": "files"}, "--out"),
        ({"sink": "mysql"}, "--sink 'mysql'"),
        ({"events": "0"}, "--events"),
        ({"nonsense": "1"}, "no option --nonsense"),
        ({"key": "city"}, "no column 'city'"),
        ({"checkpoint-interval": "0 s", "late-dir": "late"}, "closed by checkpoints"),
        ({"redis-cluster": "maybe", "precision": "99"}, "--precision"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        uv_job({"sink": "print", **options})
    assert said in refused.value.message
    assert refused.value.hint


def test_cumulate_for_many_keys_passes_with_force() -> None:
    assert uv_job({"sink": "print", "design": "cumulate"}, force=True)["backend"] == "rocksdb"


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such event file"):
        uv_job({"path": str(tmp_path / "none.csv"), "sink": "print"})


@pytest.mark.parametrize(("text", "ms"), [("3 min", 180_000), ("90s", 90_000), ("7 d", 604_800_000), ("5 ms", 5)])
def test_durations_as_flink_reads_them(text: str, ms: int) -> None:
    assert duration_ms(text) == ms


def test_the_stated_error_is_that_of_hyperloglog() -> None:
    assert stated_error_bp(12) == 162
    assert [name for name, design in DESIGNS.items() if not design.exact] == ["approx"]


def test_failures_are_explained() -> None:
    trace = (
        "org.apache.flink.runtime.JobException: Recovery is suppressed\n"
        "\tat org.apache.flink.Some.where(Some.java:1)\n"
        "Caused by: java.io.IOException: Redis at redis://r:6379 is full (maxmemory reached); 12 counts wait\n"
    )
    assert explained([trace]) == "Redis at redis://r:6379 is full (maxmemory reached); 12 counts wait"
    assert not is_hopeless(trace)
    refused = trace.replace("is full (maxmemory reached)", "refuses user or password: WRONGPASS invalid")
    refused += "Caused by: redis.clients.jedis.exceptions.JedisAccessControlException: WRONGPASS invalid\n"
    assert explained([refused]) == "Redis at redis://r:6379 refuses user or password: WRONGPASS invalid; 12 counts wait"
    assert is_hopeless(refused)
    missing = "Caused by: org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host"
    assert "does not exist" in explained([missing])
    assert is_hopeless(missing)
    assert explained([]) == ""


def test_wrong_words_end_with_code_2_and_no_traceback() -> None:
    done = CliRunner().invoke(cli, ["uv", "run", "--zone", "Mars/Olympus"])
    assert isinstance(done.exception, UsageError)
    assert CliRunner().invoke(cli, ["uv", "run", "--help"]).exit_code == 0
