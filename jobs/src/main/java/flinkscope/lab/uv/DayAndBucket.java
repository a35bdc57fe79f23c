package flinkscope.lab.uv;

import org.apache.flink.api.java.functions.KeySelector;

/** The better key: day × {@link #BUCKETS} + bucket of the item; as many keys a day as buckets, however many items. */
final class DayAndBucket implements KeySelector<UserBehavior, Long> {
    static final int BUCKETS = 1024;
    private static final long serialVersionUID = 1L;

    private final String truthFolder;
    private transient TaskTruth truth;

    DayAndBucket(String truthFolder) {
        this.truthFolder = truthFolder;
    }

    @Override
    public Long getKey(UserBehavior event) {
        int day = Days.number(event.timestamp);
        if (truth == null) {
            truth = TaskTruth.ofThisTask(truthFolder);
        }
        truth.element(day, event.itemId);
        return (long) day * BUCKETS + bucket(event.itemId);
    }

    static int day(long key) {
        return (int) Math.floorDiv(key, (long) BUCKETS);
    }

    private static int bucket(long item) {
        return (int) (Shop.mix(item) >>> 54);
    }
}
