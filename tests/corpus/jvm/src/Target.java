import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * The JVM that flinkscope's tests look at. Modes: churn (allocates, collects), threads (deadlock, duplicate names,
 * pools, a virtual thread where there are any), loaders N (N class loaders of one class, kept), idle.
 * Prints "ready" once the state of its mode is reached; ends when its standard input ends.
 */
public class Target {
    static volatile Object sink;
    static final List<Object> kept = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        String mode = arguments.length == 0 ? "idle" : arguments[0];
        if (mode.equals("churn")) {
            daemon("churn", Target::churn);
            Thread.sleep(300);
            System.gc();
        } else if (mode.equals("threads")) {
            threads();
        } else if (mode.equals("loaders")) {
            for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
                kept.add(new CopyingLoader().loadClass("Target$Payload").getDeclaredConstructor().newInstance());
            }
        }
        System.out.println("ready");
        System.out.flush();
        while (System.in.read() >= 0) {
            Thread.yield();
        }
    }

    static void churn() {
        long round = 0;
        while (true) {
            byte[][] garbage = new byte[100][];
            for (int i = 0; i < garbage.length; i++) {
                garbage[i] = new byte[1000];
            }
            sink = garbage;
            if (++round % 100 == 0) {
                pause(5);
            }
        }
    }

    static void threads() throws Exception {
        final Object left = new Object();
        final Object right = new Object();
        final CountDownLatch both = new CountDownLatch(2);
        daemon("deadlock-a", () -> take(left, right, both));
        daemon("deadlock-b", () -> take(right, left, both));
        for (int i = 0; i < 3; i++) {
            daemon("user-daemon-worker", () -> pause(3_600_000));
        }
        for (int i = 1; i <= 4; i++) {
            daemon("pool-" + i + "-thread-1", () -> pause(3_600_000));
        }
        daemon("strange \"name\" #7 prio=9", () -> pause(3_600_000));
        daemon("busy", () -> {
            long spins = 0;
            while (true) {
                sink = Long.valueOf(++spins);
                if (spins % 1_000_000 == 0) {
                    pause(20);
                }
            }
        });
        startVirtual(() -> pause(3_600_000));
        Thread.sleep(300);
    }

    static void take(Object first, Object second, CountDownLatch both) {
        synchronized (first) {
            both.countDown();
            try {
                both.await();
            } catch (InterruptedException e) {
                return;
            }
            synchronized (second) {
                sink = second;
            }
        }
    }

    static void startVirtual(Runnable work) throws Exception {
        try {
            Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
            kept.add(start.invoke(null, work));
        } catch (NoSuchMethodException | java.lang.reflect.InvocationTargetException tooOld) {
            sink = tooOld;
        }
    }

    static void daemon(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Defines its own copy of Payload, so that each loader holds one class. */
    static class CopyingLoader extends ClassLoader {
        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.equals("Target$Payload")) {
                return super.loadClass(name, resolve);
            }
            try (InputStream in = Target.class.getResourceAsStream("/Target$Payload.class")) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                byte[] buffer = new byte[4096];
                for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                    bytes.write(buffer, 0, n);
                }
                return defineClass(name, bytes.toByteArray(), 0, bytes.size());
            } catch (java.io.IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    public static class Payload {
        final long[] ballast = new long[10];
    }
}
