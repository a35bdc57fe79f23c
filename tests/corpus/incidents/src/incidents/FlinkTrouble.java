package incidents;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.co.BroadcastProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** Jobs that each run out of one kind of memory: the first argument says which, the second how many events. */
public final class FlinkTrouble {

    private static final Map<Long, byte[]> SEEN = new HashMap<>();
    private static final List<byte[]> IN_MAIN = new ArrayList<>();
    private static final List<ByteBuffer> DIRECT = new ArrayList<>();
    private static final List<Class<?>> CODE = new ArrayList<>();

    public static void main(String[] words) throws Exception {
        String kind = words[0];
        long events = Long.parseLong(words[1]);
        if (kind.equals("main")) {
            while (true) {
                IN_MAIN.add(new byte[1 << 20]);
            }
        }
        if (kind.equals("keep-direct")) {
            keepDirect();
        }
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        DataStream<Long> source =
                env.fromSource(
                        new DataGeneratorSource<Long>(n -> n, events, RateLimiterStrategy.noOp(), Types.LONG),
                        WatermarkStrategy.<Long>forMonotonousTimestamps().withTimestampAssigner((n, t) -> n * 10),
                        "numbers");
        switch (kind) {
            case "endless":
                source.keyBy(n -> n).process(new LastSeen()).sinkTo(new DiscardingSink<>());
                break;
            case "window":
                source.keyBy(n -> n % 100)
                        .window(TumblingEventTimeWindows.of(Duration.ofDays(30)))
                        .process(new CountAll())
                        .sinkTo(new DiscardingSink<>());
                break;
            case "idle":
                DataStream<Long> silent = env.fromSource(
                        new DataGeneratorSource<Long>(n -> n, 2, RateLimiterStrategy.perSecond(0.001), Types.LONG),
                        WatermarkStrategy.<Long>forMonotonousTimestamps().withTimestampAssigner((n, t) -> n),
                        "silent");
                source.union(silent).keyBy(n -> n % 1000)
                        .window(TumblingEventTimeWindows.of(Duration.ofMinutes(10)))
                        .process(new CountAll())
                        .sinkTo(new DiscardingSink<>());
                break;
            case "big-list":
                source.keyBy(n -> 0L).process(new OneList()).sinkTo(new DiscardingSink<>());
                break;
            case "broadcast":
                env.fromSequence(0, 10)
                        .connect(source.broadcast(Rules.STATE))
                        .process(new Rules())
                        .sinkTo(new DiscardingSink<>());
                break;
            case "sliding":
                source.keyBy(n -> n % 5000)
                        .window(SlidingEventTimeWindows.of(Duration.ofHours(24), Duration.ofMinutes(5)))
                        .reduce((a, b) -> b)
                        .sinkTo(new DiscardingSink<>());
                break;
            case "shuffle":
                source.rebalance().keyBy(n -> n).map(n -> n).rebalance().map(n -> n).sinkTo(new DiscardingSink<>());
                break;
            default:
                source.map(new Taking(kind)).sinkTo(new DiscardingSink<>());
        }
        env.execute(kind);
    }

    /** Takes all direct memory of the JobManager, and goes on: whoever is next to need a buffer gets none. */
    private static void keepDirect() {
        for (int size = 1 << 20; size > 256; size /= 4) {
            try {
                while (true) {
                    DIRECT.add(ByteBuffer.allocateDirect(size));
                }
            } catch (OutOfMemoryError full) {
                System.out.println("a cache that is full with buffers of " + size + " bytes");
            }
        }
    }

    /** Leaves a thread, and classes behind in the TaskManager with each job. */
    private static void leaveBehind() throws Exception {
        byte[] bytes;
        try (InputStream in = FlinkTrouble.class.getResourceAsStream("FlinkTrouble$OneList.class")) {
            bytes = in.readAllBytes();
        }
        for (int n = 0; n < 1500; n++) {
            CODE.add(new OneClass().defined(bytes));
        }
        Thread thread = new Thread(() -> {
            try {
                Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException over) {
                Thread.currentThread().interrupt();
            }
        }, "price-refresher");
        thread.setDaemon(true);
        thread.start();
    }

    /** A loader of one class. */
    private static final class OneClass extends ClassLoader {
        OneClass() {
            super(FlinkTrouble.class.getClassLoader());
        }

        Class<?> defined(byte[] bytes) {
            return defineClass("incidents.FlinkTrouble$OneList", bytes, 0, bytes.length);
        }
    }

    /** Takes memory of one kind with each record. */
    private static final class Taking extends RichMapFunction<Long, Long> {
        private final String kind;
        private transient List<Object> held;

        Taking(String kind) {
            this.kind = kind;
        }

        @Override
        public void open(OpenContext context) {
            held = new ArrayList<>();
        }

        @Override
        public Long map(Long n) throws Exception {
            switch (kind) {
                case "static":
                    SEEN.put(n, new byte[512]);
                    break;
                case "direct":
                    held.add(ByteBuffer.allocateDirect(1 << 20));
                    break;
                case "left-behind":
                    if (CODE.isEmpty()) {
                        leaveBehind();
                    }
                    break;
                case "array":
                    held.add(new long[Integer.MAX_VALUE]);
                    break;
                default:
                    throw new IllegalArgumentException(kind);
            }
            return n;
        }
    }

    /** One value a key, for ever. */
    private static final class LastSeen extends KeyedProcessFunction<Long, Long, Long> {
        private transient ValueState<Long> last;

        @Override
        public void open(OpenContext context) {
            last = getRuntimeContext().getState(new ValueStateDescriptor<>("last-seen", Types.LONG));
        }

        @Override
        public void processElement(Long n, Context context, Collector<Long> out) throws Exception {
            last.update(n);
        }
    }

    /** Keeps every rule that was ever sent. */
    private static final class Rules extends BroadcastProcessFunction<Long, Long, Long> {
        static final MapStateDescriptor<Long, Long> STATE =
                new MapStateDescriptor<>("rules", Types.LONG, Types.LONG);

        @Override
        public void processElement(Long n, ReadOnlyContext context, Collector<Long> out) {}

        @Override
        public void processBroadcastElement(Long rule, Context context, Collector<Long> out) throws Exception {
            context.getBroadcastState(STATE).put(rule, rule);
        }
    }

    /** All records of one key in one list. */
    private static final class OneList extends KeyedProcessFunction<Long, Long, Long> {
        private transient ListState<Long> all;

        @Override
        public void open(OpenContext context) {
            all = getRuntimeContext().getListState(new ListStateDescriptor<>("all", Types.LONG));
        }

        @Override
        public void processElement(Long n, Context context, Collector<Long> out) throws Exception {
            all.add(n);
        }
    }

    /** Needs every record of the window. */
    private static final class CountAll extends ProcessWindowFunction<Long, Long, Long, TimeWindow> {
        @Override
        public void process(Long key, Context context, Iterable<Long> records, Collector<Long> out) {
            long count = 0;
            for (Long ignored : records) {
                count++;
            }
            out.collect(count);
        }
    }

    private FlinkTrouble() {}
}
