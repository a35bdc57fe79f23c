package flinkscope.uv;

import java.io.Serializable;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.util.TimeUtils;

/** The job's arguments, {@code --name value}, with their types; what is wrong with one says so and names it. */
final class JobOptions implements Serializable {
    private static final long serialVersionUID = 1L;

    private final Map<String, String> values = new HashMap<>();

    static JobOptions parse(String[] words) {
        JobOptions options = new JobOptions();
        for (int i = 0; i < words.length; i += 2) {
            if (!words[i].startsWith("--") || i + 1 == words.length) {
                throw new IllegalArgumentException("expected --name value, found " + words[i]);
            }
            options.values.put(words[i].substring(2), words[i + 1]);
        }
        return options;
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    String text(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("--" + name + " is missing");
        }
        return value;
    }

    String text(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    boolean flag(String name) {
        return Boolean.parseBoolean(values.getOrDefault(name, "false"));
    }

    long number(String name, long otherwise) {
        String value = values.get(name);
        try {
            return value == null ? otherwise : Long.parseLong(value);
        } catch (NumberFormatException error) {
            throw new IllegalArgumentException("--" + name + " " + value + " is not a whole number");
        }
    }

    /** As Flink writes durations: 180 s, 3 min, 7 d. */
    long millis(String name, String otherwise) {
        String value = values.getOrDefault(name, otherwise);
        try {
            return TimeUtils.parseDuration(value).toMillis();
        } catch (RuntimeException error) {
            throw new IllegalArgumentException("--" + name + " " + value + " is not a duration such as 3 min");
        }
    }

    Duration duration(String name, String otherwise) {
        return Duration.ofMillis(millis(name, otherwise));
    }

    ZoneId zone() {
        String name = text("zone", "Asia/Shanghai");
        try {
            return ZoneId.of(name);
        } catch (DateTimeException error) {
            throw new IllegalArgumentException("--zone " + name + " is not a time zone such as Asia/Shanghai");
        }
    }
}
