package flinkscope.lab.pins;

import java.net.Authenticator;
import java.security.Provider;
import java.security.Security;
import java.util.logging.ConsoleHandler;
import java.util.logging.Handler;
import java.util.logging.Logger;

/** Registries and statics of the JDK that user code puts its objects into. */
final class RegistryPins {
  private RegistryPins() {}

  /** An object of a user class among the system properties. */
  static final class SystemProperty implements Pin {
    private final String key = "flinkscope.lab." + System.nanoTime();

    @Override
    public void set() {
      System.getProperties().put(key, this);
    }

    @Override
    public void release() {
      System.getProperties().remove(key);
    }
  }

  /** A security provider, as crypto libraries add them. */
  static final class SecurityProvider implements Pin {
    private final Provider provider = new OwnProvider("lab" + System.nanoTime());

    @Override
    public void set() {
      Security.addProvider(provider);
    }

    @Override
    public void release() {
      Security.removeProvider(provider.getName());
    }

    private static final class OwnProvider extends Provider {
      OwnProvider(String name) {
        super(name, "1", "of the lab");
      }
    }
  }

  /** The handler of all threads' uncaught exceptions; the last one set wins. */
  static final class UncaughtHandler implements Pin {
    private final Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();

    @Override
    public void set() {
      Thread.setDefaultUncaughtExceptionHandler((thread, error) -> error.printStackTrace());
    }

    @Override
    public void release() {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
  }

  /** A java.util.logging handler on the root logger. */
  static final class LoggingHandler implements Pin {
    private final Handler handler = new OwnHandler();

    @Override
    public void set() {
      Logger.getLogger("").addHandler(handler);
    }

    @Override
    public void release() {
      Logger.getLogger("").removeHandler(handler);
    }

    private static final class OwnHandler extends ConsoleHandler {}
  }

  /** A static of a class that the parent loader defines; the last one set wins. */
  static final class ParentStatic implements Pin {
    @Override
    public void set() {
      Authenticator.setDefault(new Authenticator() {});
    }

    @Override
    public void release() {
      Authenticator.setDefault(null);
    }
  }

  /** The JDK's own cache of beans: soft, so it keeps nothing once memory is needed. No leak. */
  static final class SoftCache implements Pin {
    @Override
    public void set() throws Exception {
      java.beans.Introspector.getBeanInfo(SoftCache.class);
    }

    @Override
    public void release() {
      java.beans.Introspector.flushCaches();
    }
  }
}
