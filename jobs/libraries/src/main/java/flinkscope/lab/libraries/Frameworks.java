package flinkscope.lab.libraries;

import com.codahale.metrics.MetricRegistry;
import com.codahale.metrics.jmx.JmxReporter;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Scheduler;
import com.google.common.base.FinalizablePhantomReference;
import com.google.common.base.FinalizableReferenceQueue;
import com.sun.jna.Memory;
import groovy.lang.GroovyShell;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.prometheus.client.exporter.HTTPServer;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.schedulers.Schedulers;
import java.security.Security;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.quartz.impl.StdSchedulerFactory;
import org.springframework.context.support.GenericApplicationContext;
import reactor.core.publisher.Mono;

/** Schedulers, caches, metrics, scripts and the like. */
final class Frameworks {
  private Frameworks() {}

  static final class Quartz implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      org.quartz.Scheduler scheduler = new StdSchedulerFactory().getScheduler();
      scheduler.start();
      return () -> scheduler.shutdown(true);
    }
  }

  static final class RxJava implements Leftover {
    @Override
    public AutoCloseable use() {
      Observable.just(1).subscribeOn(Schedulers.computation()).blockingSubscribe();
      return Schedulers::shutdown;
    }
  }

  static final class Reactor implements Leftover {
    @Override
    public AutoCloseable use() {
      Mono.just(1).subscribeOn(reactor.core.scheduler.Schedulers.parallel()).block();
      return reactor.core.scheduler.Schedulers::shutdownNow;
    }
  }

  static final class Guava implements Leftover {
    @Override
    public AutoCloseable use() {
      FinalizableReferenceQueue queue = new FinalizableReferenceQueue();
      new Watched(new Object(), queue);
      return queue;
    }

    private static final class Watched extends FinalizablePhantomReference<Object> {
      Watched(Object object, FinalizableReferenceQueue queue) {
        super(object, queue);
      }

      @Override
      public void finalizeReferent() {}
    }
  }

  static final class CaffeineCache implements Leftover {
    @Override
    public AutoCloseable use() {
      Cache<Integer, String> cache =
          Caffeine.newBuilder()
              .expireAfterWrite(Duration.ofHours(1))
              .scheduler(Scheduler.systemScheduler())
              .executor(Runnable::run)
              .build();
      cache.put(1, "one");
      return () -> {
        cache.invalidateAll();
        cache.cleanUp();
      };
    }
  }

  static final class Metrics implements Leftover {
    @Override
    public AutoCloseable use() {
      MetricRegistry registry = new MetricRegistry();
      registry.counter("lab-" + System.nanoTime()).inc();
      JmxReporter reporter = JmxReporter.forRegistry(registry).build();
      reporter.start();
      return reporter;
    }
  }

  static final class BouncyCastle implements Leftover {
    @Override
    public AutoCloseable use() {
      Security.addProvider(new BouncyCastleProvider());
      return () -> Security.removeProvider("BC");
    }
  }

  static final class Groovy implements Leftover {
    @Override
    public AutoCloseable use() {
      System.out.println(new GroovyShell().evaluate("[1, 2, 3].collect { it * 2 }.sum()"));
      return () -> {};
    }
  }

  static final class PrometheusServer implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      return new HTTPServer("127.0.0.1", 0);
    }
  }

  static final class Telemetry implements Leftover {
    @Override
    public AutoCloseable use() {
      SpanExporter exporter = SpanExporter.composite();
      SdkTracerProvider traces =
          SdkTracerProvider.builder()
              .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
              .build();
      return OpenTelemetrySdk.builder().setTracerProvider(traces).build();
    }
  }

  static final class Spring implements Leftover {
    @Override
    public AutoCloseable use() {
      GenericApplicationContext context = new GenericApplicationContext();
      context.refresh();
      context.registerShutdownHook();
      return context;
    }
  }

  static final class Jna implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      Memory memory = new Memory(16);
      TimeUnit.MILLISECONDS.sleep(100);
      return memory;
    }
  }
}
