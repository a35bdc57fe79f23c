"""Jobs whose main() uses a well-known library and does not close it: every pin has its kind, library and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab_support.library_jobs import OWN, assert_pins_are_named, built, leaked_by_use

EXPECTED = {
    "Clients$Kafka": {("thread", "Kafka"), ("mbean", "Kafka")},
    "Clients$Grpc": {("executor", "gRPC"), ("thread", "gRPC")},
    "Clients$Netty": {("thread", "Netty")},
    "Clients$AwsTwo": {("executor", "AWS SDK")},
    "Clients$Mongo": {("thread", "MongoDB driver"), ("executor", "MongoDB driver")},
    "Clients$Lettuce": {("thread", "Lettuce")},
    "Clients$Jedis": {("mbean", "Jedis")},
    "Clients$Elasticsearch": {("thread", "Elasticsearch")},
    "Clients$Curator": {("executor", "ZooKeeper/Curator"), ("thread", "ZooKeeper/Curator")},
    "Clients$VertX": {("shutdown_hook", "Vert.x"), ("timer", "Vert.x")},
    "Pools$CommonsPool": {("executor", "Commons Pool"), ("mbean", "Commons Pool")},
    "Pools$Druid": {("thread", "Druid"), ("mbean", "Druid"), ("jdbc_driver", "Druid")},
    "Pools$Hikari": {("executor", "HikariCP"), ("jdbc_driver", "H2")},
    "Pools$MySql": {("executor", "MySQL Connector/J"), ("jdbc_driver", "MySQL Connector/J")},
    "Pools$PostgreSql": {("jdbc_driver", "PostgreSQL JDBC")},
    "Frameworks$Quartz": {("thread", "Quartz")},
    "Frameworks$RxJava": {("executor", "RxJava")},
    "Frameworks$Reactor": {("executor", "Reactor")},
    "Frameworks$CaffeineCache": {("executor", OWN)},
    "Frameworks$Metrics": {("mbean", "Dropwizard Metrics")},
    "Frameworks$BouncyCastle": {("security_provider", "Bouncy Castle")},
    "Frameworks$Groovy": {("static_field", "Groovy")},
    "Frameworks$PrometheusServer": {("timer", "Prometheus client"), ("thread_context_loader", "JDK HttpServer")},
    "Frameworks$Telemetry": {("thread", "OpenTelemetry")},
    "Frameworks$Spring": {("shutdown_hook", "Spring")},
    "Frameworks$Jna": {("thread", "JNA")},
    "Jdk$Verifier": {("static_field", OWN)},
    "Jdk$Output": {("static_field", OWN)},
    "Jdk$GcListener": {("mbean", OWN)},
    "Jdk$Http": {("timer", "JDK HttpServer"), ("thread_context_loader", "JDK HttpServer")},
    "Jdk$Rmi": {("static_field", OWN)},
    "Jdk$Scheduled": {("executor", OWN)},
    "Jdk$Signals": {("static_field", OWN)},
}
NO_LEAK = ("Frameworks$Guava", "Jdk$ForkJoin", "Jdk$Inherited")  # their threads end by themselves
# closing these as their authors say leaves something: a static pool, a queued task, ClassValues (of Groovy, which some
# service of the common jar starts)
STAYS = {"Clients$Elasticsearch", "Clients$Mongo", "Pools$Druid", "Frameworks$CaffeineCache", "Frameworks$Groovy"}


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("libraries", tmp_path_factory.mktemp("libraries"))


@pytest.mark.flink
@pytest.mark.heavy
def test_each_library_s_pins_have_their_kind_library_and_remedy(jar: Path, tmp_path: Path) -> None:
    found = leaked_by_use(jar, [*EXPECTED, *NO_LEAK], tmp_path / "leaks.hprof")
    assert_pins_are_named(found, EXPECTED, NO_LEAK)


@pytest.mark.flink
@pytest.mark.heavy
def test_the_libraries_own_remedies_let_go(jar: Path, tmp_path: Path) -> None:
    closed = [name for name in EXPECTED if name not in STAYS]
    found = leaked_by_use(jar, closed, tmp_path / "closed.hprof", "--healthy", "yes")
    assert {name: [pin.title for pin in row.pins] for name, row in found.items()} == {}
