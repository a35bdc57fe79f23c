package flinkscope.uv;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;

/** Parquet files, by Flink's own format; its jar and Hadoop's classes must be on the cluster's class path. */
final class ParquetEvents {
    private ParquetEvents() {}

    static DataStream<Event> of(
            JobOptions options,
            StreamExecutionEnvironment environment,
            RowDecoder decoder,
            WatermarkStrategy<Event> watermarks) {
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        KeyColumn key = decoder.key;
        String more = key.isExtra() ? ", `" + key.name.replace("`", "``") + "` STRING" : "";
        long watchMs = options.millis("watch", "0 s");
        String watch = watchMs > 0 ? ", 'source.monitor-interval' = '" + watchMs + " ms'" : "";
        tables.executeSql("CREATE TEMPORARY TABLE rows_of_files (userId BIGINT, itemId BIGINT, categoryId BIGINT,"
                + " behavior STRING, ts BIGINT" + more + ") WITH ('connector' = 'filesystem', 'format' = 'parquet',"
                + " 'path' = '" + options.text("path").replace("'", "''") + "'" + watch + ")");
        return tables.toDataStream(tables.from("rows_of_files"))
                .map(row -> event(row, decoder))
                .returns(Event.TYPE)
                .assignTimestampsAndWatermarks(watermarks);
    }

    private static Event event(Row row, RowDecoder decoder) {
        for (int column = 0; column < row.getArity(); column++) {
            if (row.getField(column) == null) {
                return RowDecoder.malformed(row.toString(), "column " + (column + 1) + " is null");
            }
        }
        Event event = new Event();
        event.userId = (Long) row.getField(0);
        event.itemId = (Long) row.getField(1);
        event.categoryId = (Long) row.getField(2);
        if ((event.userId | event.itemId | event.categoryId) < 0) {
            return RowDecoder.malformed(row.toString(), "an id below 0");
        }
        String behavior = (String) row.getField(3);
        event.behavior = Event.PAGE_VIEW.equals(behavior) ? Event.PAGE_VIEW : behavior;
        event.keyText = decoder.key.isExtra() ? (String) row.getField(5) : decoder.key.textOf(event);
        return decoder.checked(event, (Long) row.getField(4), row.toString());
    }
}
