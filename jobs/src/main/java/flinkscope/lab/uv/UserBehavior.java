package flinkscope.lab.uv;

/** One record in the shape of the public UserBehavior data set. A Flink POJO. */
public final class UserBehavior {
    public long userId;
    public long itemId;
    public int categoryId;
    public String behavior;
    /** Event time in milliseconds since 1970 UTC. */
    public long timestamp;

    public UserBehavior() {}

    public UserBehavior(long userId, long itemId, int categoryId, String behavior, long timestamp) {
        this.userId = userId;
        this.itemId = itemId;
        this.categoryId = categoryId;
        this.behavior = behavior;
        this.timestamp = timestamp;
    }
}
