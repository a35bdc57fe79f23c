import java.util.concurrent.locks.ReentrantLock;

/**
 * The JVM whose flame graphs are known beforehand. Three quarters of its allocated bytes come from Profiled.largeShare
 * (byte[1000] and byte[200000] in turn), one quarter from Profiled.smallShare (long[]), both on the thread "allocator";
 * nearly all its CPU time is Profiled.spin on the thread "spinner"; two threads "contender-N" fight for one monitor in
 * Profiled.holdMonitor, and two more "parker-N" for one ReentrantLock in Profiled.holdLock. The thread "sleeper" only
 * sleeps. Prints "ready"; ends when its standard input ends.
 */
public class Profiled {
    static volatile Object sink;
    static volatile double result;
    static final Object monitor = new Object();
    static final ReentrantLock lock = new ReentrantLock();

    public static void main(String[] arguments) throws Exception {
        daemon("allocator", Profiled::allocate);
        daemon("spinner", Profiled::spin);
        daemon("sleeper", () -> pause(3_600_000));
        for (int i = 0; i < 2; i++) {
            daemon("contender-" + i, Profiled::contend);
            daemon("parker-" + i, Profiled::park);
        }
        Thread.sleep(300);
        System.out.println("ready");
        System.out.flush();
        while (System.in.read() >= 0) {
            Thread.yield();
        }
    }

    /** 300 kB and 100 kB a round, and a little rest after 20 rounds. */
    static void allocate() {
        for (long round = 1; ; round++) {
            largeShare(round);
            smallShare();
            if (round % 20 == 0) {
                pause(2);
            }
        }
    }

    static void largeShare(long round) {
        if (round % 2 == 0) {
            sink = new byte[300_000 - 16];
        } else {
            for (int i = 0; i < 300; i++) {
                sink = new byte[1000 - 16];
            }
        }
    }

    static void smallShare() {
        for (int i = 0; i < 1250; i++) {
            sink = new long[8];
        }
    }

    /** Half of a core: 10 ms of arithmetic, 10 ms of rest. */
    static void spin() {
        while (true) {
            long end = System.nanoTime() + 10_000_000;
            double value = 1;
            while (System.nanoTime() < end) {
                for (int i = 0; i < 1000; i++) {
                    value = Math.sqrt(value + i);
                }
            }
            result = value;
            pause(10);
        }
    }

    static void contend() {
        while (true) {
            synchronized (monitor) {
                holdMonitor();
            }
        }
    }

    static void holdMonitor() {
        pause(30);
    }

    static void park() {
        while (true) {
            lock.lock();
            try {
                holdLock();
            } finally {
                lock.unlock();
            }
        }
    }

    static void holdLock() {
        pause(30);
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
}
