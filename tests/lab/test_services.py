"""More jobs whose main() does not close what it used: stores, servers, microservice kits, the JDK and Flink itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab_support.library_jobs import OWN, assert_pins_are_named, built, leaked_by_use

EXPECTED = {
    "Stores$Oracle": {("jdbc_driver", "Oracle JDBC"), ("mbean", "Oracle JDBC")},
    "Stores$SqlServer": {("jdbc_driver", "SQL Server JDBC")},
    "Stores$MariaDb": {("jdbc_driver", "MariaDB Connector/J")},
    "Stores$Derby": {("jdbc_driver", "Derby"), ("mbean", "Derby"), ("thread", "Derby")},
    "Stores$Sqlite": {("jdbc_driver", "SQLite")},
    "Stores$ClickHouse": {("jdbc_driver", "ClickHouse")},
    "Stores$Hadoop": {("shutdown_hook", "Hadoop"), ("thread", "Hadoop")},
    "Stores$Iceberg": {("executor", "Iceberg"), ("shutdown_hook", "Iceberg")},
    "Stores$HazelcastMember": {("thread", "Hazelcast"), ("mbean", "Hazelcast"), ("shutdown_hook", "Hazelcast")},
    "Stores$Influx": {("executor", "InfluxDB")},
    "Stores$Oss": {("thread", "OSS SDK")},
    "Stores$FileCleaning": {("thread", "Commons IO")},
    "Services$JettyServer": {("thread", "Jetty")},
    "Services$JettyClient": {("thread", "Jetty")},
    "Services$UndertowServer": {("thread", "Undertow"), ("mbean", "Undertow")},
    "Services$TomcatServer": {("thread", "Tomcat"), ("mbean", "Tomcat")},
    "Services$Apollo": {("executor", "Apollo")},
    "Services$Sentinel": {("executor", "Sentinel"), ("thread", "Sentinel")},
    "Services$RocketMq": {("executor", "RocketMQ"), ("thread", "RocketMQ")},
    "Services$Pulsar": {("thread", "Pulsar")},
    "Services$Zipkin": {("thread", "Zipkin")},
    "Services$HystrixCall": {("executor", "Hystrix"), ("executor", "RxJava")},
    "Services$Bulkhead": {("executor", "Resilience4j")},
    "Services$SpringTasks": {("executor", "Spring")},
    "Services$AsyncHttp": {("thread", "AsyncHttpClient")},
    "Services$WheelTimer": {("thread", "Netty")},
    "Services$Coroutines": {("thread", "Kotlin coroutines")},
    "Services$Logback": {("thread", "Logback")},
    "Services$Meters": {("executor", "Micrometer"), ("mbean", "Micrometer")},
    "Platform$Zones": {("static_field", OWN)},
    "Platform$TrustAll": {("static_field", OWN)},
    "Platform$Login": {("static_field", OWN)},
    "Platform$Cookies": {("static_field", OWN)},
    "Platform$Password": {("static_field", OWN)},
    "Platform$FlightEvents": {("static_field", OWN)},
    "Platform$FlightStream": {("thread", "JDK Flight Recorder"), ("thread_context_loader", "JDK Flight Recorder")},
    "Platform$Channel": {("static_field", OWN)},
    "Platform$Picture": {("static_field", "flinkscope-services.jar")},
    "Platform$Timeout": {("executor", OWN)},
    "Platform$TypeFactory": {("static_field", OWN)},
}
NO_LEAK = ("Platform$LogLevel",)
# what lets go when it is closed as its authors say; of the others something stays (hooks of Iceberg, a logging thread
# of RocketMQ, RxJava under Hystrix, JFR's threads, those of the JVM's channel group), or there is nothing to close
CLOSED = (
    "Stores$Oracle", "Stores$Derby", "Stores$Sqlite", "Stores$HazelcastMember", "Stores$Influx", "Stores$Oss",
    "Services$JettyServer", "Services$TomcatServer", "Services$Pulsar", "Services$Zipkin", "Services$Bulkhead",
    "Services$AsyncHttp", "Services$WheelTimer", "Services$Coroutines", "Services$Logback", "Services$Meters",
    "Platform$TrustAll",
)  # fmt: skip


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("services", tmp_path_factory.mktemp("services"))


@pytest.mark.flink
@pytest.mark.heavy
def test_each_service_s_pins_have_their_kind_library_and_remedy(jar: Path, tmp_path: Path) -> None:
    found = leaked_by_use(jar, [*EXPECTED, *NO_LEAK], tmp_path / "leaks.hprof")
    assert_pins_are_named(found, EXPECTED, NO_LEAK)


@pytest.mark.flink
@pytest.mark.heavy
def test_what_is_closed_lets_go(jar: Path, tmp_path: Path) -> None:
    found = leaked_by_use(jar, list(CLOSED), tmp_path / "closed.hprof", "--healthy", "yes")
    assert {name: [pin.title for pin in row.pins] for name, row in found.items()} == {}
