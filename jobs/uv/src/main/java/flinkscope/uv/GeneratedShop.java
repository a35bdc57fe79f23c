package flinkscope.uv;

import java.io.Serializable;

/**
 * The generated shop: event {@code i} is a pure function of the options and {@code i}, so that any run can be repeated and
 * recounted elsewhere ({@code flinkscope.uv.generated} does it with numpy, bit for bit).
 *
 * <p>Items follow a bounded power law with exponent 0.8: the inverse of its distribution function is a fifth power, so only
 * multiplications are needed and every IEEE 754 machine computes the same item. Users are uniform. Without disorder,
 * duplicates and late ones the events are those of the lab's incident.
 */
final class GeneratedShop implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    /** Shares of pv, cart, fav, buy in 1/1000, summed up. */
    private static final int[] SHARES = {895, 950, 979, 1000};
    private static final String[] BEHAVIORS = {"pv", "cart", "fav", "buy"};
    private static final int CATEGORIES = 9_439;
    private static final long HALF = 0xFFFFFFFFL;
    /** A duplicate repeats the event so many before it. */
    private static final int BACK = 17;
    /** A late event comes so long after its time. */
    private static final long LATE_MS = 26 * 3_600_000L;

    final long events;
    private final long seed;
    private final long items;
    private final long users;
    private final long firstMs;
    private final long spanMs;
    private final long disorderMs;
    private final long duplicates;
    private final long late;
    private final double reach;

    GeneratedShop(JobOptions options) {
        seed = options.number("seed", 1);
        events = options.number("events", 1_000_000);
        items = options.number("items", 4_000_000);
        users = options.number("users", 1_000_000);
        firstMs = options.number("first-ms", 1_511_701_200_000L);
        spanMs = options.number("span-ms", 21_600_000L);
        disorderMs = options.number("disorder-ms", 0);
        duplicates = options.number("duplicates-per-mille", 0);
        late = options.number("late-per-mille", 0);
        reach = fifthRoot(items) - 1.0;
    }

    Event event(long index, KeyColumn key) {
        long forOrder = 0;
        long original = index;
        if ((duplicates | disorderMs | late) != 0) {
            forOrder = Hash.mix(~seed + index * GOLDEN);
            boolean repeats = (((forOrder & HALF) * 1000) >>> 32) < duplicates;
            original = repeats && index >= BACK ? index - BACK : index;
        }
        long forItem = Hash.mix(seed + (2 * original + 1) * GOLDEN);
        long forRest = Hash.mix(seed + (2 * original + 2) * GOLDEN);
        int dice = (int) (((forRest & HALF) * 1000) >>> 32);
        int kind = 0;
        while (dice >= SHARES[kind]) {
            kind++;
        }
        Event event = new Event();
        event.itemId = item(forItem);
        event.userId = ((forRest >>> 32) * users) >>> 32;
        event.categoryId = event.itemId % CATEGORIES;
        event.behavior = BEHAVIORS[kind];
        event.timestamp = timestamp(index, forOrder);
        event.keyText = key.textOf(event);
        return event;
    }

    private long timestamp(long index, long forOrder) {
        long inOrder = firstMs + Math.multiplyExact(index, spanMs) / events;
        long random = Hash.mix(forOrder);
        boolean isLate = ((random & HALF) * 1000) >>> 32 < late;
        return inOrder - (((random >>> 32) * disorderMs) >>> 32) - (isLate ? LATE_MS : 0);
    }

    private long item(long random) {
        double uniform = (random >>> 11) * 0x1.0p-53;
        double root = 1.0 + uniform * reach;
        double square = root * root;
        return Math.min((long) (square * square * root), items);
    }

    /** Newton's method with a fixed number of steps: the same operations, hence the same double, on every machine. */
    private static double fifthRoot(double value) {
        double root = value;
        for (int step = 0; step < 200; step++) {
            double square = root * root;
            double fourth = square * square;
            root = root - (fourth * root - value) / (5.0 * fourth);
        }
        return root;
    }
}
