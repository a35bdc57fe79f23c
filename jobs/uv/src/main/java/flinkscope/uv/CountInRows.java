package flinkscope.uv;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.util.Collector;

/**
 * A bucket is rows of a store: one a (key, user), one a key with its count, one a key that has changed. For RocksDB and ForSt,
 * where a whole table would be read and written with each event; the heap stays the same however many keys there are.
 */
final class CountInRows extends Counting {
    private static final long serialVersionUID = 1L;
    private static final Byte THERE = 0;

    private transient MapState<Tuple3<Long, String, Long>, Byte> visitors;
    private transient MapState<Tuple2<Long, String>, Long> counts;
    private transient MapState<Tuple2<Long, String>, Long> changed;
    private transient ValueState<Long> nextResults;
    private transient Set<Long> sentSinceRestart;

    CountInRows(KeyColumn key, Lateness lateness, int buckets, long stepMs) {
        super(key, lateness, buckets, stepMs);
    }

    @Override
    public void open(OpenContext context) throws Exception {
        super.open(context);
        sentSinceRestart = new HashSet<>();
        visitors = getRuntimeContext().getMapState(new MapStateDescriptor<>(
                "visitors-of-keys", Types.TUPLE(Types.LONG, Types.STRING, Types.LONG), Types.BYTE));
        counts = getRuntimeContext().getMapState(
                new MapStateDescriptor<>("counts", Types.TUPLE(Types.LONG, Types.STRING), Types.LONG));
        changed = getRuntimeContext().getMapState(
                new MapStateDescriptor<>("changed", Types.TUPLE(Types.LONG, Types.STRING), Types.LONG));
        nextResults = getRuntimeContext().getState(new ValueStateDescriptor<>("next-results", Types.LONG));
    }

    @Override
    boolean add(Event event) throws Exception {
        long number = event.keyText == null ? key.numberOf(event) : 0;
        Tuple3<Long, String, Long> visitor = Tuple3.of(number, event.keyText, event.userId);
        if (visitors.contains(visitor)) {
            return false;
        }
        visitors.put(visitor, THERE);
        Tuple2<Long, String> name = Tuple2.of(number, event.keyText);
        Long before = counts.get(name);
        if (before == null) {
            countNewKey();
        }
        long count = before == null ? 1 : before + 1;
        counts.put(name, count);
        changed.put(name, count);
        return true;
    }

    @Override
    long nextResultsMs() throws Exception {
        Long due = nextResults.value();
        return due == null ? 0 : due;
    }

    @Override
    void setNextResultsMs(long timestampMs) throws Exception {
        if (timestampMs == 0) {
            nextResults.clear();
        } else {
            nextResults.update(timestampMs);
        }
    }

    @Override
    void emit(int day, long bucket, Collector<UvCount> out) throws Exception {
        boolean all = isRestored() && sentSinceRestart.add(bucket);
        for (Map.Entry<Tuple2<Long, String>, Long> key : (all ? counts : changed).entries()) {
            result(new UvCount(day, key.getKey().f0, key.getKey().f1, key.getValue()), out);
        }
        changed.clear();
    }

    @Override
    long forget() throws Exception {
        long keys = 0;
        for (Tuple2<Long, String> ignored : counts.keys()) {
            keys++;
        }
        counts.clear();
        visitors.clear();
        return keys;
    }
}
