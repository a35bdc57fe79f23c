package flinkscope.uv;

import java.time.Duration;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.WindowedStream;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.evictors.TimeEvictor;
import org.apache.flink.streaming.api.windowing.triggers.ContinuousEventTimeTrigger;
import org.apache.flink.streaming.api.windowing.triggers.PurgingTrigger;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import org.roaringbitmap.RoaringBitmap;

/** One window a (day, key): the incident's code with its three triggers, and with a trigger that is quiet. */
final class WindowDesigns {
    private WindowDesigns() {}

    static DataStream<UvCount> counts(DataStream<Event> views, JobOptions options, KeyColumn key, Days days) {
        Duration step = options.duration("step", "3 min");
        WindowedStream<UserBehavior, Tuple2<String, String>, TimeWindow> windows = views.map(UserBehavior::new)
                .returns(UserBehavior.class)
                .keyBy(row -> Tuple2.of(Days.name(days.number(row.timestamp)), name(row, key)),
                        Types.TUPLE(Types.STRING, Types.STRING))
                .window(new DayWindows(days))
                .allowedLateness(options.duration("lateness", "0 s"));
        String trigger = "quiet".equals(options.text("design")) ? "quiet" : options.text("trigger", "purging");
        switch (trigger) {
            case "bare":
                windows = windows.trigger(ContinuousEventTimeTrigger.of(step));
                break;
            case "evictor":
                windows = windows.trigger(ContinuousEventTimeTrigger.of(step))
                        .evictor(TimeEvictor.of(Duration.ZERO, true));
                break;
            case "purging":
                windows = windows.trigger(PurgingTrigger.of(ContinuousEventTimeTrigger.of(step)));
                break;
            case "quiet":
                windows = windows.trigger(new QuietTrigger(step.toMillis()));
                break;
            default:
                throw new IllegalArgumentException("--trigger " + trigger + ": bare, evictor or purging");
        }
        return windows.process(new CountVisitors(!"bare".equals(trigger), key.isText()))
                .returns(UvCount.class)
                .name("count in windows");
    }

    private static String name(UserBehavior row, KeyColumn key) {
        switch (key.name) {
            case "itemId":
                return Long.toString(row.itemId);
            case "userId":
                return Long.toString(row.userId);
            case "categoryId":
                return Integer.toString(row.categoryId);
            case "behavior":
                return row.behavior;
            case KeyColumn.SHOP:
                return KeyColumn.SHOP;
            default:
                throw new IllegalArgumentException("--key " + key.name + ": not with this design");
        }
    }

    /**
     * The incident's window function: the window's users in a bitmap. Where each firing empties the window ({@code carried}), the
     * bitmap must be carried over the firings in per-window state, else each firing counts only its own three minutes.
     */
    private static final class CountVisitors
            extends ProcessWindowFunction<UserBehavior, UvCount, Tuple2<String, String>, TimeWindow> {
        private static final long serialVersionUID = 1L;
        private static final ValueStateDescriptor<RoaringBitmap> VISITORS =
                new ValueStateDescriptor<>("visitors", new BitmapSerializer());

        private final boolean carried;
        private final boolean text;

        CountVisitors(boolean carried, boolean text) {
            this.carried = carried;
            this.text = text;
        }

        @Override
        public void process(
                Tuple2<String, String> key, Context context, Iterable<UserBehavior> rows, Collector<UvCount> out)
                throws Exception {
            ValueState<RoaringBitmap> state = carried ? context.windowState().getState(VISITORS) : null;
            RoaringBitmap known = state == null ? null : state.value();
            RoaringBitmap visitors = known == null ? new RoaringBitmap() : known;
            for (UserBehavior row : rows) {
                visitors.add((int) row.userId);
            }
            if (state != null) {
                state.update(visitors);
            }
            long number = text ? 0 : Long.parseLong(key.f1);
            out.collect(new UvCount(Days.parse(key.f0), number, text ? key.f1 : null, visitors.getLongCardinality()));
        }

        @Override
        public void clear(Context context) throws Exception {
            if (carried) {
                context.windowState().getState(VISITORS).clear();
            }
        }
    }
}
