package flinkscope.uv;

import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;

/** Results as upserts into a topic, to be compacted: key {@code day,key}, value the count. */
final class KafkaResults {
    private KafkaResults() {}

    static Sink<UvCount> upserts(JobOptions options) {
        return KafkaSink.<UvCount>builder()
                .setBootstrapServers(options.text("bootstrap-servers"))
                .setKafkaProducerConfig(KafkaEvents.properties(options))
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .setRecordSerializer(KafkaRecordSerializationSchema.<UvCount>builder()
                        .setTopic(options.text("out-topic"))
                        .setKeySerializationSchema(new DayAndKey())
                        .setValueSerializationSchema(new Visitors())
                        .build())
                .build();
    }

    static Sink<String> texts(JobOptions options, String topic) {
        return KafkaSink.<String>builder()
                .setBootstrapServers(options.text("bootstrap-servers"))
                .setKafkaProducerConfig(KafkaEvents.properties(options))
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .setRecordSerializer(KafkaRecordSerializationSchema.<String>builder()
                        .setTopic(topic)
                        .setValueSerializationSchema(new SimpleStringSchema())
                        .build())
                .build();
    }

    // Classes, not lambdas: the connector asks for their type parameters.
    private static final class DayAndKey implements SerializationSchema<UvCount> {
        private static final long serialVersionUID = 1L;

        @Override
        public byte[] serialize(UvCount count) {
            return (Days.name(count.day) + "," + count.keyName()).getBytes(StandardCharsets.UTF_8);
        }
    }

    private static final class Visitors implements SerializationSchema<UvCount> {
        private static final long serialVersionUID = 1L;

        @Override
        public byte[] serialize(UvCount count) {
            return Long.toString(count.visitors).getBytes(StandardCharsets.UTF_8);
        }
    }
}
