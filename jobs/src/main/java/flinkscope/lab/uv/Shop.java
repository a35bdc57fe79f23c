package flinkscope.lab.uv;

import java.io.Serializable;

/**
 * The generated shop: event {@code i} is a pure function of the seed and {@code i}, so that any run can be repeated and
 * recounted elsewhere ({@code flinkscope.lab.check} does it with numpy, bit for bit).
 *
 * <p>Items follow a bounded power law with exponent 0.8: the inverse of its distribution function is a fifth power, so only
 * multiplications are needed and every IEEE 754 machine computes the same item. Users are uniform.
 */
public final class Shop implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    /** Shares of pv, cart, fav, buy in 1/1000, summed up. */
    private static final int[] SHARES = {895, 950, 979, 1000};
    private static final String[] BEHAVIORS = {"pv", "cart", "fav", "buy"};
    private static final int CATEGORIES = 9_439;

    private final long seed;
    private final long events;
    private final long items;
    private final long users;
    private final long firstMs;
    private final long spanMs;
    private final double reach;

    public Shop(long seed, long events, long items, long users, long firstMs, long spanMs) {
        this.seed = seed;
        this.events = events;
        this.items = items;
        this.users = users;
        this.firstMs = firstMs;
        this.spanMs = spanMs;
        this.reach = fifthRoot(items) - 1.0;
    }

    public UserBehavior event(long index) {
        long forItem = mix(seed + (2 * index + 1) * GOLDEN);
        long forRest = mix(seed + (2 * index + 2) * GOLDEN);
        long item = item(forItem);
        long user = ((forRest >>> 32) * users) >>> 32;
        int dice = (int) (((forRest & 0xFFFFFFFFL) * 1000) >>> 32);
        int kind = 0;
        while (dice >= SHARES[kind]) {
            kind++;
        }
        long timestamp = firstMs + Math.multiplyExact(index, spanMs) / events;
        return new UserBehavior(user, item, (int) (item % CATEGORIES), BEHAVIORS[kind], timestamp);
    }

    private long item(long random) {
        double uniform = (random >>> 11) * 0x1.0p-53;
        double root = 1.0 + uniform * reach;
        double square = root * root;
        long item = (long) (square * square * root);
        return Math.min(item, items);
    }

    /** Newton's method with a fixed number of steps: the same operations, hence the same double, on every machine. */
    static double fifthRoot(double value) {
        double root = value;
        for (int step = 0; step < 200; step++) {
            double square = root * root;
            double fourth = square * square;
            root = root - (fourth * root - value) / (5.0 * fourth);
        }
        return root;
    }

    /** The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
    static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
