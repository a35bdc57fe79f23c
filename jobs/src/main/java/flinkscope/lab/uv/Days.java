package flinkscope.lab.uv;

import java.time.LocalDate;

/** Calendar days in Asia/Shanghai, which has had a fixed offset of eight hours since 1991. */
final class Days {
    static final long DAY_MS = 86_400_000L;
    static final long SHANGHAI_MS = 8 * 3_600_000L;

    private Days() {}

    /** The day's number since 1970-01-01. */
    static int number(long timestamp) {
        return (int) Math.floorDiv(timestamp + SHANGHAI_MS, DAY_MS);
    }

    /** The last millisecond of the day. */
    static long lastMs(int day) {
        return (day + 1L) * DAY_MS - SHANGHAI_MS - 1;
    }

    static String name(int day) {
        return LocalDate.ofEpochDay(day).toString();
    }

    static int parse(String name) {
        return (int) LocalDate.parse(name).toEpochDay();
    }
}
