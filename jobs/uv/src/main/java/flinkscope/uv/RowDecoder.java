package flinkscope.uv;

import java.io.Serializable;
import java.time.Instant;

/**
 * Turns a text row into an event. A row is malformed when one of the five columns is missing or empty, when userId, itemId,
 * categoryId are not whole numbers from 0 to 2^63 - 1, or when ts is not between 1970 and {@code maxAheadMs} from now.
 *
 * <p>A time stamp far in the future must not pass: one such row would move the watermark there, and all others would be late.
 */
abstract class RowDecoder implements Serializable {
    /** Of a malformed row at most so many characters are kept aside. */
    static final int KEPT_CHARS = 16_384;
    /** A row of more characters is malformed, whatever is in it. */
    static final int LONGEST = 1 << 20;

    private static final long serialVersionUID = 1L;
    /** Larger numbers are milliseconds, others seconds. */
    private static final long SECONDS_UP_TO = 100_000_000_000L;

    private static final int MOST_DIGITS = 19;
    private static final long NOT_A_NUMBER = -1;

    final KeyColumn key;
    private final long maxAheadMs;
    private final boolean narrow;
    private transient long latestMs;
    private transient int rows;

    /** @param narrow whether the design holds user ids of 31 bits only */
    RowDecoder(KeyColumn key, long maxAheadMs, boolean narrow) {
        this.key = key;
        this.maxAheadMs = maxAheadMs;
        this.narrow = narrow;
    }

    /** The row's event, malformed or not; null for a row that says nothing: an empty line or the header. */
    final Event decode(String row) {
        return row.length() > LONGEST ? malformed(row, "a row of more than " + LONGEST + " characters") : read(row);
    }

    abstract Event read(String row);

    /** Checks what has been read; the event, or a malformed one with the first thing that is wrong with it. */
    Event checked(Event event, long ts, String raw) {
        if (narrow && event.userId > Integer.MAX_VALUE) {
            return malformed(raw, "userId " + event.userId + " is above 2147483647, the most this design holds; --design bucket has no limit");
        }
        long millis = ts > SECONDS_UP_TO ? ts : ts * 1000;
        if ((rows++ & 0xFFF) == 0) {
            latestMs = System.currentTimeMillis() + maxAheadMs;
        }
        if (ts <= 0) {
            return malformed(raw, "ts " + ts + " is before 1970");
        }
        if (millis > latestMs) {
            return malformed(raw, "ts " + ts + " is " + year(millis) + ", in the future");
        }
        event.timestamp = millis;
        return event;
    }

    static Event malformed(String raw, String reason) {
        return Event.malformed(raw.length() <= KEPT_CHARS ? raw : raw.substring(0, KEPT_CHARS), reason);
    }

    /** Whether there is nothing but blanks and control characters. */
    static boolean isBlank(String row) {
        for (int at = 0; at < row.length(); at++) {
            if (row.charAt(at) > ' ') {
                return false;
            }
        }
        return true;
    }

    /** The number of 1 to 19 digits between the two places; below zero if it is none or above 2^63 - 1. */
    static long digits(String text, int from, int to) {
        if (from == to || to - from > MOST_DIGITS) {
            return NOT_A_NUMBER;
        }
        long value = 0;
        for (int at = from; at < to; at++) {
            int digit = text.charAt(at) - '0';
            if (digit < 0 || digit > 9) {
                return NOT_A_NUMBER;
            }
            value = value * 10 + digit;
        }
        return value; // 19 digits above 2^63 - 1 have become negative
    }

    private static String year(long millis) {
        try {
            return "in the year " + Instant.ofEpochMilli(millis).atOffset(java.time.ZoneOffset.UTC).getYear();
        } catch (java.time.DateTimeException error) {
            return "beyond any calendar";
        }
    }
}
