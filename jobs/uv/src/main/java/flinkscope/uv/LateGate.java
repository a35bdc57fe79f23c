package flinkscope.uv;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;

/** Keeps late rows from the designs whose own operators would drop them or, after a restart, open their day anew. */
final class LateGate extends ProcessFunction<Event, Event> implements CheckpointedFunction {
    private static final long serialVersionUID = 1L;

    private final Lateness lateness;
    private transient long watermark;

    LateGate(Lateness lateness) {
        this.lateness = lateness;
    }

    @Override
    public void open(OpenContext context) {
        lateness.open(getRuntimeContext());
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        watermark = Long.MIN_VALUE;
        lateness.initialize(context, true);
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        lateness.snapshot(watermark);
    }

    @Override
    public void processElement(Event event, Context context, Collector<Event> out) {
        watermark = context.timerService().currentWatermark();
        if (lateness.isLate(lateness.days().number(event.timestamp), watermark)) {
            lateness.count();
            if (lateness.keepsLate()) {
                context.output(Lateness.LATE, event.asCsv());
            }
            return;
        }
        out.collect(event);
    }
}
