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

    Events(Options options) {
        events = options.number("events", 10_000);
        keys = options.number("keys", 1_000);
        spacing = options.number("spacing-ms", 1_000);
        padding = "x".repeat((int) options.number("pad", 0));
    }

    @Override
    public void flatMap(Long index, Collector<Event> out) throws Exception {
        if (index < events) {
            long key = index % keys;
            out.collect(new Event(index, key, START + index * spacing, String.format("key-%010d", key) + padding));
        } else {
            Thread.sleep(20);
        }
    }
}
