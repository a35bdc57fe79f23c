package flinkscope.uv;

import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.BasePathBucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

/** Where results, late rows and malformed rows go. */
final class Sinks {
    private Sinks() {}

    static void add(DataStream<UvCount> counts, JobOptions options, StreamExecutionEnvironment environment) {
        for (String sink : options.text("sink").split(",")) {
            switch (sink) {
                case "redis":
                    counts.sinkTo(new RedisSink(new RedisOptions(options))).name("redis");
                    break;
                case "print":
                    counts.print();
                    break;
                case "files":
                    counts.map(UvCount::asCsv).returns(Types.STRING).sinkTo(rows(options.text("out"))).name("files");
                    break;
                case "kafka":
                    counts.sinkTo(KafkaResults.upserts(options)).name("kafka");
                    break;
                case "jdbc":
                    jdbc(counts, options, environment);
                    break;
                default:
                    throw new IllegalArgumentException("--sink " + sink + ": redis, print, files, kafka or jdbc");
            }
        }
    }

    static void addLate(DataStream<String> late, JobOptions options) {
        if (options.has("late-dir")) {
            late.sinkTo(rows(options.text("late-dir"))).name("late rows");
        }
    }

    static void addMalformed(DataStream<String> malformed, JobOptions options) {
        if (options.has("dead-letter-dir")) {
            malformed.sinkTo(rows(options.text("dead-letter-dir"))).name("malformed rows");
        }
        if (options.has("dead-letter-topic")) {
            malformed.sinkTo(KafkaResults.texts(options, options.text("dead-letter-topic"))).name("malformed rows to kafka");
        }
    }

    /** CSV files, each visible when the checkpoint that closes it is done: exactly once. */
    private static Sink<String> rows(String folder) {
        return FileSink.forBulkFormat(new Path(folder), RowsWriter::new)
                .withBucketAssigner(new BasePathBucketAssigner<>())
                .withRollingPolicy(OnCheckpointRollingPolicy.build())
                .withOutputFileConfig(OutputFileConfig.builder().withPartSuffix(".csv").build())
                .build();
    }

    /** The JDBC connector's own upsert; its jar and the database's driver must be on the cluster's class path. */
    private static void jdbc(DataStream<UvCount> counts, JobOptions options, StreamExecutionEnvironment environment) {
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        DataStream<Row> rows = counts.map(count -> Row.ofKind(
                        RowKind.UPDATE_AFTER, Days.name(count.day), count.keyName(), count.visitors))
                .returns(Types.ROW_NAMED(
                        new String[] {"day", "item", "visitors"}, Types.STRING, Types.STRING, Types.LONG));
        Schema schema = Schema.newBuilder()
                .column("day", DataTypes.STRING().notNull())
                .column("item", DataTypes.STRING().notNull())
                .column("visitors", DataTypes.BIGINT())
                .primaryKey("day", "item")
                .build();
        String login = options.has("jdbc-user") ? ", 'username' = " + sql(options.text("jdbc-user")) : "";
        login += options.has("jdbc-password") ? ", 'password' = " + sql(options.text("jdbc-password")) : "";
        tables.executeSql("CREATE TEMPORARY TABLE uv_results (`day` STRING, item STRING, visitors BIGINT,"
                + " PRIMARY KEY (`day`, item) NOT ENFORCED) WITH ('connector' = 'jdbc', 'url' = " + sql(options.text("jdbc-url"))
                + ", 'table-name' = " + sql(options.text("jdbc-table", "daily_uv")) + login + ")");
        org.apache.flink.table.api.bridge.java.StreamStatementSet inserts = tables.createStatementSet();
        inserts.addInsert("uv_results", tables.fromChangelogStream(rows, schema, ChangelogMode.upsert()));
        inserts.attachAsDataStream();
    }

    private static String sql(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
