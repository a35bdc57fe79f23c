package flinkscope.uv;

import org.apache.flink.api.java.functions.KeySelector;

/** The key of the keyed stream: day × buckets + bucket of the key; as many a day as buckets, however many keys. */
final class Buckets implements KeySelector<Event, Long> {
    private static final long serialVersionUID = 1L;

    private final KeyColumn key;
    private final Days days;
    private final int buckets;

    Buckets(KeyColumn key, Days days, int buckets) {
        this.key = key;
        this.days = days;
        this.buckets = buckets;
    }

    @Override
    public Long getKey(Event event) {
        long hash = event.keyText == null ? Hash.mix(key.numberOf(event)) : Hash.of(event.keyText);
        long bucket = ((hash >>> 32) * buckets) >>> 32; // the low half places the key within its table
        return (long) days.number(event.timestamp) * buckets + bucket;
    }
}
