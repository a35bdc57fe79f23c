package flinkscope.lab.pins;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.Properties;
import java.util.logging.Logger;

/** A JDBC driver in the user's jar registers itself with DriverManager and stays there. */
final class JdbcPin implements Pin {
  private final Driver driver = new OwnDriver();

  @Override
  public void set() throws SQLException {
    DriverManager.registerDriver(driver);
  }

  @Override
  public void release() throws SQLException {
    DriverManager.deregisterDriver(driver);
  }

  private static final class OwnDriver implements Driver {
    @Override
    public Connection connect(String url, Properties info) {
      return null;
    }

    @Override
    public boolean acceptsURL(String url) {
      return false;
    }

    @Override
    public DriverPropertyInfo[] getPropertyInfo(String url, Properties info) {
      return new DriverPropertyInfo[0];
    }

    @Override
    public int getMajorVersion() {
      return 1;
    }

    @Override
    public int getMinorVersion() {
      return 0;
    }

    @Override
    public boolean jdbcCompliant() {
      return false;
    }

    @Override
    public Logger getParentLogger() {
      return Logger.getGlobal();
    }
  }
}
