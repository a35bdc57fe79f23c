package flinkscope.lab.libraries;

import com.alibaba.druid.pool.DruidDataSource;
import com.mchange.v2.c3p0.ComboPooledDataSource;
import com.mysql.cj.jdbc.AbandonedConnectionCleanupThread;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.Collections;
import java.util.Objects;
import org.apache.commons.pool2.BasePooledObjectFactory;
import org.apache.commons.pool2.PooledObject;
import org.apache.commons.pool2.impl.DefaultPooledObject;
import org.apache.commons.pool2.impl.GenericObjectPool;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.apache.tomcat.jdbc.pool.DataSource;

/** Pools of connections and of other objects. */
final class Pools {
  private static final String MEMORY = "jdbc:h2:mem:lab";

  private Pools() {}

  static final class CommonsPool implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      GenericObjectPoolConfig<Object> config = new GenericObjectPoolConfig<>();
      config.setTimeBetweenEvictionRuns(Duration.ofHours(1));
      GenericObjectPool<Object> pool = new GenericObjectPool<>(new Objects(), config);
      pool.addObject();
      return pool;
    }

    private static final class Objects extends BasePooledObjectFactory<Object> {
      @Override
      public Object create() {
        return new Object();
      }

      @Override
      public PooledObject<Object> wrap(Object object) {
        return new DefaultPooledObject<>(object);
      }
    }
  }

  static final class Druid implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      DruidDataSource source = new DruidDataSource();
      source.setUrl(MEMORY);
      source.init();
      return () -> {
        source.close();
        deregister();
      };
    }
  }

  static final class Hikari implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      HikariDataSource source = new HikariDataSource();
      source.setJdbcUrl(MEMORY);
      source.getConnection().close();
      return () -> {
        source.close();
        deregister();
      };
    }
  }

  static final class Combo implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      ComboPooledDataSource source = new ComboPooledDataSource();
      source.setJdbcUrl(MEMORY);
      source.getConnection().close();
      return () -> {
        source.close();
        deregister();
      };
    }
  }

  static final class TomcatPool implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      DataSource source = new DataSource();
      source.setUrl(MEMORY);
      source.setTimeBetweenEvictionRunsMillis(3_600_000);
      source.setRemoveAbandoned(true);
      try (Connection connection = source.getConnection()) {
        Objects.requireNonNull(connection);
      }
      return () -> {
        source.close();
        deregister();
      };
    }
  }

  static final class MySql implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Class.forName("com.mysql.cj.jdbc.Driver");
      return Pools::deregister;
    }
  }

  static final class PostgreSql implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Class.forName("org.postgresql.Driver");
      return Pools::deregister;
    }
  }

  /** The release that the catalogue recommends for drivers, for all that DriverManager loaded from this jar. */
  private static void deregister() throws Exception {
    for (Driver driver : Collections.list(DriverManager.getDrivers())) {
      DriverManager.deregisterDriver(driver);
    }
    AbandonedConnectionCleanupThread.uncheckedShutdown();
  }
}
