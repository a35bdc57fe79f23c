package flinkscope.lab.uv;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.datastream.WindowedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.evictors.TimeEvictor;
import org.apache.flink.streaming.api.windowing.triggers.ContinuousEventTimeTrigger;
import org.apache.flink.streaming.api.windowing.triggers.PurgingTrigger;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.api.java.tuple.Tuple2;

/**
 * Daily unique visitors of each item, every three minutes: the incident's job ({@code --design window}, with {@code --trigger
 * bare|evictor|purging}) and a design that lives in the same memory ({@code --design bucket}).
 *
 * <p>Arguments: {@code --design --trigger --events --seed --items --users --first-ms --span-ms --interval-s --truth --results
 * --hold}; those without a default are required.
 */
public final class DailyUv {
    /** All results go to the file; the best-selling items are also printed, as the incident's job prints. */
    private static final long PRINTED_ITEMS = 10;

    private DailyUv() {}

    public static void main(String[] words) throws Exception {
        Map<String, String> args = parse(words);
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        long events = Long.parseLong(args.get("events"));
        Shop shop = new Shop(
                Long.parseLong(args.getOrDefault("seed", "1")),
                events,
                Long.parseLong(args.getOrDefault("items", "4000000")),
                Long.parseLong(args.getOrDefault("users", "1000000")),
                Long.parseLong(args.get("first-ms")),
                Long.parseLong(args.get("span-ms")));
        DataStream<UserBehavior> views = environment
                .fromSource(new NumberSequenceSource(0, events - 1), WatermarkStrategy.noWatermarks(), "events")
                .map(new EventAt(shop, events, environment.getParallelism(), args.getOrDefault("hold", "")))
                .returns(UserBehavior.class)
                .assignTimestampsAndWatermarks(
                        WatermarkStrategy.<UserBehavior>forBoundedOutOfOrderness(Duration.ofSeconds(1))
                                .withTimestampAssigner((event, before) -> event.timestamp))
                .filter(event -> "pv".equals(event.behavior));
        Duration interval = Duration.ofSeconds(Long.parseLong(args.getOrDefault("interval-s", "180")));
        String design = args.getOrDefault("design", "window");
        DataStream<UvCount> counts = "bucket".equals(design)
                ? inBuckets(views, interval, args.get("truth"))
                : inWindows(views, interval, args.getOrDefault("trigger", "purging"), args.get("truth"));
        counts.sinkTo(new ResultFile(args.get("results"))).name("results");
        counts.filter(count -> count.itemId <= PRINTED_ITEMS).print();
        environment.execute("daily-uv " + design + ("bucket".equals(design) ? "" : " " + args.get("trigger")));
    }

    /** The incident: one pane an item and day, fired every interval. */
    private static SingleOutputStreamOperator<UvCount> inWindows(
            DataStream<UserBehavior> views, Duration interval, String trigger, String truth) {
        WindowedStream<UserBehavior, Tuple2<String, String>, TimeWindow> days = views.keyBy(
                        new DayAndItem(truth), Types.TUPLE(Types.STRING, Types.STRING))
                .window(TumblingEventTimeWindows.of(Duration.ofDays(1), Duration.ofHours(-8)));
        switch (trigger) {
            case "bare":
                days = days.trigger(ContinuousEventTimeTrigger.of(interval));
                break;
            case "evictor":
                days = days.trigger(ContinuousEventTimeTrigger.of(interval))
                        .evictor(TimeEvictor.of(Duration.ZERO, true));
                break;
            case "purging":
                days = days.trigger(PurgingTrigger.of(ContinuousEventTimeTrigger.of(interval)));
                break;
            default:
                throw new IllegalArgumentException("--trigger " + trigger + ": bare, evictor or purging");
        }
        return days.process(new CountVisitors(!"bare".equals(trigger), truth));
    }

    /** The cure: as many keys a day as buckets. */
    private static SingleOutputStreamOperator<UvCount> inBuckets(
            DataStream<UserBehavior> views, Duration interval, String truth) {
        return views.keyBy(new DayAndBucket(truth), Types.LONG)
                .process(new CountInBuckets(interval.toMillis(), truth))
                .name("count in buckets");
    }

    private static Map<String, String> parse(String[] words) {
        Map<String, String> args = new HashMap<>();
        for (int i = 0; i + 1 < words.length; i += 2) {
            if (!words[i].startsWith("--")) {
                throw new IllegalArgumentException("expected --name, found " + words[i]);
            }
            args.put(words[i].substring(2), words[i + 1]);
        }
        return args;
    }
}
