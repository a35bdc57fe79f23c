package flinkscope.lab.uv;

import java.util.Arrays;
import org.roaringbitmap.RoaringBitmap;

/**
 * The distinct visitors of one item: a sorted int[] up to {@link #SMALL} users, a RoaringBitmap beyond.
 *
 * <p>Most items of a shop have a handful of visitors a day; for them an array costs 16 + 4n bytes where the smallest
 * RoaringBitmap costs about 150.
 */
public final class Visitors {
    static final int SMALL = 32;

    int[] few;
    RoaringBitmap many;
    /** Whether a visitor was added since the last result. */
    boolean changed;

    Visitors(int[] few, RoaringBitmap many, boolean changed) {
        this.few = few;
        this.many = many;
        this.changed = changed;
    }

    static Visitors first(int user) {
        return new Visitors(new int[] {user}, null, true);
    }

    /** Adds the user; whether it is a new one. */
    boolean add(int user) {
        if (many != null) {
            boolean added = many.checkedAdd(user);
            changed |= added;
            return added;
        }
        int at = Arrays.binarySearch(few, user);
        if (at >= 0) {
            return false;
        }
        changed = true;
        if (few.length == SMALL) {
            many = RoaringBitmap.bitmapOf(few);
            many.add(user);
            few = null;
            return true;
        }
        int[] more = new int[few.length + 1];
        int before = -at - 1;
        System.arraycopy(few, 0, more, 0, before);
        more[before] = user;
        System.arraycopy(few, before, more, before + 1, few.length - before);
        few = more;
        return true;
    }

    int count() {
        return many == null ? few.length : many.getCardinality();
    }

    Visitors copy() {
        return new Visitors(few == null ? null : few.clone(), many == null ? null : many.clone(), changed);
    }
}
