package flinkscope.uv;

import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/**
 * Counts into Redis: hash {@code <prefix><yyyy-MM-dd>}, field the key, value the count. Writing a count again changes nothing, so
 * a replay after a failure never counts twice; every checkpoint waits until Redis has taken all that came before it.
 */
final class RedisSink implements Sink<UvCount> {
    private static final long serialVersionUID = 1L;

    private final RedisOptions options;

    RedisSink(RedisOptions options) {
        this.options = options;
    }

    @Override
    public SinkWriter<UvCount> createWriter(WriterInitContext context) {
        return new RedisWriter(options, context);
    }
}
