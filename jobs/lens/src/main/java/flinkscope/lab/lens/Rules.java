package flinkscope.lab.lens;

import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.co.KeyedBroadcastProcessFunction;
import org.apache.flink.util.Collector;

/** Keeps each event of a second stream as a broadcast rule, and the last event of each key. */
final class Rules extends KeyedBroadcastProcessFunction<Object, Event, Event, Long> {
    static final MapStateDescriptor<Long, String> RULES = new MapStateDescriptor<>("rules", Types.LONG, Types.STRING);

    @Override
    public void processElement(Event event, ReadOnlyContext context, Collector<Long> out) throws Exception {
        getRuntimeContext().getState(new ValueStateDescriptor<>("last", Types.LONG)).update(event.index + 1_000);
    }

    @Override
    public void processBroadcastElement(Event event, Context context, Collector<Long> out) throws Exception {
        context.getBroadcastState(RULES).put(event.key + 1_000, event.text);
    }
}
