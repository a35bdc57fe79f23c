package flinkscope.uv;

import java.io.Serializable;
import java.time.LocalDate;
import java.time.ZoneId;

/**
 * Calendar days of a time zone: where a day begins and ends in epoch milliseconds, also on the days of 23 or 25 hours.
 *
 * <p>Remembers the last day asked for: neighbouring rows are nearly always of the same day.
 */
final class Days implements Serializable {
    private static final long serialVersionUID = 1L;

    private final ZoneId zone;
    private int day = Integer.MIN_VALUE;
    private long startMs = 1;
    private long endMs = 0;

    Days(ZoneId zone) {
        this.zone = zone;
    }

    ZoneId zone() {
        return zone;
    }

    /** The number since 1970-01-01 of the day in which the instant lies. */
    int number(long timestampMs) {
        if (timestampMs < startMs || timestampMs >= endMs) {
            remember((int) java.time.Instant.ofEpochMilli(timestampMs).atZone(zone).toLocalDate().toEpochDay());
        }
        return day;
    }

    /** The first millisecond of the day. */
    long startMs(int ofDay) {
        if (ofDay != day) {
            remember(ofDay);
        }
        return startMs;
    }

    /** The last millisecond of the day. */
    long lastMs(int ofDay) {
        if (ofDay != day) {
            remember(ofDay);
        }
        return endMs - 1;
    }

    static String name(int day) {
        return LocalDate.ofEpochDay(day).toString();
    }

    static int parse(String name) {
        return (int) LocalDate.parse(name).toEpochDay();
    }

    private void remember(int ofDay) {
        LocalDate date = LocalDate.ofEpochDay(ofDay);
        day = ofDay;
        startMs = date.atStartOfDay(zone).toInstant().toEpochMilli();
        endMs = date.plusDays(1).atStartOfDay(zone).toInstant().toEpochMilli();
    }
}
