package flinkscope.lab.uv;

import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.roaringbitmap.RoaringBitmap;

/**
 * The incident's window function: the window's users in a RoaringBitmap.
 *
 * <p>Where each firing empties the window ({@code carried}), the bitmap must be carried over the firings in per-window state,
 * else each firing counts only its own three minutes.
 */
final class CountVisitors
        extends ProcessWindowFunction<UserBehavior, UvCount, Tuple2<String, String>, TimeWindow> {
    private static final long serialVersionUID = 1L;
    private static final ValueStateDescriptor<RoaringBitmap> VISITORS =
            new ValueStateDescriptor<>("visitors", RoaringBitmapSerializer.INSTANCE);

    private final boolean carried;
    private final String truthFolder;
    private transient TaskTruth truth;

    CountVisitors(boolean carried, String truthFolder) {
        this.carried = carried;
        this.truthFolder = truthFolder;
    }

    @Override
    public void process(
            Tuple2<String, String> key, Context context, Iterable<UserBehavior> events, Collector<UvCount> out)
            throws Exception {
        if (truth == null) {
            truth = TaskTruth.ofThisTask(truthFolder);
        }
        ValueState<RoaringBitmap> state = carried ? context.windowState().getState(VISITORS) : null;
        RoaringBitmap known = state == null ? null : state.value();
        RoaringBitmap visitors = known == null ? new RoaringBitmap() : known;
        for (UserBehavior event : events) {
            visitors.add((int) event.userId);
        }
        if (state != null) {
            state.update(visitors);
            truth.add(TaskTruth.KEPT, known == null ? 1 : 0);
        }
        int day = Days.parse(key.f0);
        long item = Long.parseLong(key.f1);
        out.collect(new UvCount(day, item, visitors.getCardinality()));
        truth.add(TaskTruth.RESULTS, 1);
        truth.fired(day, item);
    }

    @Override
    public void clear(Context context) throws Exception {
        if (truth != null) {
            truth.add(TaskTruth.CLEARED, 1);
        }
        if (carried) {
            context.windowState().getState(VISITORS).clear();
        }
    }
}
