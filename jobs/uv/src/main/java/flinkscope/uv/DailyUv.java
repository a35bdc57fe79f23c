package flinkscope.uv;

import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Daily unique visitors: source → sort out malformed rows, keep page views → count, by one of the designs → sinks.
 *
 * <p>The arguments are the options of {@code flinkscope uv run}, as {@code --name value}.
 */
public final class DailyUv {
    private DailyUv() {}

    public static void main(String[] words) throws Exception {
        JobOptions options = JobOptions.parse(words);
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        environment.configure(configuration(options));
        environment.getConfig().enableObjectReuse();
        KeyColumn key = new KeyColumn(options.text("key", "itemId"));
        Days days = new Days(options.zone());
        String design = options.text("design", "bucket");
        boolean narrow = !"bucket".equals(design) && !"approx".equals(design);

        boolean keepMalformed = options.has("dead-letter-dir") || options.has("dead-letter-topic");
        SingleOutputStreamOperator<Event> views = Sources.of(options, environment, key, narrow)
                .process(new SortOut(options.number("rate", 0), keepMalformed))
                .returns(Event.TYPE)
                .name("page views");
        Sinks.addMalformed(views.getSideOutput(SortOut.MALFORMED), options);
        Sinks.add(counts(design, environment, views, options, key, days), options, environment);
        environment.execute("daily-uv " + design);
    }

    private static DataStream<UvCount> counts(
            String design,
            StreamExecutionEnvironment environment,
            DataStream<Event> views,
            JobOptions options,
            KeyColumn key,
            Days days) {
        Lateness lateness = new Lateness(days, options.millis("lateness", "0 s"), options.has("late-dir"));
        switch (design) {
            case "bucket":
            case "approx":
                return inBuckets(views, options, key, lateness, "approx".equals(design));
            case "incident":
            case "quiet":
                return WindowDesigns.counts(onTime(views, options, lateness), options, key, days);
            case "group":
            case "cumulate":
                return SqlDesigns.counts(environment, onTime(views, options, lateness), options, key, days);
            default:
                throw new IllegalArgumentException(
                        "--design " + design + ": bucket, group, cumulate, quiet, approx or incident");
        }
    }

    private static DataStream<UvCount> inBuckets(
            DataStream<Event> views, JobOptions options, KeyColumn key, Lateness lateness, boolean approx) {
        int buckets = (int) options.number("buckets", 1024);
        long stepMs = options.millis("step", "3 min");
        int precision = approx ? (int) options.number("precision", 12) : 0;
        boolean onHeap = "hashmap".equals(options.text("backend", "hashmap"));
        Counting counting = onHeap || approx
                ? new CountInTables(key, lateness, buckets, stepMs, precision)
                : new CountInRows(key, lateness, buckets, stepMs);
        SingleOutputStreamOperator<UvCount> counts = views.keyBy(
                        new Buckets(key, lateness.days(), buckets), Types.LONG)
                .process(counting)
                .returns(UvCount.class)
                .name("count in buckets")
                .uid("count");
        Sinks.addLate(counts.getSideOutput(Lateness.LATE), options);
        return counts;
    }

    private static DataStream<Event> onTime(DataStream<Event> views, JobOptions options, Lateness lateness) {
        SingleOutputStreamOperator<Event> onTime = views.process(new LateGate(lateness))
                .returns(Event.TYPE)
                .name("late gate");
        Sinks.addLate(onTime.getSideOutput(Lateness.LATE), options);
        return onTime;
    }

    /** What the job asks of the cluster; given with the job, so that it is the same on any cluster. */
    private static Configuration configuration(JobOptions options) {
        Configuration configuration = new Configuration();
        configuration.setString("state.backend.type", options.text("backend", "hashmap"));
        long checkpointMs = options.millis("checkpoint-interval", "10 s");
        if (checkpointMs > 0) {
            configuration.setString("execution.checkpointing.interval", checkpointMs + " ms");
            configuration.setString("execution.checkpointing.min-pause", Math.min(checkpointMs, 1000) + " ms");
        }
        if (options.has("checkpoint-dir")) {
            configuration.setString("execution.checkpointing.dir", options.text("checkpoint-dir"));
            configuration.setString(
                    "execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
        }
        configuration.setString("restart-strategy.type", "exponential-delay");
        configuration.setString("restart-strategy.exponential-delay.initial-backoff", "1 s");
        configuration.setString("restart-strategy.exponential-delay.max-backoff", "1 min");
        configuration.setString(
                "restart-strategy.exponential-delay.attempts-before-reset-backoff", options.text("restarts", "30"));
        return configuration;
    }
}
