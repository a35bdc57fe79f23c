package kafka;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;

/** Kafka's own consumer (without a broker) with more records fetched than its heap takes. */
public final class KafkaTrouble {

    public static void main(String[] words) {
        int partitions = 50;
        MockConsumer<byte[], byte[]> consumer = new MockConsumer<>(OffsetResetStrategy.EARLIEST);
        Map<TopicPartition, Long> beginnings = new HashMap<>();
        for (int n = 0; n < partitions; n++) {
            beginnings.put(new TopicPartition("events", n), 0L);
        }
        consumer.assign(List.copyOf(beginnings.keySet()));
        consumer.updateBeginningOffsets(beginnings);
        for (long n = 0; ; n++) {
            consumer.addRecord(
                    new ConsumerRecord<>("events", (int) (n % partitions), n / partitions, null, new byte[2048]));
        }
    }

    private KafkaTrouble() {}
}
