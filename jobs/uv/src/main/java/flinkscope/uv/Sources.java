package flinkscope.uv;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Where events come from. Watermarks are made in the source, so that each file, partition or lane has its own; of a watched folder
 * behind it.
 */
final class Sources {
    private Sources() {}

    static DataStream<Event> of(JobOptions options, StreamExecutionEnvironment environment, KeyColumn key, boolean narrow) {
        String source = options.text("source");
        WatermarkStrategy<Event> watermarks = watermarks(options);
        switch (source) {
            case "generator":
                return environment.fromSource(
                        new GeneratedEvents(new GeneratedShop(options), key, options.text("hold", "")),
                        watermarks,
                        "generator",
                        Event.TYPE);
            case "files":
                if ("parquet".equals(options.text("format", "csv"))) {
                    return ParquetEvents.of(options, environment, decoder(options, key, narrow), watermarks);
                }
                return fromFiles(options, environment, decoder(options, key, narrow), watermarks);
            case "kafka":
                return KafkaEvents.of(options, environment, decoder(options, key, narrow), watermarks);
            default:
                throw new IllegalArgumentException("--source " + source + ": files, kafka or generator");
        }
    }

    private static RowDecoder decoder(JobOptions options, KeyColumn key, boolean narrow) {
        long maxAheadMs = options.millis("max-ahead", "1 d");
        String format = options.text("format", "csv");
        switch (format) {
            case "csv":
                if (key.isExtra()) {
                    throw new IllegalArgumentException("--key " + key.name + ": CSV rows have userId, itemId, categoryId, behavior, ts");
                }
                return new CsvRows(key, maxAheadMs, narrow);
            case "jsonl":
            case "parquet":
                return new JsonRows(key, maxAheadMs, narrow);
            default:
                throw new IllegalArgumentException("--format " + format + ": csv, jsonl or parquet");
        }
    }

    /**
     * Flink drops the watermark of a file that is read to its end before the next periodic one (200 ms), and a reader that has ended its
     * file holds back the others until it gets another. Behind the source a reader's watermark outlives its files.
     */
    private static DataStream<Event> fromFiles(
            JobOptions options, StreamExecutionEnvironment environment, RowDecoder decoder, WatermarkStrategy<Event> watermarks) {
        FileSource<Event> files = files(options, decoder);
        if (options.millis("watch", "0 s") == 0) {
            return environment.fromSource(files, watermarks, "files", Event.TYPE);
        }
        return environment.fromSource(files, WatermarkStrategy.noWatermarks(), "files", Event.TYPE)
                .assignTimestampsAndWatermarks(watermarks)
                .name("watermarks");
    }

    private static FileSource<Event> files(JobOptions options, RowDecoder decoder) {
        Path[] paths = java.util.Arrays.stream(options.text("path").split(",")).map(Path::new).toArray(Path[]::new);
        FileSource.FileSourceBuilder<Event> builder = FileSource.forRecordStreamFormat(new RowFormat(decoder), paths);
        long watchMs = options.millis("watch", "0 s");
        if (watchMs > 0) {
            builder.monitorContinuously(java.time.Duration.ofMillis(watchMs));
        }
        return builder.build();
    }

    /** {@code --watermark-delay end}: rows in any order; nothing is late, and days end with the input. */
    private static WatermarkStrategy<Event> watermarks(JobOptions options) {
        WatermarkStrategy<Event> strategy = "end".equals(options.text("watermark-delay", "5 s"))
                ? WatermarkStrategy.noWatermarks()
                : WatermarkStrategy.forBoundedOutOfOrderness(options.duration("watermark-delay", "5 s"));
        long idleMs = options.millis("idleness", "0 s");
        strategy = strategy.withTimestampAssigner((event, before) -> event.timestamp);
        return idleMs > 0 ? strategy.withIdleness(java.time.Duration.ofMillis(idleMs)) : strategy;
    }
}
