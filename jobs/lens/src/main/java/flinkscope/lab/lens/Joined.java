package flinkscope.lab.lens;

import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.functions.JoinFunction;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.functions.async.AsyncFunction;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.util.Collector;

/** Operators of two inputs, and those that wait: joins, a co-process function, calls whose answers never come. */
final class Joined {
    private Joined() {}

    /** Each event with those of its key at most {@code window-ms} earlier. */
    static DataStream<?> interval(KeyedStream<Event, ?> one, KeyedStream<Event, ?> other, Options options)
            throws Exception {
        Object join = KeyedStream.class.getMethod("intervalJoin", KeyedStream.class).invoke(one, other);
        Object between = Spans.call(join.getClass(), join, "between", -options.number("window-ms", 60_000), 0);
        return (DataStream<?>)
                between.getClass().getMethod("process", ProcessJoinFunction.class).invoke(between, new Pairs());
    }

    /** All pairs of a key in a window. */
    static DataStream<?> window(DataStream<Event> one, DataStream<Event> other, Options options) throws Exception {
        TumblingEventTimeWindows windows = (TumblingEventTimeWindows)
                Spans.call(TumblingEventTimeWindows.class, null, "of", options.number("window-ms", 86_400_000), 0);
        Object joined = one.join(other).where(e -> e.key, Types.LONG).equalTo(e -> e.key, Types.LONG).window(windows);
        return (DataStream<?>) joined.getClass() // what it returns was another class before 2.0
                .getMethod("apply", JoinFunction.class, TypeInformation.class)
                .invoke(joined, new Left(), Types.LONG);
    }

    /** Asks and never gets an answer: the first {@code capacity} events wait in each subtask. */
    static DataStream<?> waiting(DataStream<Event> events, Options options) {
        return AsyncDataStream.orderedWait(events, new Silent(), 1, TimeUnit.DAYS, (int) options.number("capacity", 100));
    }

    /** The left index. */
    static final class Left implements JoinFunction<Event, Event, Long> {
        @Override
        public Long join(Event left, Event right) {
            return left.index;
        }
    }

    /** The left index. */
    static final class Pairs extends ProcessJoinFunction<Event, Event, Long> {
        @Override
        public void processElement(Event left, Event right, Context context, Collector<Long> out) {
            out.collect(left.index);
        }
    }

    /** Never answers. */
    static final class Silent implements AsyncFunction<Event, Long> {
        @Override
        public void asyncInvoke(Event event, ResultFuture<Long> answer) {}
    }

    /** Two inputs, a map of each key's left events, a list of its right ones, a processing-time timer for each key. */
    static final class Both extends KeyedCoProcessFunction<Object, Event, Event, Long> {
        private transient Counter keys;

        @Override
        public void processElement1(Event event, Context context, Collector<Long> out) throws Exception {
            MapState<Long, String> left =
                    getRuntimeContext().getMapState(new MapStateDescriptor<>("left", Types.LONG, Types.STRING));
            if (left.isEmpty()) {
                if (keys == null) {
                    keys = getRuntimeContext().getMetricGroup().counter("lens_keys");
                }
                keys.inc();
                context.timerService().registerProcessingTimeTimer(4_000_000_000_000L);
            }
            left.put(event.index, event.text);
        }

        @Override
        public void processElement2(Event event, Context context, Collector<Long> out) throws Exception {
            getRuntimeContext().getListState(new ListStateDescriptor<>("right", Types.LONG)).add(event.index);
        }
    }
}
