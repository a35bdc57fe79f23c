package flinkscope.lab.libraries;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Type;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.CookieManager;
import java.net.InetSocketAddress;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.CompletionHandler;
import java.security.cert.X509Certificate;
import java.time.ZoneOffset;
import java.time.zone.ZoneRules;
import java.time.zone.ZoneRulesProvider;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.imageio.ImageIO;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.consumer.RecordingStream;
import org.apache.flink.api.common.typeinfo.TypeInfoFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.GenericTypeInfo;
import org.apache.flink.api.java.typeutils.TypeExtractor;

/** What jobs do with the JDK and with Flink's own classes. */
final class Platform {
  private Platform() {}

  /** A Level of one's own: the JDK holds it weakly since 9. */
  static final class LogLevel implements Leftover {
    private static final class Audit extends Level {
      Audit() {
        super("AUDIT", 850);
      }
    }

    @Override
    public AutoCloseable use() {
      Logger.getLogger("flinkscope.lab").log(new Audit(), "seen");
      return () -> {};
    }
  }

  static final class Zones extends ZoneRulesProvider implements Leftover {
    private final String id = "Lab/Zone" + System.nanoTime();

    @Override
    public AutoCloseable use() {
      ZoneRulesProvider.registerProvider(this);
      return () -> {};
    }

    @Override
    protected Set<String> provideZoneIds() {
      return Set.of(id);
    }

    @Override
    protected ZoneRules provideRules(String zone, boolean caching) {
      return ZoneOffset.UTC.getRules();
    }

    @Override
    protected NavigableMap<String, ZoneRules> provideVersions(String zone) {
      return new TreeMap<>();
    }
  }

  /** "Trust all" for every HTTPS connection of the JVM. */
  static final class TrustAll implements Leftover {
    private static final class Anybody implements X509TrustManager {
      @Override
      public void checkClientTrusted(X509Certificate[] chain, String type) {}

      @Override
      public void checkServerTrusted(X509Certificate[] chain, String type) {}

      @Override
      public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
      }
    }

    @Override
    public AutoCloseable use() throws Exception {
      SSLSocketFactory before = HttpsURLConnection.getDefaultSSLSocketFactory();
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new Anybody()}, null);
      HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
      return () -> HttpsURLConnection.setDefaultSSLSocketFactory(before);
    }
  }

  static final class Login implements Leftover {
    @Override
    public AutoCloseable use() {
      Configuration.setConfiguration(
          new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
              return null;
            }
          });
      return () -> Configuration.setConfiguration(null);
    }
  }

  static final class Cookies implements Leftover {
    @Override
    public AutoCloseable use() {
      CookieHandler.setDefault(new CookieManager(null, (uri, cookie) -> true));
      return () -> CookieHandler.setDefault(null);
    }
  }

  static final class Password implements Leftover {
    @Override
    public AutoCloseable use() {
      Authenticator.setDefault(new Authenticator() {});
      return () -> Authenticator.setDefault(null);
    }
  }

  static final class FlightEvents implements Leftover {
    private static final class Sent extends Event {
      long count;
    }

    @Override
    public AutoCloseable use() {
      Runnable tick = () -> new Sent().commit();
      FlightRecorder.addPeriodicEvent(Sent.class, tick);
      return () -> FlightRecorder.removePeriodicEvent(tick);
    }
  }

  static final class FlightStream implements Leftover {
    @Override
    public AutoCloseable use() {
      RecordingStream stream = new RecordingStream();
      stream.onEvent("jdk.CPULoad", event -> {});
      stream.startAsync();
      return stream;
    }
  }

  static final class Channel implements Leftover {
    private static final class Accepted implements CompletionHandler<AsynchronousSocketChannel, Void> {
      @Override
      public void completed(AsynchronousSocketChannel channel, Void with) {}

      @Override
      public void failed(Throwable why, Void with) {}
    }

    @Override
    public AutoCloseable use() throws Exception {
      AsynchronousServerSocketChannel server =
          AsynchronousServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
      server.accept(null, new Accepted());
      return server;
    }
  }

  static final class Picture implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      System.setProperty("java.awt.headless", "true");
      ImageIO.write(new BufferedImage(10, 10, 1), "png", new ByteArrayOutputStream());
      return () -> {};
    }
  }

  static final class Timeout implements Leftover {
    @Override
    public AutoCloseable use() {
      CompletableFuture<Void> future = new CompletableFuture<Void>().orTimeout(1, TimeUnit.HOURS);
      future.whenComplete((value, why) -> System.out.println("it is late"));
      return () -> future.complete(null);
    }
  }

  static final class TypeFactory implements Leftover {
    private static final class Ours {}

    /** Public, since Flink makes it. */
    public static final class Factory extends TypeInfoFactory<Ours> {
      @Override
      public TypeInformation<Ours> createTypeInfo(Type type, Map<String, TypeInformation<?>> with) {
        return new GenericTypeInfo<>(Ours.class);
      }
    }

    @Override
    public AutoCloseable use() {
      TypeExtractor.registerFactory(Ours.class, Factory.class);
      return () -> {};
    }
  }
}
