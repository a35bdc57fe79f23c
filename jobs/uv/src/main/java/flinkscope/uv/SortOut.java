package flinkscope.uv;

import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Lets page views pass; counts malformed rows and puts them aside as {@code row,reason}. Holds the pace of {@code --rate}. */
final class SortOut extends ProcessFunction<Event, Event> {
    static final OutputTag<String> MALFORMED = new OutputTag<String>("malformed") {};
    static final String ROWS = "uvRows";
    static final String PAGE_VIEWS = "uvPageViews";
    static final String MALFORMED_RECORDS = "uvMalformedRecords";
    private static final long serialVersionUID = 1L;
    private static final long SECOND_NS = 1_000_000_000L;

    private final long rowsPerSecond;
    private final boolean keepMalformed;
    private transient Counter malformed;
    private transient LongCounter malformedInAll;
    private transient LongCounter rowsInAll;
    private transient LongCounter viewsInAll;
    private transient double rowsPerTaskSecond;
    private transient long secondEndsNs;
    private transient long left;

    SortOut(long rowsPerSecond, boolean keepMalformed) {
        this.rowsPerSecond = rowsPerSecond;
        this.keepMalformed = keepMalformed;
    }

    @Override
    public void open(OpenContext context) {
        malformed = getRuntimeContext().getMetricGroup().counter(MALFORMED_RECORDS);
        malformedInAll = new LongCounter();
        rowsInAll = new LongCounter();
        viewsInAll = new LongCounter();
        getRuntimeContext().addAccumulator(MALFORMED_RECORDS, malformedInAll);
        getRuntimeContext().addAccumulator(ROWS, rowsInAll);
        getRuntimeContext().addAccumulator(PAGE_VIEWS, viewsInAll);
        rowsPerTaskSecond = (double) rowsPerSecond / getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
    }

    @Override
    public void processElement(Event event, Context context, Collector<Event> out) throws InterruptedException {
        if (rowsPerSecond > 0) {
            holdPace();
        }
        rowsInAll.add(1);
        if (event.reason != null) {
            malformed.inc();
            malformedInAll.add(1);
            if (keepMalformed) {
                context.output(MALFORMED, quoted(event.raw) + "," + quoted(event.reason));
            }
        } else if (Event.PAGE_VIEW.equals(event.behavior)) {
            viewsInAll.add(1);
            out.collect(event);
        }
    }

    private void holdPace() throws InterruptedException {
        long now = System.nanoTime();
        if (now - secondEndsNs >= 0) {
            secondEndsNs = now + SECOND_NS / 10;
            left = Math.max(1, Math.round(rowsPerTaskSecond / 10));
        }
        if (left-- <= 0) {
            Thread.sleep(Math.max(1, (secondEndsNs - now) / 1_000_000));
        }
    }

    private static String quoted(String text) {
        return '"' + text.replace("\"", "\"\"") + '"';
    }
}
