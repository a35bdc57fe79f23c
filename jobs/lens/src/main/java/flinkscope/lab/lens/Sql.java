package flinkscope.lab.lens;

import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/** Continuous SQL queries over the events. */
final class Sql {
    private Sql() {}

    static void build(StreamExecutionEnvironment env, DataStream<Event> events, Options options) {
        StreamTableEnvironment tables = StreamTableEnvironment.create(env);
        tables.getConfig().set("table.local-time-zone", "UTC");
        if (options.number("async-state", 0) > 0) {
            tables.getConfig().set("table.exec.async-state.enabled", "true"); // since 2.0
        }
        Schema schema = Schema.newBuilder()
                .columnByExpression("moment", "TO_TIMESTAMP_LTZ(`time`, 3)")
                .watermark("moment", "SOURCE_WATERMARK()")
                .build();
        tables.createTemporaryView("events", events, schema);
        tables.toChangelogStream(tables.sqlQuery(query(options)));
    }

    private static String tumbling(long minutes) {
        return "TABLE(TUMBLE(TABLE events, DESCRIPTOR(moment), INTERVAL '" + minutes + "' MINUTE(6)))";
    }

    private static String query(Options options) {
        long minutes = options.number("window-ms", 86_400_000) / 60_000;
        String counts = "COUNT(*) AS n, COUNT(DISTINCT " + options.text("distinct", "`index`") + ") AS d";
        String by = options.text("by", "`key`");
        switch (options.text("query", "group")) {
            case "group":
                return "SELECT `key`, text, " + counts + " FROM events GROUP BY `key`, text";
            case "tumble":
                return "SELECT `key`, text, window_start, window_end, " + counts
                        + " FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(moment), INTERVAL '" + minutes + "' MINUTE(6)))"
                        + " GROUP BY `key`, text, window_start, window_end";
            case "cumulate":
                return "SELECT " + by + ", window_start, window_end, " + counts
                        + " FROM TABLE(CUMULATE(TABLE events, DESCRIPTOR(moment), INTERVAL '"
                        + options.number("interval-ms", 180_000) / 60_000 + "' MINUTE(6), INTERVAL '" + minutes
                        + "' MINUTE(6))) GROUP BY " + by + ", window_start, window_end";
            case "latest":
                return "SELECT `index`, `key`, text FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY `key`, text"
                        + " ORDER BY moment DESC) AS r FROM events) WHERE r = 1";
            case "top":
                return "SELECT `index`, `key`, text FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY `key`"
                        + " ORDER BY `index` DESC) AS r FROM events) WHERE r <= 2";
            case "first":
                return "SELECT `index`, `key`, text FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY `key`, text"
                        + " ORDER BY moment) AS r FROM events) WHERE r = 1";
            case "hop":
                return "SELECT `key`, window_start, window_end, " + counts
                        + " FROM TABLE(HOP(TABLE events, DESCRIPTOR(moment), INTERVAL '" + minutes / 4
                        + "' MINUTE(6), INTERVAL '" + minutes + "' MINUTE(6)))"
                        + " GROUP BY `key`, window_start, window_end";
            case "session":
                return "SELECT `key`, " + counts + " FROM events GROUP BY `key`, SESSION(moment, INTERVAL '" + minutes
                        + "' MINUTE(6))";
            case "session-window":
                return "SELECT `key`, window_start, window_end, " + counts
                        + " FROM TABLE(SESSION(TABLE events PARTITION BY `key`, DESCRIPTOR(moment), INTERVAL '" + minutes
                        + "' MINUTE(6))) GROUP BY `key`, window_start, window_end";
            case "window-top":
                return "SELECT `index`, `key` FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end,"
                        + " `key` ORDER BY `index` DESC) AS r FROM " + tumbling(minutes) + ") WHERE r <= 2";
            case "window-join":
                return "SELECT a.`index`, b.text FROM (SELECT * FROM " + tumbling(minutes) + ") a JOIN (SELECT * FROM "
                        + tumbling(minutes) + ") b ON a.`key` = b.`key` AND a.window_start = b.window_start"
                        + " AND a.window_end = b.window_end";
            case "over":
                return "SELECT `key`, COUNT(*) OVER (PARTITION BY `key` ORDER BY moment RANGE BETWEEN INTERVAL '"
                        + minutes + "' MINUTE PRECEDING AND CURRENT ROW) FROM events";
            case "interval-join":
                return "SELECT a.`index`, b.text FROM events a JOIN events b ON a.`key` = b.`key` AND a.moment BETWEEN"
                        + " b.moment - INTERVAL '" + minutes + "' MINUTE AND b.moment";
            case "join":
                return "SELECT a.`index`, b.text FROM events a JOIN events b ON a.`index` = b.`index`";
            default:
                throw new IllegalArgumentException("no query " + options.text("query", ""));
        }
    }
}
