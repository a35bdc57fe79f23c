package flinkscope.lab.lens;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Calls with a time: up to Flink 1.19 with its class Time, which 2.0 has no more, then with java.time.Duration. */
final class Spans {
    private static final String TIME = "org.apache.flink.streaming.api.windowing.time.Time";

    private Spans() {}

    /** {@code owner.method(times…)}: static, or on {@code target}. */
    static Object call(Class<?> owner, Object target, String method, long... millis) throws Exception {
        try {
            return invoke(owner, target, method, Duration.class, millis);
        } catch (NoSuchMethodException olderFlink) {
            return invoke(owner, target, method, Class.forName(TIME), millis);
        }
    }

    private static Object invoke(Class<?> owner, Object target, String method, Class<?> type, long[] millis)
            throws Exception {
        Class<?>[] types = new Class<?>[millis.length];
        Object[] values = new Object[millis.length];
        for (int i = 0; i < millis.length; i++) {
            types[i] = type;
            values[i] = type == Duration.class
                    ? Duration.ofMillis(millis[i])
                    : type.getMethod("of", long.class, TimeUnit.class).invoke(null, millis[i], TimeUnit.MILLISECONDS);
        }
        return owner.getMethod(method, types).invoke(target, values);
    }
}
