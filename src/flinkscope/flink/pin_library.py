"""Which library a class or a thread belongs to, and the library's own way to let go."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LIB = "put its jar into Flink's lib/ (and its package into classloader.parent-first-patterns.additional)"
_DEREGISTER = "DriverManager.deregisterDriver(driver) in the release hook, or " + _LIB


@dataclass(frozen=True, slots=True)
class Library:
    """A library that is known to pin. ``classes``, ``threads``: how its class and thread names look. ``used_by_all``:
    others build on it (Netty, Guava), so that a thread's name tells the maker better than its class."""

    name: str
    classes: re.Pattern[str] | None
    threads: re.Pattern[str] | None
    remedy: str
    used_by_all: bool = False


def _library(name: str, packages: str, threads: str, remedy: str, *, used_by_all: bool = False) -> Library:
    """``packages``: separated by blanks; relocated (shaded) copies keep the tail, so a prefix is allowed."""
    words = "|".join(re.escape(package) for package in packages.split())
    classes = re.compile(rf"(^|\.)({words})[.$]") if words else None
    return Library(name, classes, re.compile(threads) if threads else None, remedy, used_by_all)


LIBRARIES = (
    _library("nacos", "com.alibaba.nacos", r"^(com\.alibaba\.nacos\.|nacos[.-])",
             "ConfigService.shutDown() and NamingService.shutDown() end its threads; three shutdown hooks stay"
             " (NotifyCenter, HttpClientBeanHolder, ThreadPoolManager), so read the configuration in a client JVM"
             " (flink run), or "
             + _LIB),
    _library("Apollo", "com.ctrip.framework.apollo", r"^Apollo-",
             "it has no way to end its threads: read the configuration in a client JVM (flink run), or " + _LIB),
    _library("Spring", "org.springframework", r"^SpringContextShutdownHook",
             "context.close() before main() returns; it removes its own shutdown hook. Do not call"
             " registerShutdownHook() in a job"),
    _library("log4j2", "org.apache.logging.log4j logging.log4j.core", r"^Log4j2-",
             "log4j2.shutdownHookEnabled=false (or shutdownHook=\"disable\" in its configuration), monitorInterval=0,"
             " and LogManager.shutdown(); or no log4j in the user jar: Flink's is there"),
    _library("Logback", "ch.qos.logback", r"^logback-", "LoggerContext.stop(); or no Logback in the user jar"),
    _library("MySQL Connector/J", "com.mysql", r"^(mysql-cj-)?[Aa]bandoned.connection.cleanup|^mysql-cj-",
             "com.mysql.cj.jdbc.AbandonedConnectionCleanupThread.uncheckedShutdown() in the release hook"
             " (checkedShutdown() does nothing where the context class loader is Flink's wrapper), or " + _LIB),
    _library("MariaDB Connector/J", "org.mariadb", r"^(MariaDb-|mariadb-)", _DEREGISTER),
    _library("PostgreSQL JDBC", "org.postgresql", r"^PostgreSQL-JDBC", _DEREGISTER),
    _library("Oracle JDBC", "oracle.jdbc oracle.net",
             r"^(OracleTimeoutPollingThread|oracle\.jdbc|BlockReleaser|InterruptTimer)", _DEREGISTER),
    _library("SQL Server JDBC", "com.microsoft.sqlserver", r"^mssql-jdbc-", _DEREGISTER),
    _library("ClickHouse", "com.clickhouse ru.yandex.clickhouse cc.blynk.clickhouse", r"^ClickHouse", _DEREGISTER),
    _library("H2", "org.h2", r"^(H2 |MVStore background writer|Generate-UUID)",
             "close all connections (the last one closes the database); " + _DEREGISTER),
    _library("SQLite", "org.sqlite", r"", _DEREGISTER),
    _library("DB2 JDBC", "com.ibm.db2", r"", _DEREGISTER),
    _library("Snowflake JDBC", "net.snowflake", r"", _DEREGISTER),
    _library("TDengine JDBC", "com.taosdata", r"", _DEREGISTER),
    _library("Phoenix", "org.apache.phoenix", r"^PHOENIX-", _DEREGISTER),
    _library("Derby", "org.apache.derby", r"^derby\.|^rawStoreDaemon",
             "DriverManager.getConnection(\"jdbc:derby:;shutdown=true\"), or " + _LIB),
    _library("HikariCP", "com.zaxxer.hikari", r"^HikariPool-|housekeeper$", "HikariDataSource.close() in close()"),
    _library("Druid", "com.alibaba.druid", r"^Druid-ConnectionPool",
             "DruidDataSource.close() in close(); its drivers: " + _DEREGISTER),
    _library("c3p0", "com.mchange", r"^(C3P0PooledConnectionPoolManager|com\.mchange)",
             "ComboPooledDataSource.close() (DataSources.destroy(source)) in close()"),
    _library("Tomcat", "org.apache.catalina org.apache.tomcat org.apache.coyote",
             r"^(Catalina-utility-|http-(nio|apr)2?-|ContainerBackgroundProcessor)",
             "tomcat.stop() and tomcat.destroy() before main() returns"),
    _library("Tomcat JDBC pool", "org.apache.tomcat.jdbc", r"^(PoolCleaner|Tomcat JDBC Pool Cleaner)",
             "DataSource.close(true) in close()"),
    _library("Commons DBCP", "org.apache.commons.dbcp org.apache.commons.dbcp2", r"", "BasicDataSource.close()"),
    _library("Hadoop", "org.apache.hadoop", r"StatisticsDataReferenceCleaner|^IPC Client|^LeaseRenewer",
             "the Hadoop and connector jars into lib/; FileSystem.closeAll()"),
    _library("HBase", "org.apache.hadoop.hbase", r"^hconnection-|^ReadOnlyZKClient|^RpcClient-timer|^hbase-",
             "Connection.close() in close()"),
    _library("Iceberg", "org.apache.iceberg", r"^iceberg-",
             "ThreadPools.getWorkerPool().shutdownNow() ends the threads, but its pools' shutdown hooks stay: " + _LIB),
    _library("Hudi", "org.apache.hudi", r"^(hudi-|hoodie-)", _LIB),
    _library("Paimon", "org.apache.paimon", r"^paimon-", _LIB),
    _library("Flink CDC/Debezium", "io.debezium com.ververica.cdc org.apache.flink.cdc com.github.shyiko",
             r"^(debezium-|blc-)", "stop the engine (close()) in the source's close()"),
    _library("gRPC", "io.grpc", r"^grpc-", "ManagedChannel.shutdownNow().awaitTermination(…)"),
    _library("Kafka", "org.apache.kafka", r"^(kafka-|adminclient-)", "close() the producer, consumer or admin client"),
    _library("Pulsar", "org.apache.pulsar", r"^pulsar-", "PulsarClient.close() in close()"),
    _library("RocketMQ", "org.apache.rocketmq com.alibaba.rocketmq",
             r"^(MQClient|NettyClient|ClientHouseKeeping|ConsumeMessage|PullMessageService|RebalanceService|RocketMQ)",
             "shutdown() the producer or consumer in close(); its logging keeps a thread (AsyncAppender-Worker) all the"
             " same, so better " + _LIB),
    _library("RabbitMQ", "com.rabbitmq", r"^(AMQP Connection|rabbitmq-)", "Connection.close() in close()"),
    _library("ActiveMQ", "org.apache.activemq", r"^ActiveMQ ", "Connection.close() in close()"),
    _library("MQTT (Paho)", "org.eclipse.paho", r"^MQTT (Rec|Snd|Call|Ping)",
             "disconnect() and close() the client in close()"),
    _library("NATS", "io.nats", r"^nats:", "Connection.close() in close()"),
    _library("Dubbo", "org.apache.dubbo com.alibaba.dubbo", r"^(Dubbo|dubbo-)",
             "DubboBootstrap.getInstance().stop() before main() returns; it has shutdown hooks, so better " + _LIB),
    _library("Sentinel", "com.alibaba.csp.sentinel", r"^sentinel-", _LIB),
    _library("Lettuce", "io.lettuce", r"^lettuce-", "RedisClient.shutdown(); ClientResources.shutdown()"),
    _library("Redisson", "org.redisson", r"^redisson-", "RedissonClient.shutdown() in close()"),
    _library("Jedis", "redis.clients", r"", "JedisPool.close()"),
    _library("MongoDB driver", "com.mongodb", r"^(cluster-ClusterId|BufferPoolPruner-|MaintenanceTimer-|CleanCursors-)",
             "MongoClient.close() in close()"),
    _library("Cassandra driver", "com.datastax", r"^s\d+-(io|admin|timer)|^cluster\d+-",
             "CqlSession.close() in close()"),
    _library("Elasticsearch", "org.elasticsearch org.opensearch co.elastic",
             r"^(elasticsearch|opensearch)-rest-client-|^I/O dispatcher|^elasticsearch\[|^es_rest_client_sniffer",
             "RestClient.close() (and the sniffer's) in close()"),
    _library("Couchbase", "com.couchbase", r"^cb-",
             "Cluster.disconnect() and ClusterEnvironment.shutdown() in close()"),
    _library("Kudu", "org.apache.kudu", r"^kudu-nio", "KuduClient.shutdown() in close()"),
    _library("Neo4j driver", "org.neo4j", r"^Neo4jDriverIO", "Driver.close() in close()"),
    _library("InfluxDB", "org.influxdb com.influxdb", r"^influxdb-", "InfluxDB.close() in close()"),
    _library("ZooKeeper/Curator", "org.apache.zookeeper org.apache.curator", r"^Curator-|-(Send|Event)Thread",
             "CuratorFramework.close(), ZooKeeper.close()"),
    _library("AWS SDK", "com.amazonaws software.amazon.awssdk",
             r"^(java-sdk-http-connection-reaper|idle-connection-reaper|sdk-|aws-java-sdk-)",
             "IdleConnectionReaper.shutdown(); close() the client, or " + _LIB),
    _library("Google Cloud", "com.google.cloud com.google.api", r"^gax-|^Gax-", "close() the client in close()"),
    _library("Azure SDK", "com.azure com.microsoft.azure", r"^azure-", "close() the client in close()"),
    _library("OSS SDK", "com.aliyun com.qcloud com.obs", r"^(idle[-_]connection[-_]reaper|oss-)",
             "OSSClient.shutdown() and IdleConnectionReaper.shutdown() in close()"),
    _library("Reactor", "reactor.core reactor.util reactor.netty",
             r"^(reactor-|boundedElastic-)",
             "Schedulers.shutdownNow(); HttpResources.disposeLoopsAndConnections()"),
    _library("RxJava", "io.reactivex rx.internal rx.schedulers", r"^Rx[A-Z]", "Schedulers.shutdown()"),
    _library("Vert.x", "io.vertx", r"^(vert\.x-|vertx-)", "Vertx.close() and wait for it; it removes its hook"),
    _library("Akka/Pekko", "akka org.apache.pekko", r"-akka\.|\.dispatcher-\d+$", "ActorSystem.terminate()"),
    _library("Hazelcast", "com.hazelcast", r"^hz\.", "HazelcastInstance.shutdown()"),
    _library("Ignite", "org.apache.ignite", r"-#\d+%|^ignite-", "Ignition.stopAll(true)"),
    _library("Ehcache", "org.ehcache net.sf.ehcache", r"^Ehcache ", "CacheManager.close()"),
    _library("OkHttp", "okhttp3 okio com.squareup.okhttp", r"^(OkHttp|Okio)",
             "client.dispatcher().executorService().shutdown(); client.connectionPool().evictAll()"),
    _library("Jersey", "org.glassfish.jersey", r"^jersey-", "Client.close() in close()"),
    _library("Jetty", "org.eclipse.jetty", r"^(qtp\d|HttpClient@|Scheduler-\d)", "Server.stop(), HttpClient.stop()"),
    _library("Undertow", "io.undertow org.xnio org.jboss.threads", r"^XNIO-",
             "Undertow.stop() before main() returns (or shutdown() of the XnioWorker that you gave it), and unregister"
             " the MBean that stays in the domain org.xnio"),
    _library("AsyncHttpClient", "org.asynchttpclient", r"^AsyncHttpClient", "AsyncHttpClient.close() in close()"),
    _library("Hystrix", "com.netflix.hystrix", r"^(hystrix-|HystrixTimer)", "Hystrix.reset() before main() returns"),
    _library("Resilience4j", "io.github.resilience4j", r"^(bulkhead-|resilience4j)",
             "close() the ThreadPoolBulkhead before main() returns"),
    _library("Failsafe", "dev.failsafe net.jodah.failsafe", r"^FailsafeDelayScheduler", _LIB),
    _library("Quartz", "org.quartz", r"Quartz", "scheduler.shutdown(true)"),
    _library("XXL-JOB", "com.xxl.job", r"^xxl-job", "do not start its executor in a job"),
    _library("OpenTelemetry", "io.opentelemetry", r"^(BatchSpanProcessor|BatchLogRecordProcessor|PeriodicMetricReader)",
             "OpenTelemetrySdk.close() before main() returns; it removes no hook, so set none"
             " (disableShutdownHook())"),
    _library("Micrometer", "io.micrometer", r"-metrics-publisher$", "MeterRegistry.close() in close()"),
    _library("Dropwizard Metrics", "com.codahale.metrics io.dropwizard.metrics com.yammer.metrics",
             r"^metrics-.*-thread-\d|^(jmx|console|graphite)-reporter",
             "Reporter.close() (JmxReporter unregisters its MBeans)"),
    _library("Prometheus client", "io.prometheus", r"^prometheus-http-",
             "HTTPServer.close(); in Flink its own reporter"),
    _library("Sentry", "io.sentry", r"^Sentry", "Sentry.close() before main() returns"),
    _library("Groovy", "groovy.lang org.codehaus.groovy org.apache.groovy groovy.util groovy.runtime", r"",
             "start Flink with -Dgroovy.use.classvalue=false (env.java.opts.all), or " + _LIB),
    _library("Zipkin", "zipkin2 brave", r"^AsyncReporter", "AsyncReporter.close() before main() returns"),
    _library("Kotlin coroutines", "kotlinx.coroutines", r"^(DefaultDispatcher-worker|kotlinx\.coroutines)",
             "Dispatchers.shutdown() before main() returns"),
    _library("Scala", "scala", r"^scala-execution-context", "an ExecutionContext of one's own, and shutdown() it"),
    _library("JNA", "com.sun.jna", r"^JNA Cleaner", _LIB),
    _library("Bouncy Castle", "org.bouncycastle", r"^BC ", "Security.removeProvider(\"BC\"), or " + _LIB),
    _library("Conscrypt", "org.conscrypt", r"", "Security.removeProvider(\"Conscrypt\"), or " + _LIB),
    _library("Hibernate", "org.hibernate", r"", "SessionFactory.close(), ValidatorFactory.close()"),
    _library("MyBatis", "org.apache.ibatis com.baomidou", r"", "close its data source; " + _DEREGISTER),
    _library("JAXB", "com.sun.xml.bind org.glassfish.jaxb javax.xml.bind jakarta.xml.bind", r"",
             "one JAXBContext a job, none in a thread local or a static of lib/"),
    _library("Jackson", "com.fasterxml.jackson", r"", "an ObjectMapper of the user's own loader"),
    _library("Avro", "org.apache.avro", r"", "Avro wholly in the user jar, not in lib/"),
    _library("Protobuf", "com.google.protobuf", r"", "Protobuf wholly in the user jar, not in lib/"),
    _library("GeoTools", "org.geotools", r"^WeakCollectionCleaner", "WeakCollectionCleaner.DEFAULT.exit()"),
    _library("JDK HttpServer", "", r"^(HTTP-Dispatcher|idle-timeout-task|req-rsp-timeout-task)$",
             "HttpServer.stop(0), and shut its executor down"),
    _library("JDK Flight Recorder", "", r"^JFR ",
             "close() the RecordingStream or Recording. The threads that its first use in the JVM starts stay: let"
             " Flink start with -XX:StartFlightRecording (env.java.opts.jobmanager), so that they are born before"),
    _library("JDK RMI", "", r"^(RMI |GC Daemon)",
             "UnicastRemoteObject.unexportObject(object, true) in the release hook"),
    # what many of the above build on
    _library("Apache HttpClient", "org.apache.http org.apache.hc org.apache.commons.httpclient",
             r"^(idle-connection-evictor|MultiThreadedHttpConnectionManager|httpclient-)", "client.close() in close()",
             used_by_all=True),
    _library("Commons Pool", "org.apache.commons.pool org.apache.commons.pool2", r"^commons-pool-evictor",
             "GenericObjectPool.close() in close(); it ends the evictor and unregisters its MBean", used_by_all=True),
    _library("Commons IO", "org.apache.commons.io", r"^File Reaper$",
             "FileCleaningTracker.exitWhenFinished(), FileAlterationMonitor.stop()", used_by_all=True),
    _library("Commons Logging", "org.apache.commons.logging", r"", "LogFactory.release(loader)", used_by_all=True),
    _library("Netty", "io.netty",
             r"^(nioEventLoopGroup|epollEventLoopGroup|multiThreadIoEventLoopGroup|globalEventExecutor"
             r"|threadDeathWatcher|pool-\d+-ObjectCleanerThread)",
             "group.shutdownGracefully().await(); GlobalEventExecutor.INSTANCE.awaitInactivity(…);"
             " HashedWheelTimer.stop()", used_by_all=True),
    _library("Caffeine/Guava", "com.github.benmanes.caffeine com.google.common",
             r"^com\.google\.common\.base\.internal",
             "invalidate the cache", used_by_all=True),
)  # fmt: skip


def library_of(class_name: str | None, thread_name: str | None) -> Library | None:
    """The library whose class or thread it is: by class; by the thread's name where others build on that class."""
    by_class, by_thread = library_of_class(class_name) if class_name else None, library_of_thread(thread_name)
    if by_class is None or (by_class.used_by_all and by_thread is not None):
        return by_thread
    return by_class


def library_of_class(class_name: str) -> Library | None:
    """The library that a class of the user's loader is of: the one with the longest package of those that fit."""
    found = ((lib.classes.search(class_name), lib) for lib in LIBRARIES if lib.classes)
    fit = [(len(match[2]), lib) for match, lib in found if match]
    return max(fit, key=lambda pair: pair[0])[1] if fit else None


def library_of_thread(thread_name: str | None) -> Library | None:
    """The library that names its threads so."""
    return next((lib for lib in LIBRARIES if lib.threads and lib.threads.search(thread_name or "")), None)


def package_of(class_name: str) -> str:
    """The package; the class itself where it has none."""
    return class_name.rpartition(".")[0] or class_name
