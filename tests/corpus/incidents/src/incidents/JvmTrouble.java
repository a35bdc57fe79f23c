package incidents;

import java.lang.invoke.MethodHandles;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A JVM that runs out of one kind of memory: the first argument says which. No class of Flink. */
public final class JvmTrouble {

    private static final Map<Integer, byte[]> SEEN = new HashMap<>();
    private static final List<Object> HELD = new ArrayList<>();

    public static void main(String[] words) throws Exception {
        int size = words.length > 1 ? Integer.parseInt(words[1]) : 0;
        switch (words[0]) {
            case "static":
                for (int n = 0; ; n++) {
                    SEEN.put(n, new byte[200]);
                }
            case "flat":
                flat(size, Integer.parseInt(words[2]));
                break;
            case "saw-tooth":
                sawTooth(size, Integer.parseInt(words[2]));
                break;
            case "array":
                HELD.add(new long[Integer.MAX_VALUE]);
                break;
            case "direct":
                while (true) {
                    HELD.add(ByteBuffer.allocateDirect(1 << 20));
                }
            case "native":
                Field field = Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe");
                field.setAccessible(true);
                sun.misc.Unsafe unsafe = (sun.misc.Unsafe) field.get(null);
                while (true) {
                    unsafe.setMemory(unsafe.allocateMemory(1 << 20), 1 << 20, (byte) 1);
                    Thread.sleep(1);
                }
            case "threads":
                for (int n = 0; ; n++) {
                    Thread worker = new Thread(JvmTrouble::sleep, "leaked-worker-" + n);
                    worker.setDaemon(true);
                    worker.start();
                }
            case "classes":
                classes();
                break;
            case "explicit":
                for (int n = 0; n < size; n++) {
                    System.gc();
                    Thread.sleep(20);
                }
                break;
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    /** Keeps ``size`` MiB in blocks and replaces one after the other, for so many seconds. */
    private static void flat(int size, int seconds) {
        byte[][] kept = new byte[size * 16][];
        for (int n = 0; n < kept.length; n++) {
            kept[n] = new byte[64 << 10];
        }
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        for (int n = 0; System.nanoTime() < end; n = (n + 7919) % kept.length) {
            kept[n] = new byte[64 << 10];
        }
        HELD.add(kept);
    }

    /** Fills a window of ``size`` MiB and lets it go, again and again: the heap is often full, the live set is not. */
    private static void sawTooth(int size, int seconds) {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        ArrayDeque<byte[]> window = new ArrayDeque<>();
        while (System.nanoTime() < end) {
            window.add(new byte[64 << 10]);
            if (window.size() > size * 16) {
                window.clear();
            }
        }
    }

    /** The same class over and over, each time with a loader of its own. */
    private static void classes() throws Exception {
        byte[] bytes = JvmTrouble.class.getResourceAsStream("Rule.class").readAllBytes();
        for (int n = 0; ; n++) {
            HELD.add(MethodHandles.lookup().defineHiddenClass(bytes, true, MethodHandles.Lookup.ClassOption.STRONG));
        }
    }

    private static void sleep() {
        try {
            Thread.sleep(Long.MAX_VALUE);
        } catch (InterruptedException over) {
            Thread.currentThread().interrupt();
        }
    }

    private JvmTrouble() {}
}

/** What is defined again and again. */
class Rule {
    static Object evaluate(Object record) {
        return record;
    }
}
