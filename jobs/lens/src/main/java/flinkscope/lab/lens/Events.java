package flinkscope.lab.lens;

import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;

/** Index to event; past the last event it only waits, so that the job goes on and its state stays as it is. */
final class Events extends RichFlatMapFunction<Long, Event> {
    static final long START = 1_700_006_400_000L; // 2023-11-15 00:00 UTC

    private final long events;
    private final long keys;
    private final long spacing;
    private final String padding;
    private final boolean hashed;

    Events(Options options) {
        events = options.number("events", 10_000);
        keys = options.number("keys", 1_000);
        spacing = options.number("spacing-ms", 1_000);
        hashed = options.text("order", "turn").equals("hashed");
        padding = "x".repeat((int) options.number("pad", 0));
    }

    /** SplitMix64's finisher: any two indices give unrelated numbers. */
    static long mixed(long index) {
        long z = (index + 1) * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    @Override
    public void flatMap(Long index, Collector<Event> out) throws Exception {
        if (index < events) {
            long key = hashed ? Long.remainderUnsigned(mixed(index), keys) : index % keys;
            out.collect(new Event(index, key, START + index * spacing, String.format("key-%010d", key) + padding));
        } else {
            Thread.sleep(20);
        }
    }
}
