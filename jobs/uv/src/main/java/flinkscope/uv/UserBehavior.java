package flinkscope.uv;

/** One record as the incident's job keeps it. A Flink POJO. */
public final class UserBehavior {
    public long userId;
    public long itemId;
    public int categoryId;
    public String behavior;
    /** Event time in milliseconds since 1970 UTC. */
    public long timestamp;

    public UserBehavior() {}

    UserBehavior(Event event) {
        userId = event.userId;
        itemId = event.itemId;
        categoryId = (int) event.categoryId;
        behavior = event.behavior;
        timestamp = event.timestamp;
    }
}
