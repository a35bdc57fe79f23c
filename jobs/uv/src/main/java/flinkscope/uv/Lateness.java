package flinkscope.uv;

import java.io.Serializable;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.util.OutputTag;

/**
 * Which rows are late: those that come when their day, and the time allowed after it, are over.
 *
 * <p>Flink keeps no watermark in a checkpoint. After a restart it would be unknown again for a while, a late row would open its
 * day anew, and the count of one visitor would overwrite the day's. So the watermark is kept here as state.
 */
final class Lateness implements Serializable {
    static final OutputTag<String> LATE = new OutputTag<String>("late") {};
    static final String LATE_RECORDS = "uvLateRecords";
    private static final long serialVersionUID = 1L;

    private final Days days;
    private final long allowedMs;
    private final boolean keepLate;
    private transient ListState<Long> state;
    private transient long restoredMs;
    private transient Counter late;
    private transient LongCounter lateInAll;

    Lateness(Days days, long allowedMs, boolean keepLate) {
        this.days = days;
        this.allowedMs = allowedMs;
        this.keepLate = keepLate;
    }

    boolean keepsLate() {
        return keepLate;
    }

    Days days() {
        return days;
    }

    /**
     * @param earliest whether the restored watermark is the lowest of all subtasks (before the keyed stream, where each subtask
     *     has its own and what follows goes by the lowest) or the highest (behind it, where all follow the same)
     */
    void initialize(FunctionInitializationContext context, boolean earliest) throws Exception {
        state = context.getOperatorStateStore()
                .getUnionListState(new ListStateDescriptor<>("watermark", Types.LONG));
        restoredMs = Long.MIN_VALUE;
        boolean first = true;
        for (long watermark : state.get()) {
            restoredMs = first ? watermark : earliest ? Math.min(restoredMs, watermark) : Math.max(restoredMs, watermark);
            first = false;
        }
    }

    void open(RuntimeContext context) {
        late = context.getMetricGroup().counter(LATE_RECORDS);
        lateInAll = new LongCounter();
        context.addAccumulator(LATE_RECORDS, lateInAll);
    }

    /** Keeps the watermark for the next restart. */
    void snapshot(long watermark) throws Exception {
        state.clear();
        state.add(Math.max(watermark, restoredMs));
    }

    /** The moment from which rows of the day are late. */
    long closesMs(int day) {
        return days.lastMs(day) + allowedMs;
    }

    boolean isLate(int day, long watermark) {
        return Math.max(watermark, restoredMs) >= closesMs(day);
    }

    void count() {
        late.inc();
        lateInAll.add(1);
    }
}
