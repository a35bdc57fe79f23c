"""Passwords of configurations, logs and URLs are in nothing that is shown or written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from flinkscope.cli.main import cli

CONFIG = """taskmanager.memory.process.size: 1728m
taskmanager.memory.managed.szie: 1g
s3.secret-key: geheim1
s3.access-key: geheim2
security.ssl.rest.keystore-password: geheim3
env.java.opts.all: -Djavax.net.ssl.trustStorePassword=geheim4 -Xss1m -Dmy.token=geheim5
env.java.opts.taskmanager: -XX:MaxDirectMemorySize=1g -Dfoo.password=geheim6
metrics.reporter.dghttp.apikey: geheim7
kubernetes.env: DB_PASSWORD:geheim8
jobmanager.archive.fs.dir: hdfs://user:geheim9@namenode:9000/x
"""
LOG = """2026-11-21 10:00:00,000 INFO  a.b.TaskManagerRunner [] -  JVM Options:
2026-11-21 10:00:00,000 INFO  a.b.TaskManagerRunner [] -     -Dpassword=geheim10
2026-11-21 10:00:00,000 INFO  org.apache.flink.configuration.GlobalConfiguration [] - Loading configuration property: \
s3.secret-key, geheim11
2026-11-21 10:00:01,000 ERROR org.apache.flink.runtime.taskexecutor.TaskManagerRunner [] - Fatal error occurred \
java.lang.OutOfMemoryError: Java heap space jdbc:mysql://u:geheim12@h/db?password=geheim13
"""
COMMANDS = (
    "memory config.yaml", "memory config.yaml --json", "lint config.yaml", "lint config.yaml --json",
    "lint config.yaml --upgrade-to 1.20", "size config.yaml --live-set 300m", "size config.yaml --live-set 300m --json",
    "diagnose .", "diagnose . --json", "diagnose . -o report.html -o report.md -o report.json", "diagnose . --lang zh",
    "compare . . --json",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_secret_is_shown_or_written(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "config.yaml").write_text(CONFIG)
    (evidence / "flink.log").write_text(LOG)
    monkeypatch.chdir(evidence)
    done = CliRunner().invoke(cli, command.split())
    assert done.exit_code in (0, 1), done.output
    written = [path.read_text() for path in evidence.iterdir() if path.name not in ("config.yaml", "flink.log")]
    for text in (done.output, *written):
        assert "geheim" not in text, text[max(0, text.index("geheim") - 200) :][:400]
    assert done.output.strip() or written
