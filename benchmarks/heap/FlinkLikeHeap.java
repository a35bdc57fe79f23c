import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Fills its heap with what a window operator on Flink's heap state backend keeps, then dumps it: per key one state entry
 * in a chained hash table, a (String, Long) key shared with two timers, a window object, and a HashMap from timer to timer.
 * Arguments: number of keys, file to write.
 */
public final class FlinkLikeHeap {
    static final class Window {
        final long start;
        final long end;

        Window(long start, long end) {
            this.start = start;
            this.end = end;
        }
    }

    static final class Key {
        final Object f0;
        final Object f1;

        Key(Object f0, Object f1) {
            this.f0 = f0;
            this.f1 = f1;
        }
    }

    static final class StateEntry {
        final Key key;
        final Window namespace;
        final int hash;
        Object state;
        StateEntry next;
        int entryVersion;
        int stateVersion;

        StateEntry(Key key, Window namespace, Object state, StateEntry next) {
            this.key = key;
            this.namespace = namespace;
            this.hash = System.identityHashCode(key);
            this.state = state;
            this.next = next;
        }
    }

    static final class Timer {
        final long timestamp;
        final Key key;
        final Window namespace;
        int timerHeapIndex;

        Timer(long timestamp, Key key, Window namespace) {
            this.timestamp = timestamp;
            this.key = key;
            this.namespace = namespace;
        }
    }

    static final class Operator {
        final StateEntry[] table;
        final Timer[] queue;
        final Map<Timer, Timer> dedup = new HashMap<>();
        final String name;

        Operator(String name, int keys) {
            this.name = name;
            this.table = new StateEntry[Integer.highestOneBit(Math.max(keys, 2))];
            this.queue = new Timer[2 * keys];
        }

        void fill(int keys, long seed) {
            for (int i = 0; i < keys; i++) {
                Key key = new Key("item-" + Long.toHexString(seed * 31 + i), Long.valueOf(seed + i));
                Window window = new Window(seed, seed + 86_400_000L);
                int slot = (int) ((seed + i) * 0x9E3779B97F4A7C15L >>> 40) & (table.length - 1);
                table[slot] = new StateEntry(key, window, Long.valueOf(seed + 180_000L + i), table[slot]);
                for (int t = 0; t < 2; t++) {
                    Timer timer = new Timer(seed + t, key, window);
                    timer.timerHeapIndex = 2 * i + t;
                    queue[2 * i + t] = timer;
                    dedup.put(timer, timer);
                }
            }
        }
    }

    static final List<Operator> OPERATORS = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        int keys = Integer.parseInt(arguments[0]);
        List<Thread> tasks = new ArrayList<>();
        for (int task = 0; task < 2; task++) {
            Operator operator = new Operator("window-" + task, keys / 2);
            operator.fill(keys / 2, 1_700_000_000_000L + task);
            Thread thread = new Thread(() -> hold(operator), "task-" + task);
            thread.setDaemon(true);
            thread.start();
            tasks.add(thread);
        }
        System.gc();
        Class<?> type = Class.forName("com.sun.management.HotSpotDiagnosticMXBean");
        Object bean = ManagementFactory.getPlatformMXBean(type.asSubclass(java.lang.management.PlatformManagedObject.class));
        type.getMethod("dumpHeap", String.class, boolean.class).invoke(bean, arguments[1], true);
        System.out.println("tasks " + tasks.size());
    }

    private static void hold(Operator operator) {
        synchronized (operator) {
            try {
                operator.wait();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private FlinkLikeHeap() {}
}
