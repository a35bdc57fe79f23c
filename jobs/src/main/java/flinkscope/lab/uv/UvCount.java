package flinkscope.lab.uv;

/** A result: on {@code day}, item {@code itemId} had {@code visitors} unique visitors so far. A Flink POJO. */
public final class UvCount {
    public int day;
    public long itemId;
    public int visitors;

    public UvCount() {}

    public UvCount(int day, long itemId, int visitors) {
        this.day = day;
        this.itemId = itemId;
        this.visitors = visitors;
    }

    @Override
    public String toString() {
        return Days.name(day) + " item " + itemId + ": " + visitors + " visitors";
    }
}
