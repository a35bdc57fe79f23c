package flinkscope.uv;

import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLHandshakeException;
import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.metrics.Counter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisAccessControlException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Collects counts and sends them in one pipeline: when a batch is full, when the oldest has waited long enough, and at every
 * checkpoint. While Redis does not take them it tries again with growing pauses, up to {@code --redis-retry}; then the job
 * fails and goes on from its last checkpoint. Nothing is dropped.
 *
 * <p>With each batch goes its number, {@code <prefix>meta} field {@code batch:<job>:<subtask>}. A Redis that has lost it, because it
 * came back empty or an old copy took over, has lost counts too: the job fails and, restarted, sends all counts again.
 */
final class RedisWriter implements SinkWriter<UvCount> {
    private static final Logger LOG = LoggerFactory.getLogger(RedisWriter.class);
    private static final long FIRST_PAUSE_MS = 100;
    private static final long LONGEST_PAUSE_MS = 5_000;
    private static final long META_EVERY_MS = 1_000;

    private final RedisOptions options;
    private final ProcessingTimeService time;
    private final Counter sent;
    private final Counter failures;
    private final String batchField;
    private final Map<String, Map<String, String>> days = new HashMap<>();
    private int buffered;
    private boolean flushDue;
    private long batches;
    private long metaAtMs;
    private boolean mustCheck;
    private UnifiedJedis redis;

    RedisWriter(RedisOptions options, WriterInitContext context) {
        this.options = options;
        this.time = context.getProcessingTimeService();
        this.sent = context.metricGroup().counter("uvSentToRedis");
        this.failures = context.metricGroup().counter("uvRedisFailures");
        this.batchField = "batch:" + context.getJobInfo().getJobId() + ":"
                + context.getTaskInfo().getIndexOfThisSubtask() + ":" + context.getTaskInfo().getAttemptNumber();
    }

    @Override
    public void write(UvCount count, Context context) throws IOException, InterruptedException {
        Map<String, String> fields =
                days.computeIfAbsent(options.prefix + Days.name(count.day), day -> new HashMap<>());
        if (fields.put(count.keyName(), Long.toString(count.visitors)) == null) {
            buffered++;
        }
        if (buffered >= options.batch) {
            send();
        } else if (!flushDue) {
            flushDue = true;
            time.registerTimer(time.getCurrentProcessingTime() + options.flushMs, now -> {
                flushDue = false;
                send();
            });
        }
    }

    @Override
    public void flush(boolean endOfInput) throws IOException, InterruptedException {
        send();
        if (endOfInput && redis != null) {
            try {
                redis.hdel(options.prefix + "meta", batchField);
            } catch (JedisException error) {
                LOG.debug("the batch number stays until the hash expires", error);
            }
        }
    }

    private void send() throws IOException, InterruptedException {
        long giveUpAtMs = System.currentTimeMillis() + options.retryMs;
        long pauseMs = FIRST_PAUSE_MS;
        while (buffered > 0) {
            try {
                sendOnce();
                sent.inc(buffered);
                days.clear();
                buffered = 0;
            } catch (JedisException error) {
                failures.inc();
                mustCheck = true;
                disconnect();
                if (isHopeless(error) || System.currentTimeMillis() >= giveUpAtMs) {
                    throw new IOException(explained(error), error);
                }
                LOG.warn("{}; trying again in {} ms", explained(error), pauseMs);
                Thread.sleep(pauseMs);
                pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
            }
        }
    }

    private void sendOnce() throws IOException {
        if (redis == null) {
            redis = options.connect();
        }
        if (mustCheck) {
            checkNothingLost();
        }
        List<Response<?>> answers = new ArrayList<>();
        try (AbstractPipeline pipeline = redis.pipelined()) {
            for (Map.Entry<String, Map<String, String>> day : days.entrySet()) {
                answers.add(pipeline.hset(day.getKey(), day.getValue()));
                answers.add(pipeline.expire(day.getKey(), options.ttlSeconds));
            }
            answers.add(pipeline.hset(options.prefix + "meta", meta(batches + 1)));
            answers.add(pipeline.expire(options.prefix + "meta", options.ttlSeconds));
            pipeline.sync();
        }
        for (Response<?> answer : answers) {
            answer.get(); // throws what Redis answered
        }
        batches++;
    }

    private Map<String, String> meta(long batch) {
        Map<String, String> meta = new HashMap<>();
        meta.put(batchField, Long.toString(batch));
        long now = System.currentTimeMillis();
        if (now - metaAtMs >= META_EVERY_MS) {
            metaAtMs = now;
            meta.put("zone", options.zone);
            meta.put("key", options.key);
            meta.put("design", options.design);
            meta.put("updated_at", Instant.ofEpochMilli(now).truncatedTo(ChronoUnit.SECONDS).toString());
        }
        return meta;
    }

    private void checkNothingLost() throws IOException {
        String known = redis.hget(options.prefix + "meta", batchField);
        if (batches > 0 && (known == null || Long.parseLong(known) < batches)) {
            throw new IOException("Redis at " + options.shown() + " has lost counts that it had taken (batch " + batches + " sent, "
                    + (known == null ? "none" : known) + " known): did it restart without persistence, or an old replica take over?"
                    + " The job restarts and sends the counts of open days again; for closed days run flinkscope uv check");
        }
        mustCheck = false;
    }

    /** Whether waiting cannot help: a wrong password, a certificate that is not believed. */
    private static boolean isHopeless(JedisException error) {
        return error instanceof JedisAccessControlException || handshake(error) != null;
    }

    private static SSLHandshakeException handshake(Throwable error) {
        Throwable at = error;
        while (at != null && !(at instanceof SSLHandshakeException)) {
            at = at.getCause();
        }
        return (SSLHandshakeException) at;
    }

    private String explained(JedisException error) {
        String text = String.valueOf(error.getMessage());
        String reason = text;
        SSLHandshakeException refused = handshake(error);
        if (refused != null) {
            return "Redis at " + options.shown() + " shows a certificate that is not believed (" + refused.getMessage()
                    + "): give its authority with --redis-ca-file; " + buffered + " counts wait";
        } else if (text.startsWith("READONLY")) {
            reason = "is a read-only replica: give the master's address";
        } else if (text.startsWith("OOM")) {
            reason = "is full (maxmemory reached, and its policy evicts nothing)";
        } else if (text.startsWith("NOAUTH") || text.startsWith("WRONGPASS")) {
            reason = "refuses user or password: " + text;
        } else if (text.startsWith("MISCONF")) {
            reason = "refuses writes because it cannot save to its disk";
        } else if (text.contains("WRONGTYPE")) {
            reason = "has a key of that name that is not a hash: choose another --prefix";
        }
        Throwable cause = error.getCause();
        String because = cause == null || cause.getMessage() == null ? "" : " (" + cause.getMessage() + ")";
        return "Redis at " + options.shown() + " " + reason + because + "; " + buffered + " counts wait";
    }

    private void disconnect() {
        if (redis != null) {
            try {
                redis.close();
            } catch (RuntimeException error) {
                LOG.debug("closing a broken connection", error);
            }
            redis = null;
        }
    }

    @Override
    public void close() {
        disconnect();
    }
}
