"""Which library a class or a thread belongs to, and the library's own way to let go."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flinkscope.flink.pin_catalogue import RELEASE_HOOK

_LIB = "put its jar into Flink's lib/ (and its package into classloader.parent-first-patterns.additional)"


@dataclass(frozen=True, slots=True)
class Library:
    """A library that is known to pin. ``classes``, ``threads``: how its class and thread names look."""

    name: str
    classes: re.Pattern[str] | None
    threads: re.Pattern[str] | None
    remedy: str


def _library(name: str, classes: str, threads: str, remedy: str) -> Library:
    return Library(name, re.compile(classes) if classes else None, re.compile(threads) if threads else None, remedy)


# Relocated (shaded) copies keep the tail of their names, so a prefix is allowed.
LIBRARIES = (
    _library("nacos", r"(^|\.)com\.alibaba\.nacos\.", r"^(com\.alibaba\.nacos\.|nacos[.-])",
             "ConfigService.shutDown() and NamingService.shutDown() end its threads; three shutdown hooks stay"
             " (NotifyCenter, HttpClientBeanHolder, ThreadPoolManager), so read the configuration in a client JVM"
             " (flink run), or "
             + _LIB),
    _library("Spring", r"(^|\.)org\.springframework\.", r"",
             "context.close() before main() returns; it removes its own shutdown hook. Do not call"
             " registerShutdownHook() in a job"),
    _library("log4j2", r"(^|\.)org\.apache\.logging\.log4j\.|(^|\.)logging\.log4j\.core\.", r"^Log4j2-",
             "log4j2.shutdownHookEnabled=false (or shutdownHook=\"disable\" in its configuration), monitorInterval=0,"
             " and LogManager.shutdown(); or no log4j in the user jar: Flink's is there"),
    _library("MySQL Connector/J", r"(^|\.)com\.mysql\.", r"^(mysql-cj-)?[Aa]bandoned.connection.cleanup|^mysql-cj-",
             "com.mysql.cj.jdbc.AbandonedConnectionCleanupThread.checkedShutdown() in the release hook, or " + _LIB),
    _library("PostgreSQL JDBC", r"(^|\.)org\.postgresql\.", r"^PostgreSQL-JDBC", _LIB),
    _library("Oracle JDBC", r"(^|\.)oracle\.(jdbc|net)\.",
             r"^(OracleTimeoutPollingThread|oracle\.jdbc|BlockReleaser|InterruptTimer)",
             _LIB),
    _library("HikariCP", r"(^|\.)com\.zaxxer\.hikari\.", r"^HikariPool-|housekeeper$",
             "HikariDataSource.close() in close()"),
    _library("Druid", r"(^|\.)com\.alibaba\.druid\.", r"^Druid-ConnectionPool", "DruidDataSource.close() in close()"),
    _library("Hadoop", r"(^|\.)org\.apache\.hadoop\.", r"StatisticsDataReferenceCleaner|^IPC Client|^LeaseRenewer",
             "the Hadoop and connector jars into lib/; FileSystem.closeAll()"),
    _library("Iceberg", r"(^|\.)org\.apache\.iceberg\.", r"^iceberg-worker-pool", "ThreadPools.shutdown…, or " + _LIB),
    _library("Hudi", r"(^|\.)org\.apache\.hudi\.", r"", _LIB),
    _library("Paimon", r"(^|\.)org\.apache\.paimon\.", r"", _LIB),
    _library("gRPC", r"(^|\.)io\.grpc\.", r"^grpc-", "ManagedChannel.shutdownNow().awaitTermination(…)"),
    _library("Netty", r"(^|\.)io\.netty\.",
             r"^(nioEventLoopGroup|epollEventLoopGroup|globalEventExecutor|threadDeathWatcher)",
             "group.shutdownGracefully().await(); GlobalEventExecutor.INSTANCE.awaitInactivity(…)"),
    _library("Reactor Netty", r"(^|\.)reactor\.", r"^reactor-", "HttpResources.disposeLoopsAndConnections()"),
    _library("OkHttp", r"(^|\.)okhttp3\.|(^|\.)okio\.", r"^OkHttp|^Okio",
             "client.dispatcher().executorService().shutdown(); client.connectionPool().evictAll()"),
    _library("Apache HttpClient", r"(^|\.)org\.apache\.(http|hc|commons\.httpclient)\.",
             r"^(idle-connection-evictor|MultiThreadedHttpConnectionManager)", "client.close() in close()"),
    _library("Kafka", r"(^|\.)org\.apache\.kafka\.", r"^kafka-", "close() the producer, consumer or admin client"),
    _library("Lettuce", r"(^|\.)io\.lettuce\.", r"^lettuce-", "RedisClient.shutdown()"),
    _library("Jedis", r"(^|\.)redis\.clients\.", r"^commons-pool-evictor", "JedisPool.close()"),
    _library("ZooKeeper/Curator", r"(^|\.)org\.apache\.(zookeeper|curator)\.", r"^Curator-|-(Send|Event)Thread",
             "CuratorFramework.close()"),
    _library("AWS SDK", r"(^|\.)(com\.amazonaws|software\.amazon\.awssdk)\.", r"^java-sdk-http-connection-reaper|^sdk-",
             "IdleConnectionReaper.shutdown(); close() the client, or " + _LIB),
    _library("Quartz", r"(^|\.)org\.quartz\.", r"QuartzScheduler", "scheduler.shutdown(true)"),
    _library("Caffeine/Guava", r"(^|\.)com\.(github\.benmanes\.caffeine|google\.common)\.", r"",
             "invalidate the cache"),
    _library("Bouncy Castle", r"(^|\.)org\.bouncycastle\.", r"", "Security.removeProvider(\"BC\"), or " + _LIB),
    _library("Jackson", r"(^|\.)com\.fasterxml\.jackson\.", r"", "an ObjectMapper of the user's own loader"),
    _library("Avro", r"(^|\.)org\.apache\.avro\.", r"", "Avro wholly in the user jar, not in lib/"),
    _library("GeoTools", r"(^|\.)org\.geotools\.", r"^WeakCollectionCleaner", "WeakCollectionCleaner.DEFAULT.exit()"),
    _library("JDK RMI", r"", r"^(RMI |GC Daemon)", RELEASE_HOOK),
)  # fmt: skip


def library_of_class(class_name: str) -> Library | None:
    """The library that a class of the user's loader is of."""
    return next((lib for lib in LIBRARIES if lib.classes and lib.classes.search(class_name)), None)


def library_of_thread(thread_name: str | None) -> Library | None:
    """The library that names its threads so."""
    return next((lib for lib in LIBRARIES if lib.threads and lib.threads.search(thread_name or "")), None)


def package_of(class_name: str) -> str:
    """The package; the class itself where it has none."""
    return class_name.rpartition(".")[0] or class_name
