package flinkscope.uv;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.AggregateFunction;
import org.roaringbitmap.RoaringBitmap;

/** SQL function: how many distinct INTs; a RoaringBitmap is the accumulator. For Flink before 2.3. */
public final class BitmapCount extends AggregateFunction<Long, BitmapCount.Users> {
    private static final long serialVersionUID = 1L;

    /** The accumulator. */
    public static final class Users {
        @DataTypeHint(value = "RAW", bridgedTo = RoaringBitmap.class, rawSerializer = BitmapSerializer.class)
        public RoaringBitmap users = new RoaringBitmap();
    }

    @Override
    public Users createAccumulator() {
        return new Users();
    }

    /** Adds a user. */
    public void accumulate(Users accumulator, Integer user) {
        if (user != null) {
            accumulator.users.add(user);
        }
    }

    /** Joins partial results. */
    public void merge(Users accumulator, Iterable<Users> others) {
        for (Users other : others) {
            accumulator.users.or(other.users);
        }
    }

    @Override
    public Long getValue(Users accumulator) {
        return accumulator.users.getLongCardinality();
    }
}
