package flinkscope.lab.pins;

import java.lang.ref.Cleaner;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Threads that outlive main(), and what threads of others keep for it. */
final class ThreadPins {
  private ThreadPins() {}

  /** A daemon thread that runs the user's code, as nacos' client and many others start. */
  static final class Running implements Pin {
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread worker = new Thread(this::work, "user-daemon-worker");

    @Override
    public void set() {
      worker.setDaemon(true);
      worker.start();
    }

    @Override
    public void release() throws InterruptedException {
      stop.countDown();
      worker.join();
    }

    private void work() {
      try {
        stop.await();
      } catch (InterruptedException error) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The user's loader as context class loader of a thread that the JDK keeps for ever; the last one set wins. */
  static final class ContextLoader implements Pin {
    @Override
    public void set() throws Exception {
      onTheJdksThread(ContextLoader.class.getClassLoader(), () -> {});
    }

    @Override
    public void release() throws Exception {
      onTheJdksThread(ClassLoader.getSystemClassLoader(), () -> {});
    }
  }

  /** A thread local of the user's class on a thread that the JDK keeps for ever. */
  static final class Local implements Pin {
    private static final ThreadLocal<Local> OURS = new ThreadLocal<>();

    @Override
    public void set() throws Exception {
      onTheJdksThread(ClassLoader.getSystemClassLoader(), () -> OURS.set(this));
    }

    @Override
    public void release() throws Exception {
      onTheJdksThread(ClassLoader.getSystemClassLoader(), OURS::remove);
    }
  }

  /** Runs work on the thread of CompletableFuture's delays, which it leaves with that context class loader. */
  private static void onTheJdksThread(ClassLoader context, Runnable work) throws InterruptedException {
    CountDownLatch done = new CountDownLatch(1);
    CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS, Runnable::run)
        .execute(
            () -> {
              Thread.currentThread().setContextClassLoader(context);
              work.run();
              done.countDown();
            });
    done.await();
  }

  /** A java.util.Timer that nobody cancels. */
  static final class TimerPin implements Pin {
    private final Timer timer = new Timer("user-timer", true);

    @Override
    public void set() {
      timer.schedule(
          new TimerTask() {
            @Override
            public void run() {
              System.out.println("the job's timer fires");
            }
          },
          3_600_000,
          3_600_000);
    }

    @Override
    public void release() {
      timer.cancel();
    }
  }

  /** A pool that nobody shuts down; its thread is idle. */
  static final class Executor implements Pin {
    private final ExecutorService pool = Executors.newFixedThreadPool(1);

    @Override
    public void set() throws Exception {
      pool.submit(() -> System.out.println("the job's pool works")).get();
    }

    @Override
    public void release() throws InterruptedException {
      pool.shutdown();
      pool.awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  /** A cleaner of its own with an object that stays alive. */
  static final class CleanerPin implements Pin {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final Object RESOURCE = new Object();
    private Cleaner.Cleanable cleanable;

    @Override
    public void set() {
      cleanable = CLEANER.register(RESOURCE, () -> System.out.println("cleaned"));
    }

    @Override
    public void release() {
      cleanable.clean();
    }
  }
}
