package flinkscope.uv;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;

/** A Kafka topic whose messages are rows, CSV or JSON. Loaded only when used: the connector's jar is the cluster's. */
final class KafkaEvents {
    private KafkaEvents() {}

    static DataStream<Event> of(
            JobOptions options,
            StreamExecutionEnvironment environment,
            RowDecoder decoder,
            WatermarkStrategy<Event> watermarks) {
        KafkaSourceBuilder<Event> builder = KafkaSource.<Event>builder()
                .setBootstrapServers(options.text("bootstrap-servers"))
                .setTopics(options.text("topic").split(","))
                .setGroupId(options.text("group-id", "flinkscope-uv"))
                .setStartingOffsets(start(options.text("start", "earliest")))
                .setValueOnlyDeserializer(new Messages(decoder))
                .setProperties(properties(options));
        if (options.flag("until-now")) {
            builder.setBounded(OffsetsInitializer.latest());
        }
        return environment.fromSource(builder.build(), watermarks, "kafka", Event.TYPE);
    }

    /** {@code --kafka-properties}: name=value, one a line. */
    static Properties properties(JobOptions options) {
        Properties properties = new Properties();
        try {
            properties.load(new java.io.StringReader(options.text("kafka-properties", "")));
        } catch (IOException error) {
            throw new IllegalArgumentException("--kafka-properties: " + error.getMessage(), error);
        }
        return properties;
    }

    private static OffsetsInitializer start(String word) {
        switch (word) {
            case "earliest":
                return OffsetsInitializer.earliest();
            case "latest":
                return OffsetsInitializer.latest();
            case "committed":
                return OffsetsInitializer.committedOffsets();
            default:
                throw new IllegalArgumentException("--start " + word + ": earliest, latest or committed");
        }
    }

    private static final class Messages implements DeserializationSchema<Event> {
        private static final long serialVersionUID = 1L;
        private final RowDecoder decoder;

        Messages(RowDecoder decoder) {
            this.decoder = decoder;
        }

        @Override
        public Event deserialize(byte[] message) {
            if (message == null) {
                return RowDecoder.malformed("", "a message without a value");
            }
            return decoder.decode(new String(message, StandardCharsets.UTF_8));
        }

        @Override
        public void deserialize(byte[] message, Collector<Event> out) {
            Event event = deserialize(message);
            if (event != null) {
                out.collect(event);
            }
        }

        @Override
        public boolean isEndOfStream(Event next) {
            return false;
        }

        @Override
        public TypeInformation<Event> getProducedType() {
            return Event.TYPE;
        }
    }
}
