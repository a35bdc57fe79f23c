package flinkscope.lab.pins;

import java.lang.management.ManagementFactory;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.StandardMBean;

/** An MBean that nobody unregisters. */
final class MBeanPin implements Pin {
  /** The management interface. */
  public interface Figures {
    /** Any figure. */
    int getFigure();
  }

  private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
  private final ObjectName name;

  MBeanPin() throws Exception {
    name = new ObjectName("flinkscope:type=Figures,id=" + System.nanoTime());
  }

  @Override
  public void set() throws Exception {
    Figures figures = () -> 1;
    server.registerMBean(new StandardMBean(figures, Figures.class), name);
  }

  @Override
  public void release() throws Exception {
    server.unregisterMBean(name);
  }
}
