package flinkscope.lab.libraries;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import com.alibaba.csp.sentinel.SphU;
import com.ctrip.framework.apollo.ConfigService;
import com.netflix.hystrix.Hystrix;
import com.netflix.hystrix.HystrixCommand;
import com.netflix.hystrix.HystrixCommandGroupKey;
import io.github.resilience4j.bulkhead.ThreadPoolBulkhead;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.logging.LoggingMeterRegistry;
import io.netty.util.HashedWheelTimer;
import io.undertow.Undertow;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import kotlin.coroutines.EmptyCoroutineContext;
import kotlinx.coroutines.Dispatchers;
import org.apache.catalina.startup.Tomcat;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.asynchttpclient.AsyncHttpClient;
import org.asynchttpclient.Dsl;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.server.Server;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import zipkin2.Call;
import zipkin2.Span;
import zipkin2.codec.Encoding;
import zipkin2.reporter.AsyncReporter;
import zipkin2.reporter.Sender;

/** Servers, messaging, configuration centres, and what microservices bring along. */
final class Services {
  private static final String NOWHERE = "127.0.0.1:9";

  private Services() {}

  static final class JettyServer implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Server server = new Server(new InetSocketAddress("127.0.0.1", 0));
      server.start();
      return server::stop;
    }
  }

  static final class JettyClient implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      HttpClient client = new HttpClient();
      client.start();
      return client::stop;
    }
  }

  static final class UndertowServer implements Leftover {
    @Override
    public AutoCloseable use() {
      Undertow server = Undertow.builder().addHttpListener(0, "127.0.0.1").build();
      server.start();
      return server::stop;
    }
  }

  static final class TomcatServer implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Tomcat tomcat = new Tomcat();
      tomcat.setBaseDir(Files.createTempDirectory("flinkscope-lab").toString());
      tomcat.setPort(0);
      tomcat.getConnector();
      tomcat.start();
      return () -> {
        tomcat.stop();
        tomcat.destroy();
      };
    }
  }

  static final class Apollo implements Leftover {
    @Override
    public AutoCloseable use() {
      System.setProperty("app.id", "flinkscope-lab");
      System.setProperty("apollo.meta", "http://" + NOWHERE);
      System.setProperty("apollo.cache-dir", System.getProperty("java.io.tmpdir"));
      System.out.println(ConfigService.getAppConfig().getProperty("key", "not there"));
      return () -> {};
    }
  }

  static final class Sentinel implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      System.setProperty("csp.sentinel.log.dir", System.getProperty("java.io.tmpdir"));
      SphU.entry("lab").exit();
      return () -> {};
    }
  }

  static final class RocketMq implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      DefaultMQProducer producer = new DefaultMQProducer("lab" + System.nanoTime());
      producer.setNamesrvAddr(NOWHERE);
      producer.start();
      return producer::shutdown;
    }
  }

  static final class Pulsar implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      return PulsarClient.builder().serviceUrl("pulsar://" + NOWHERE).build();
    }
  }

  static final class Zipkin implements Leftover {
    @Override
    public AutoCloseable use() {
      AsyncReporter<Span> reporter = AsyncReporter.create(new Nobody());
      reporter.report(Span.newBuilder().traceId("1").id("2").build());
      return reporter;
    }

    private static final class Nobody extends Sender {
      @Override
      public Encoding encoding() {
        return Encoding.JSON;
      }

      @Override
      public int messageMaxBytes() {
        return 100_000;
      }

      @Override
      public int messageSizeInBytes(List<byte[]> spans) {
        return 10;
      }

      @Override
      public Call<Void> sendSpans(List<byte[]> spans) {
        return Call.create(null);
      }
    }
  }

  static final class HystrixCall implements Leftover {
    private static final class Answer extends HystrixCommand<String> {
      Answer() {
        super(HystrixCommandGroupKey.Factory.asKey("lab"));
      }

      @Override
      protected String run() {
        return "done";
      }
    }

    @Override
    public AutoCloseable use() {
      System.out.println(new Answer().execute());
      return () -> Hystrix.reset(5, TimeUnit.SECONDS);
    }
  }

  static final class Bulkhead implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      ThreadPoolBulkhead bulkhead = ThreadPoolBulkhead.ofDefaults("lab");
      bulkhead.executeSupplier(() -> "done").toCompletableFuture().get();
      return bulkhead;
    }
  }

  static final class SpringTasks implements Leftover {
    @Override
    public AutoCloseable use() {
      ThreadPoolTaskScheduler tasks = new ThreadPoolTaskScheduler();
      tasks.initialize();
      tasks.scheduleAtFixedRate(() -> System.out.println("again"), 3_600_000);
      return tasks::destroy;
    }
  }

  static final class AsyncHttp implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      AsyncHttpClient client = Dsl.asyncHttpClient();
      try {
        client.prepareGet("http://" + NOWHERE + "/").execute().get();
      } catch (ExecutionException refused) {
        System.out.println(refused.getMessage());
      }
      return client;
    }
  }

  static final class WheelTimer implements Leftover {
    @Override
    public AutoCloseable use() {
      HashedWheelTimer timer = new HashedWheelTimer();
      timer.newTimeout(timeout -> System.out.println("it is late"), 1, TimeUnit.HOURS);
      return timer::stop;
    }
  }

  static final class Coroutines implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Runnable work = () -> System.out.println("a worker works");
      Dispatchers.getDefault().dispatch(EmptyCoroutineContext.INSTANCE, work);
      return Dispatchers.INSTANCE::shutdown;
    }
  }

  static final class Logback implements Leftover {
    @Override
    public AutoCloseable use() {
      LoggerContext context = new LoggerContext();
      ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
      console.setContext(context);
      AsyncAppender appender = new AsyncAppender();
      appender.setContext(context);
      appender.setName("lab");
      appender.addAppender(console);
      appender.start();
      context.getLogger("ROOT").addAppender(appender);
      context.start();
      return context::stop;
    }
  }

  static final class Meters implements Leftover {
    @Override
    public AutoCloseable use() {
      LoggingMeterRegistry registry = new LoggingMeterRegistry();
      JvmGcMetrics collections = new JvmGcMetrics();
      collections.bindTo(registry);
      return () -> {
        collections.close();
        registry.close();
      };
    }
  }
}
