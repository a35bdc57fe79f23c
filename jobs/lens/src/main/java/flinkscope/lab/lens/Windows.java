package flinkscope.lab.lens;

import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.ReduceFunction;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.WindowedStream;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.GlobalWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.evictors.CountEvictor;
import org.apache.flink.streaming.api.windowing.evictors.TimeEvictor;
import org.apache.flink.streaming.api.windowing.triggers.ContinuousEventTimeTrigger;
import org.apache.flink.streaming.api.windowing.triggers.CountTrigger;
import org.apache.flink.streaming.api.windowing.triggers.EventTimeTrigger;
import org.apache.flink.streaming.api.windowing.triggers.PurgingTrigger;
import org.apache.flink.streaming.api.windowing.triggers.Trigger;
import org.apache.flink.streaming.api.windowing.windows.Window;
import org.apache.flink.util.Collector;

/** Window operators: every assigner, trigger, evictor and function that the byte table of the documentation has. */
final class Windows {
    private Windows() {}

    @SuppressWarnings({"unchecked", "rawtypes"})
    static DataStream<?> build(KeyedStream keyed, Options options) throws Exception {
        WindowedStream windowed = keyed.window(assigner(options));
        String trigger = options.text("trigger", "");
        if (!trigger.isEmpty()) {
            windowed = windowed.trigger(trigger(trigger, options.number("interval-ms", 180_000)));
        }
        String evictor = options.text("evictor", "");
        if (evictor.equals("all")) {
            windowed = windowed.evictor((TimeEvictor) TimeEvictors.everything());
        } else if (evictor.startsWith("count:")) {
            windowed = windowed.evictor(CountEvictor.of(Long.parseLong(evictor.substring(6))));
        }
        long lateness = options.number("lateness-ms", 0);
        if (lateness > 0) {
            windowed = (WindowedStream) Spans.call(WindowedStream.class, windowed, "allowedLateness", lateness);
        }
        switch (options.text("function", "process")) {
            case "reduce":
                return windowed.reduce((ReduceFunction) new Later());
            case "aggregate":
                return windowed.aggregate((AggregateFunction) new Count(), Types.LONG, Types.LONG);
            default:
                return windowed.process((ProcessWindowFunction) new Size(options.text("own-state", "none")), Types.LONG);
        }
    }

    /** One window of all events, whatever their key: counted. */
    static DataStream<?> all(DataStream<Event> events, Options options) throws Exception {
        long size = options.number("window-ms", 86_400_000);
        TumblingEventTimeWindows windows =
                (TumblingEventTimeWindows) Spans.call(TumblingEventTimeWindows.class, null, "of", size, 0);
        return events.windowAll(windows).aggregate(new Count(), Types.LONG, Types.LONG);
    }

    private static WindowAssigner<Object, ?> assigner(Options options) throws Exception {
        long size = options.number("window-ms", 86_400_000);
        switch (options.text("assigner", "tumbling")) {
            case "sliding":
                return cast(Spans.call(
                        SlidingEventTimeWindows.class, null, "of", size, options.number("slide-ms", size / 4)));
            case "session":
                return cast(Spans.call(EventTimeSessionWindows.class, null, "withGap", size));
            case "global":
                return cast(GlobalWindows.create());
            default:
                return cast(Spans.call(
                        TumblingEventTimeWindows.class, null, "of", size, options.number("offset-ms", 0)));
        }
    }

    @SuppressWarnings("unchecked")
    private static WindowAssigner<Object, ?> cast(Object assigner) {
        return (WindowAssigner<Object, ?>) assigner;
    }

    private static Trigger<Object, ? extends Window> trigger(String name, long interval) throws Exception {
        switch (name) {
            case "continuous":
                return continuous(interval);
            case "purging-continuous":
                return PurgingTrigger.of(continuous(interval));
            case "event-time":
                return EventTimeTrigger.create();
            case "count":
                return CountTrigger.of(interval);
            case "purging-count":
                return PurgingTrigger.of(CountTrigger.of(interval));
            default:
                throw new IllegalArgumentException("no trigger " + name);
        }
    }

    @SuppressWarnings("unchecked")
    private static Trigger<Object, Window> continuous(long interval) throws Exception {
        return (Trigger<Object, Window>) Spans.call(ContinuousEventTimeTrigger.class, null, "of", interval);
    }

    /** Keeps the later event. */
    static final class Later implements ReduceFunction<Event> {
        @Override
        public Event reduce(Event one, Event other) {
            return one.index > other.index ? one : other;
        }
    }

    /** Counts. */
    static final class Count implements AggregateFunction<Event, Long, Long> {
        @Override
        public Long createAccumulator() {
            return 0L;
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

    /** Counts the elements of a window; keeps what it has seen in state of the window or of the key, if asked. */
    static final class Size extends ProcessWindowFunction<Event, Long, Object, Window> {
        private final String ownState;
        private transient MapStateDescriptor<String, Long> seen;

        Size(String ownState) {
            this.ownState = ownState;
        }

        @Override
        public void process(Object key, Context context, Iterable<Event> events, Collector<Long> out) throws Exception {
            long count = 0;
            for (Event event : events) {
                count++;
                if (ownState.equals("window")) {
                    context.windowState().getMapState(seen()).put(String.format("user-%011d", event.index), 1L);
                } else if (ownState.equals("global")) {
                    context.globalState().getMapState(seen()).put(String.format("user-%011d", event.index), 1L);
                }
            }
            out.collect(count);
        }

        @Override
        public void clear(Context context) throws Exception {
            if (ownState.equals("window")) {
                context.windowState().getMapState(seen()).clear();
            }
        }

        private MapStateDescriptor<String, Long> seen() {
            if (seen == null) {
                seen = new MapStateDescriptor<>("seen", Types.STRING, Types.LONG);
            }
            return seen;
        }
    }

    /** Removes all elements after each firing. */
    static final class TimeEvictors {
        private TimeEvictors() {}

        static Object everything() throws Exception {
            try {
                return evictor(java.time.Duration.class, java.time.Duration.ZERO);
            } catch (NoSuchMethodException olderFlink) {
                Class<?> time = Class.forName("org.apache.flink.streaming.api.windowing.time.Time");
                return evictor(time, time.getMethod("milliseconds", long.class).invoke(null, 0L));
            }
        }

        private static Object evictor(Class<?> type, Object zero) throws Exception {
            return TimeEvictor.class.getMethod("of", type, boolean.class).invoke(null, zero, true);
        }
    }
}
