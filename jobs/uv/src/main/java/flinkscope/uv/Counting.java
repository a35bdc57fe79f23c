package flinkscope.uv;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * What both ways of counting in buckets share: the key is day × buckets + bucket; each bucket has one timer for the end of its
 * day and at most one for the next results; only keys whose count has changed give a result.
 */
abstract class Counting extends KeyedProcessFunction<Long, Event, UvCount> implements CheckpointedFunction {
    static final String KEYS = "uvKeys";
    static final String RESULTS = "uvResults";
    private static final long serialVersionUID = 1L;

    final KeyColumn key;
    private final Lateness lateness;
    private final Days days;
    private final int buckets;
    private final long stepMs;
    private transient ListState<Long> keysState;
    private transient AtomicLong keys;
    private transient LongCounter resultsInAll;
    private transient TimerService timers;
    private transient boolean restored;

    Counting(KeyColumn key, Lateness lateness, int buckets, long stepMs) {
        this.key = key;
        this.lateness = lateness;
        this.days = lateness.days();
        this.buckets = buckets;
        this.stepMs = stepMs;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        lateness.initialize(context, false);
        restored = context.isRestored();
        keysState = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("keys", Types.LONG));
        keys = new AtomicLong();
        for (long held : keysState.get()) {
            keys.addAndGet(held);
        }
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        lateness.snapshot(timers == null ? Long.MIN_VALUE : timers.currentWatermark());
        keysState.clear();
        keysState.add(keys.get());
    }

    @Override
    public void open(OpenContext context) throws Exception {
        lateness.open(getRuntimeContext());
        getRuntimeContext().getMetricGroup().gauge(KEYS, (Gauge<Long>) keys::get);
        resultsInAll = new LongCounter();
        getRuntimeContext().addAccumulator(RESULTS, resultsInAll);
    }

    /** Adds the event's user to its key; whether the key's count has changed. */
    abstract boolean add(Event event) throws Exception;

    /** When the bucket's next results are due; 0: there are none to come. */
    abstract long nextResultsMs() throws Exception;

    abstract void setNextResultsMs(long timestampMs) throws Exception;

    /** Gives the results of the keys that have changed; of all, the first time after a restart. */
    abstract void emit(int day, long bucket, Collector<UvCount> out) throws Exception;

    /** Forgets the bucket; how many keys it had. */
    abstract long forget() throws Exception;

    /** Whether this run began with state: then all its counts are sent once, for a store that may have lost some. */
    boolean isRestored() {
        return restored;
    }

    void countNewKey() {
        keys.incrementAndGet();
    }

    void result(UvCount count, Collector<UvCount> out) {
        out.collect(count);
        resultsInAll.add(1);
    }

    @Override
    public void processElement(Event event, Context context, Collector<UvCount> out) throws Exception {
        timers = context.timerService();
        long watermark = timers.currentWatermark();
        int day = (int) Math.floorDiv(context.getCurrentKey(), (long) buckets);
        if (lateness.isLate(day, watermark)) {
            lateness.count();
            if (lateness.keepsLate()) {
                context.output(Lateness.LATE, event.asCsv());
            }
            return;
        }
        if (add(event) && nextResultsMs() == 0) {
            long closesMs = lateness.closesMs(day);
            long next = nextStep(day, Math.max(event.timestamp, watermark), closesMs);
            setNextResultsMs(next);
            timers.registerEventTimeTimer(next);
            if (next != closesMs) {
                timers.registerEventTimeTimer(closesMs);
            }
        }
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<UvCount> out) throws Exception {
        timers = context.timerService();
        int day = (int) Math.floorDiv(context.getCurrentKey(), (long) buckets);
        emit(day, context.getCurrentKey(), out);
        setNextResultsMs(0);
        if (timestamp == lateness.closesMs(day)) {
            keys.addAndGet(-forget());
        }
    }

    /** The next multiple of the step since the day's begin; the day's last millisecond and its closing count as one. */
    private long nextStep(int day, long fromMs, long closesMs) {
        long startMs = days.startMs(day);
        long next = startMs + (Math.floorDiv(fromMs - startMs, stepMs) + 1) * stepMs;
        long lastMs = days.lastMs(day);
        return Math.min(fromMs < lastMs ? Math.min(next, lastMs) : next, closesMs);
    }
}
