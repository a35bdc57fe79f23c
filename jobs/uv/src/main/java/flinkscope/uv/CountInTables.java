package flinkscope.uv;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.util.Collector;

/** A bucket is one {@link VisitorTable}: smallest and fastest where state is objects on the heap. */
final class CountInTables extends Counting {
    private static final long serialVersionUID = 1L;

    private final int precision;
    private transient ValueState<VisitorTable> state;
    private transient VisitorTable table;

    CountInTables(KeyColumn key, Lateness lateness, int buckets, long stepMs, int precision) {
        super(key, lateness, buckets, stepMs);
        this.precision = precision;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        super.open(context);
        state = getRuntimeContext()
                .getState(new ValueStateDescriptor<>("visitors", new VisitorTableSerializer()));
    }

    @Override
    boolean add(Event event) throws Exception {
        table = state.value();
        boolean first = table == null;
        if (first) {
            table = new VisitorTable(0);
        }
        int before = table.size();
        long number = event.keyText == null ? key.numberOf(event) : table.keyOf(event.keyText);
        boolean changed = table.add(number, event.userId, precision);
        if (table.size() != before) {
            countNewKey();
        }
        if (changed) {
            state.update(table);
        }
        return changed;
    }

    @Override
    long nextResultsMs() {
        return table.nextResultsMs;
    }

    @Override
    void setNextResultsMs(long timestampMs) throws Exception {
        if (table != null) {
            table.nextResultsMs = timestampMs;
            state.update(table);
        }
    }

    @Override
    void emit(int day, long bucket, Collector<UvCount> out) throws Exception {
        table = state.value();
        for (int place = 0; table != null && place < table.capacity(); place++) {
            if (table.isChanged(place)) {
                long number = table.key(place);
                result(new UvCount(day, number, table.textOf(number), table.count(place)), out);
                table.unchanged(place);
            }
        }
    }

    @Override
    long forget() {
        long keys = table == null ? 0 : table.size();
        table = null;
        state.clear();
        return keys;
    }
}
