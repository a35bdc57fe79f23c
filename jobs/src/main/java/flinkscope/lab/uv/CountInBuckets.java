package flinkscope.lab.uv;

import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * The better design: the bucket of items is the key, an item is an entry of the bucket's map.
 *
 * <p>A bucket has one clean-up timer at the end of its day and at most one timer for the next results; it emits only items
 * whose count changed. An item costs one map entry and an array, no state entry of its own, no timer.
 */
final class CountInBuckets extends KeyedProcessFunction<Long, UserBehavior, UvCount> {
    private static final long serialVersionUID = 1L;

    private final long intervalMs;
    private final String truthFolder;
    private transient MapState<Long, Visitors> items;
    private transient ValueState<Long> nextResults;
    private transient TaskTruth truth;

    CountInBuckets(long intervalMs, String truthFolder) {
        this.intervalMs = intervalMs;
        this.truthFolder = truthFolder;
    }

    @Override
    public void open(OpenContext context) {
        items = getRuntimeContext().getMapState(
                new MapStateDescriptor<>("items", LongSerializer.INSTANCE, VisitorsSerializer.INSTANCE));
        nextResults = getRuntimeContext().getState(new ValueStateDescriptor<>("next-results", Types.LONG));
        truth = TaskTruth.ofThisTask(truthFolder);
    }

    @Override
    public void processElement(UserBehavior event, Context context, Collector<UvCount> out) throws Exception {
        long watermark = context.timerService().currentWatermark();
        long lastMs = Days.lastMs(DayAndBucket.day(context.getCurrentKey()));
        if (watermark >= lastMs) {
            truth.add(TaskTruth.LATE, 1);
            return;
        }
        Visitors visitors = items.get(event.itemId);
        boolean changed = true;
        if (visitors == null) {
            items.put(event.itemId, Visitors.first((int) event.userId));
            truth.add(TaskTruth.KEPT, 1);
        } else {
            changed = visitors.add((int) event.userId);
            if (changed) {
                items.put(event.itemId, visitors);
            }
        }
        if (changed && nextResults.value() == null) {
            long from = Math.max(event.timestamp, watermark);
            long next = Math.min(from - Math.floorMod(from, intervalMs) + intervalMs, lastMs);
            nextResults.update(next);
            context.timerService().registerEventTimeTimer(next);
            context.timerService().registerEventTimeTimer(lastMs);
            truth.add(TaskTruth.EMIT_TIMERS, 1);
        }
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<UvCount> out) throws Exception {
        int day = DayAndBucket.day(context.getCurrentKey());
        truth.add(TaskTruth.FIRINGS, 1);
        for (Map.Entry<Long, Visitors> item : items.entries()) {
            Visitors visitors = item.getValue();
            if (visitors.changed) {
                out.collect(new UvCount(day, item.getKey(), visitors.count()));
                visitors.changed = false;
                item.setValue(visitors);
                truth.add(TaskTruth.RESULTS, 1);
            }
        }
        if (nextResults.value() != null) {
            truth.add(TaskTruth.EMIT_TIMERS, -1);
        }
        nextResults.clear();
        if (timestamp == Days.lastMs(day)) {
            items.clear();
            truth.add(TaskTruth.CLEARED, 1);
        }
    }
}
