package flinkscope.lab.libraries;

import com.sun.net.httpserver.HttpServer;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.rmi.Remote;
import java.rmi.server.UnicastRemoteObject;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.prefs.Preferences;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.HttpsURLConnection;

/** What jobs do with the JDK alone. */
final class Jdk {
  private Jdk() {}

  /** "Trust all": a verifier for every HTTPS connection of the JVM. */
  static final class Verifier implements Leftover {
    @Override
    public AutoCloseable use() {
      HostnameVerifier before = HttpsURLConnection.getDefaultHostnameVerifier();
      HttpsURLConnection.setDefaultHostnameVerifier((host, session) -> host.isEmpty());
      return () -> HttpsURLConnection.setDefaultHostnameVerifier(before);
    }
  }

  static final class Output implements Leftover {
    @Override
    public AutoCloseable use() {
      PrintStream before = System.out;
      System.setOut(new Copy(before));
      return () -> System.setOut(before);
    }

    private static final class Copy extends PrintStream {
      Copy(OutputStream out) {
        super(out, true, StandardCharsets.UTF_8);
      }
    }
  }

  static final class GcListener implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      NotificationEmitter memory = (NotificationEmitter) ManagementFactory.getMemoryMXBean();
      Listener listener = new Listener();
      memory.addNotificationListener(listener, null, null);
      return () -> memory.removeNotificationListener(listener);
    }

    private static final class Listener implements NotificationListener {
      @Override
      public void handleNotification(Notification notification, Object handback) {}
    }
  }

  static final class Http implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
      server.createContext("/", exchange -> exchange.sendResponseHeaders(204, -1));
      server.start();
      return () -> server.stop(0);
    }
  }

  static final class Rmi implements Leftover {
    interface Counter extends Remote {}

    private static final class Counting implements Counter {}

    @Override
    public AutoCloseable use() throws Exception {
      Counting counting = new Counting();
      UnicastRemoteObject.exportObject(counting, 0);
      return () -> UnicastRemoteObject.unexportObject(counting, true);
    }
  }

  static final class ForkJoin implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      ForkJoinPool pool = new ForkJoinPool(1);
      pool.submit(() -> System.out.println("the pool works")).get();
      return () -> {
        pool.shutdown();
        pool.awaitTermination(5, TimeUnit.SECONDS);
      };
    }
  }

  static final class Scheduled implements Leftover {
    @Override
    public AutoCloseable use() {
      ScheduledExecutorService pool = Executors.newScheduledThreadPool(1);
      pool.scheduleAtFixedRate(() -> System.out.println("again"), 1, 1, TimeUnit.HOURS);
      return () -> {
        pool.shutdownNow();
        pool.awaitTermination(5, TimeUnit.SECONDS);
      };
    }
  }

  static final class Prefs implements Leftover {
    @Override
    public AutoCloseable use() {
      Preferences.userRoot().node("flinkscope-lab");
      return () -> {};
    }
  }

  static final class Inherited implements Leftover {
    private static final InheritableThreadLocal<Inherited> OURS = new InheritableThreadLocal<>();

    @Override
    public AutoCloseable use() throws Exception {
      OURS.set(this);
      Thread idle = new Thread(new java.util.concurrent.FutureTask<>(() -> null), "short");
      idle.start();
      idle.join();
      return OURS::remove;
    }
  }

  static final class Signals implements Leftover {
    @Override
    public AutoCloseable use() {
      sun.misc.SignalHandler before = sun.misc.Signal.handle(new sun.misc.Signal("USR2"), signal -> {});
      return () -> sun.misc.Signal.handle(new sun.misc.Signal("USR2"), before);
    }
  }
}
