package flinkscope.lab.lens;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * A job of known content: event i has the key i % keys and the time START + i * spacing; after the last one everything
 * stands still. {@code --kind} see the cases below, the rest see the classes that read them.
 */
public final class LensJob {
    private LensJob() {}

    public static void main(String[] words) throws Exception {
        Options options = new Options(words);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        long checkpoint = options.number("checkpoint-ms", 0);
        if (checkpoint > 0) {
            env.enableCheckpointing(checkpoint);
        }
        DataStream<Event> events = events(env, options);
        KeyedStream<Event, ?> keyed = Keys.keyed(events, options.text("key", "string"));
        if (options.number("async-state", 0) > 0) {
            KeyedStream.class.getMethod("enableAsyncState").invoke(keyed); // since 2.0
        }
        switch (options.text("kind", "windows")) {
            case "windows":
                named(Windows.build(keyed, options), "windows");
                break;
            case "two-windows":
                named(Windows.build(keyed, options), "first");
                named(Windows.build(keyed, options), "second");
                break;
            case "states":
                named(processed(keyed, new States(options)), "states");
                break;
            case "broadcast":
                named(keyed.connect(events.broadcast(Rules.RULES)).process(new Rules(), Types.LONG), "broadcast");
                break;
            case "co-process":
                named(both(keyed, Keys.keyed(events, options.text("key", "string"))), "both");
                break;
            case "interval-join":
                named(Joined.interval(keyed, Keys.keyed(events, options.text("key", "string")), options), "interval");
                break;
            case "window-join":
                Joined.window(events, events, options);
                break;
            case "window-all":
                named(Windows.all(events, options), "all");
                break;
            case "waiting":
                named(Joined.waiting(events, options), "waiting");
                break;
            case "sql":
                Sql.build(env, events, options);
                break;
            default:
                throw new IllegalArgumentException("no kind " + options.text("kind", ""));
        }
        env.execute(options.text("name", "lens"));
    }

    private static DataStream<Event> events(StreamExecutionEnvironment env, Options options) {
        return env.fromSequence(0, Long.MAX_VALUE - 1)
                .setParallelism(1)
                .flatMap(new Events(options))
                .setParallelism(1)
                .returns(Types.POJO(Event.class))
                .assignTimestampsAndWatermarks(WatermarkStrategy.<Event>forMonotonousTimestamps()
                        .withTimestampAssigner((event, before) -> event.time))
                .setParallelism(1);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static DataStream<?> processed(KeyedStream keyed, States states) {
        return keyed.process(states, Types.LONG);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static DataStream<?> both(KeyedStream left, KeyedStream right) {
        return left.connect(right).process(new Joined.Both(), Types.LONG);
    }

    private static void named(DataStream<?> stream, String name) {
        ((org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator<?>) stream).name(name).uid(name);
    }
}
