package flinkscope.lab.pins;

import java.util.Properties;

/**
 * The libraries of the incident. Called by reflection: the jar that ships has neither; one built with
 * {@code -P libraries} has both.
 */
final class LibraryPins {
  private LibraryPins() {}

  /** A Spring context with its shutdown hook. */
  static final class Spring implements Pin {
    private Object context;

    @Override
    public void set() throws Exception {
      context = library("org.springframework.context.support.GenericApplicationContext").getConstructor().newInstance();
      context.getClass().getMethod("refresh").invoke(context);
      context.getClass().getMethod("registerShutdownHook").invoke(context);
    }

    @Override
    public void release() throws Exception {
      context.getClass().getMethod("close").invoke(context);
    }
  }

  /** nacos' configuration client for a server that need not be there; its shutDown() leaves three hooks behind. */
  static final class Nacos implements Pin {
    private Object service;

    @Override
    public void set() throws Exception {
      Properties properties = new Properties();
      properties.setProperty("serverAddr", "127.0.0.1:8848");
      service =
          library("com.alibaba.nacos.api.NacosFactory")
              .getMethod("createConfigService", Properties.class)
              .invoke(null, properties);
    }

    @Override
    public void release() throws Exception {
      library("com.alibaba.nacos.api.config.ConfigService").getMethod("shutDown").invoke(service);
    }
  }

  private static Class<?> library(String name) throws ClassNotFoundException {
    try {
      return Class.forName(name);
    } catch (ClassNotFoundException error) {
      throw new ClassNotFoundException(name + " is not in this jar; build it with: mvn package -P libraries", error);
    }
  }
}
