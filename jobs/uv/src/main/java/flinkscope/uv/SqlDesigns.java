package flinkscope.uv;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Arrays;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

/**
 * The count as SQL. Users are counted by BITMAP_BUILD_CARDINALITY_AGG where Flink has it (2.3, FLIP-556), before by
 * {@link BitmapCount}, which does the same with a RoaringBitmap as accumulator.
 */
final class SqlDesigns {
    private SqlDesigns() {}

    static final String GROUP =
            "SELECT `day`, `key`, %s(`user`) AS visitors\n"
                    + "FROM page_views\n"
                    + "GROUP BY `day`, `key`";

    static final String CUMULATE =
            "SELECT DATE_FORMAT(window_start, 'yyyy-MM-dd') AS `day`, `key`, %s(`user`) AS visitors\n"
                    + "FROM TABLE(CUMULATE(TABLE page_views, DESCRIPTOR(seen_at), INTERVAL '%d' SECOND(5), INTERVAL '1' DAY))\n"
                    + "GROUP BY window_start, window_end, `key`";

    static DataStream<UvCount> counts(
            StreamExecutionEnvironment environment, DataStream<Event> views, JobOptions options, KeyColumn key, Days days) {
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        ZoneId zone = days.zone();
        tables.getConfig().setLocalTimeZone(zone);
        boolean group = "group".equals(options.text("design"));
        long stepMs = options.millis("step", "3 min");
        if (group) {
            tables.getConfig().set("table.exec.mini-batch.enabled", "true");
            tables.getConfig().set("table.exec.mini-batch.allow-latency", Math.min(stepMs, 5_000) + " ms");
            tables.getConfig().set("table.exec.mini-batch.size", "20000");
            tables.getConfig().set("table.exec.state.ttl", "36 h");
        }
        boolean text = key.isText();
        TypeInformation<?> ofKey = text ? Types.STRING : Types.LONG;
        DataStream<Row> rows = views.map(event -> Row.of(
                        Days.name(days.number(event.timestamp)),
                        text ? (Object) event.keyText : (Object) key.numberOf(event),
                        (int) event.userId,
                        Instant.ofEpochMilli(event.timestamp)))
                .returns(Types.ROW_NAMED(
                        new String[] {"day", "key", "user", "seen_at"}, Types.STRING, ofKey, Types.INT, Types.INSTANT));
        Schema schema = Schema.newBuilder()
                .column("day", DataTypes.STRING().notNull())
                .column("key", (text ? DataTypes.STRING() : DataTypes.BIGINT()).notNull())
                .column("user", DataTypes.INT().notNull())
                .column("seen_at", DataTypes.TIMESTAMP_LTZ(3))
                .watermark("seen_at", "SOURCE_WATERMARK()")
                .build();
        tables.createTemporaryView("page_views", tables.fromDataStream(rows, schema));
        String count = bitmapFunction(tables, options);
        String query = group
                ? String.format(GROUP, count)
                : String.format(CUMULATE, count, stepMs / 1000);
        DataStream<Row> changes = group
                ? tables.toChangelogStream(
                        tables.sqlQuery(query), upserts(text), ChangelogMode.upsert())
                : tables.toDataStream(tables.sqlQuery(query));
        return changes.filter(row -> row.getKind() != RowKind.DELETE && row.getKind() != RowKind.UPDATE_BEFORE)
                .map(row -> count(row, text))
                .returns(UvCount.class);
    }

    private static Schema upserts(boolean text) {
        return Schema.newBuilder()
                .column("day", DataTypes.STRING().notNull())
                .column("key", (text ? DataTypes.STRING() : DataTypes.BIGINT()).notNull())
                .column("visitors", DataTypes.BIGINT())
                .primaryKey("day", "key")
                .build();
    }

    private static UvCount count(Row row, boolean text) {
        Object key = row.getField(1);
        int day = (int) LocalDate.parse((String) row.getField(0)).toEpochDay();
        long visitors = ((Number) row.getField(2)).longValue();
        return new UvCount(day, text ? 0 : (Long) key, text ? (String) key : null, visitors);
    }

    /** The name of the aggregate function: Flink's own, or ours where Flink has none or {@code --bitmap own} asks for it. */
    private static String bitmapFunction(StreamTableEnvironment tables, JobOptions options) {
        String builtIn = "BITMAP_BUILD_CARDINALITY_AGG";
        boolean has = Arrays.stream(tables.listFunctions()).anyMatch(builtIn::equalsIgnoreCase);
        if (has && !"own".equals(options.text("bitmap", "auto"))) {
            return builtIn;
        }
        tables.createTemporarySystemFunction("COUNT_IN_BITMAP", BitmapCount.class);
        return "COUNT_IN_BITMAP";
    }
}
