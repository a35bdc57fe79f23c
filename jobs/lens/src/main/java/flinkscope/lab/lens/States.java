package flinkscope.lab.lens;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.state.AggregatingStateDescriptor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ReducingStateDescriptor;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Every kind of keyed state, both kinds of timers and a list of operator state; counts what it keeps in metrics. */
final class States extends KeyedProcessFunction<Object, Event, Long> implements CheckpointedFunction {
    private final long timerEvery;
    private transient ListState<Long> offsets;
    private transient Counter keys;
    private transient Counter elements;
    private transient Counter pairs;
    private transient Counter eventTimers;
    private transient Counter processingTimers;

    States(Options options) {
        timerEvery = options.number("timer-every", 2);
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        offsets = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("offsets", Types.LONG));
        for (long i = 0; i < 300; i++) {
            offsets.add(i + 1_000);
        }
        keys = getRuntimeContext().getMetricGroup().counter("lens_keys");
        elements = getRuntimeContext().getMetricGroup().counter("lens_elements");
        pairs = getRuntimeContext().getMetricGroup().counter("lens_pairs");
        eventTimers = getRuntimeContext().getMetricGroup().counter("lens_event_timers");
        processingTimers = getRuntimeContext().getMetricGroup().counter("lens_processing_timers");
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {}

    @Override
    public void processElement(Event event, Context context, Collector<Long> out) throws Exception {
        ValueState<Long> last = getRuntimeContext().getState(new ValueStateDescriptor<>("last", Types.LONG));
        if (last.value() == null) {
            keys.inc();
            if (event.key % timerEvery == 0) {
                context.timerService().registerEventTimeTimer(event.time + Duration.ofDays(3_650).toMillis());
                eventTimers.inc();
            } else {
                context.timerService().registerProcessingTimeTimer(4_000_000_000_000L + event.key);
                processingTimers.inc();
            }
        }
        last.update(event.index + 1_000);
        getRuntimeContext().getState(withTtl()).update(event.text);
        getRuntimeContext().getListState(new ListStateDescriptor<>("history", Types.LONG)).add(event.index + 1_000);
        elements.inc();
        var seen = getRuntimeContext().getMapState(new MapStateDescriptor<>("seen", Types.LONG, Types.STRING));
        if (!seen.contains(event.index)) {
            pairs.inc();
        }
        seen.put(event.index, event.text);
        getRuntimeContext().getAggregatingState(new AggregatingStateDescriptor<>("count", new Counts(), Types.LONG))
                .add(event);
        getRuntimeContext()
                .getReducingState(new ReducingStateDescriptor<>("largest", Math::max, Types.LONG))
                .add(event.index + 1_000);
    }

    private static ValueStateDescriptor<String> withTtl() throws Exception {
        ValueStateDescriptor<String> remembered = new ValueStateDescriptor<>("remembered", Types.STRING);
        remembered.enableTimeToLive(tenDays().build());
        return remembered;
    }

    private static StateTtlConfig.Builder tenDays() throws Exception {
        try {
            return (StateTtlConfig.Builder)
                    StateTtlConfig.class.getMethod("newBuilder", Duration.class).invoke(null, Duration.ofDays(10));
        } catch (NoSuchMethodException olderFlink) {
            Class<?> time = Class.forName("org.apache.flink.api.common.time.Time");
            Object days = time.getMethod("of", long.class, TimeUnit.class).invoke(null, 10L, TimeUnit.DAYS);
            return (StateTtlConfig.Builder) StateTtlConfig.class.getMethod("newBuilder", time).invoke(null, days);
        }
    }

    /** Counts, from 1000 on: no count is a cached Long. */
    static final class Counts implements AggregateFunction<Event, Long, Long> {
        @Override
        public Long createAccumulator() {
            return 1_000L;
        }

        @Override
        public Long add(Event event, Long count) {
            return count + 1;
        }

        @Override
        public Long getResult(Long count) {
            return count;
        }

        @Override
        public Long merge(Long one, Long other) {
            return one + other;
        }
    }
}
