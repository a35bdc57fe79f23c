package flinkscope.lab.libraries;

import com.aliyun.oss.OSS;
import com.aliyun.oss.OSSClientBuilder;
import com.aliyun.oss.common.comm.IdleConnectionReaper;
import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import java.io.File;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Collections;
import java.util.concurrent.TimeUnit;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.commons.io.FileCleaningTracker;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.util.ThreadPools;
import org.influxdb.InfluxDB;
import org.influxdb.InfluxDBFactory;

/**
 * Databases, file systems and their clients. No database runs: what is left is left by trying. DriverManager loads the
 * drivers of a jar for the first job only that asks it, so each names its own.
 */
final class Stores {
  private static final String NOWHERE = "127.0.0.1:9";

  private Stores() {}

  static final class Oracle implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Class.forName("oracle.jdbc.OracleDriver");
      return () -> {
        deregister();
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        for (ObjectName name : server.queryNames(new ObjectName("com.oracle.jdbc:*"), null)) {
          if (server.getClassLoaderFor(name) == Oracle.class.getClassLoader()) {
            server.unregisterMBean(name);
          }
        }
      };
    }
  }

  static final class SqlServer implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Class.forName("com.microsoft.sqlserver.jdbc.SQLServerDriver");
      tryOnce("jdbc:sqlserver://" + NOWHERE + ";loginTimeout=1;encrypt=false");
      return Stores::deregister;
    }
  }

  static final class MariaDb implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Class.forName("org.mariadb.jdbc.Driver");
      return Stores::deregister;
    }
  }

  static final class Derby implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      System.setProperty("derby.stream.error.file", "/dev/null");
      Class.forName("org.apache.derby.iapi.jdbc.AutoloadedDriver");
      tryOnce("jdbc:derby:memory:lab" + System.nanoTime() + ";create=true");
      return () -> {
        tryOnce("jdbc:derby:;shutdown=true");
        deregister();
      };
    }
  }

  static final class Sqlite implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Class.forName("org.sqlite.JDBC");
      tryOnce("jdbc:sqlite::memory:");
      return Stores::deregister;
    }
  }

  static final class ClickHouse implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Class.forName("com.clickhouse.jdbc.ClickHouseDriver");
      tryOnce("jdbc:ch:http://" + NOWHERE + "/default");
      return Stores::deregister;
    }
  }

  static final class Hadoop implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      FileSystem files = FileSystem.get(URI.create("file:///"), new Configuration());
      System.out.println(files.exists(new Path("/tmp")));
      return FileSystem::closeAll;
    }
  }

  static final class Iceberg implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      ThreadPools.getWorkerPool().submit(() -> System.out.println("a worker works")).get();
      return () -> ThreadPools.getWorkerPool().shutdownNow();
    }
  }

  static final class HazelcastMember implements Leftover {
    @Override
    public AutoCloseable use() {
      Config config = new Config();
      config.getJetConfig().setEnabled(false);
      config.getNetworkConfig().getJoin().getMulticastConfig().setEnabled(false);
      config.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
      HazelcastInstance member = Hazelcast.newHazelcastInstance(config);
      return member::shutdown;
    }
  }

  static final class Influx implements Leftover {
    @Override
    public AutoCloseable use() {
      InfluxDB database = InfluxDBFactory.connect("http://" + NOWHERE);
      database.enableBatch(100, 1000, TimeUnit.MILLISECONDS);
      return database::close;
    }
  }

  static final class Oss implements Leftover {
    @Override
    public AutoCloseable use() {
      OSS client = new OSSClientBuilder().build("http://" + NOWHERE, "key", "secret");
      return () -> {
        client.shutdown();
        IdleConnectionReaper.shutdown();
      };
    }
  }

  static final class FileCleaning implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      FileCleaningTracker tracker = new FileCleaningTracker();
      File file = File.createTempFile("flinkscope-lab", null);
      tracker.track(file, FileCleaning.class);
      return () -> {
        file.delete();
        tracker.exitWhenFinished();
      };
    }
  }

  private static void tryOnce(String url) {
    try {
      DriverManager.getConnection(url, "user", "password").close();
    } catch (SQLException refused) {
      System.out.println(refused.getMessage());
    }
  }

  /** The release that the catalogue recommends for drivers, for all that DriverManager loaded from this jar. */
  private static void deregister() throws Exception {
    for (Driver driver : Collections.list(DriverManager.getDrivers())) {
      DriverManager.deregisterDriver(driver);
    }
  }
}
