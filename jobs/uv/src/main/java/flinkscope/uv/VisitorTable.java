package flinkscope.uv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The visitors of all keys of one bucket and day: an open-addressed table of primitive arrays, 16 bytes a place.
 *
 * <p>A key has a count and the place of its visitors: up to {@link #FEW} in a {@link UserBlocks block}, more as
 * {@link ManyUsers}. Most items of a shop have a handful of visitors a day; one with a single visitor costs about 28 bytes
 * here, 104 as an entry of a MapState with an array, and some 600 as a pane of a window.
 */
final class VisitorTable {
    static final int FEW = 64;
    private static final int CHANGED = 1 << 31;
    private static final long EMPTY = -1; // keys are not negative

    private long[] keys;
    /** The number of visitors; its sign says whether it has changed since the last result. */
    private int[] counts;
    private int[] places;
    private int size;
    private UserBlocks blocks = UserBlocks.narrow();
    private ManyUsers[] many = new ManyUsers[0];
    private int manySize;
    /** Where keys are texts: text number {@code k} is key {@code k}. */
    private final List<String> texts = new ArrayList<>();
    private transient Map<String, Integer> numbers;
    /** When the next results are due, as a timer was registered; 0: nothing has changed. */
    long nextResultsMs;

    VisitorTable(int capacity) {
        allocate(Math.max(8, capacity));
    }

    private VisitorTable(VisitorTable other) {
        keys = other.keys.clone();
        counts = other.counts.clone();
        places = other.places.clone();
        size = other.size;
        blocks = other.blocks.copy();
        many = new ManyUsers[other.manySize];
        manySize = other.manySize;
        for (int at = 0; at < manySize; at++) {
            many[at] = other.many[at].copy();
        }
        texts.addAll(other.texts);
        nextResultsMs = other.nextResultsMs;
    }

    VisitorTable copy() {
        return new VisitorTable(this);
    }

    int size() {
        return size;
    }

    int capacity() {
        return keys.length;
    }

    /** The key that stands for the text in this table. */
    long keyOf(String text) {
        if (numbers == null) {
            numbers = new HashMap<>();
            for (int at = 0; at < texts.size(); at++) {
                numbers.put(texts.get(at), at);
            }
        }
        Integer known = numbers.putIfAbsent(text, texts.size());
        if (known != null) {
            return known;
        }
        texts.add(text);
        return texts.size() - 1;
    }

    String textOf(long key) {
        return texts.isEmpty() ? null : texts.get((int) key);
    }

    /**
     * Adds the user to the key's visitors; whether their number has changed.
     *
     * @param precision 0: exact; else keys of many visitors become sketches of that precision
     */
    boolean add(long key, long user, int precision) {
        int at = find(key);
        int count = counts[at] & ~CHANGED;
        if (keys[at] == EMPTY) {
            keys[at] = key;
            places[at] = newBlock(0, user);
            counts[at] = 1 | CHANGED;
            if (++size > keys.length - (keys.length >> 2)) {
                grow();
            }
            return true;
        }
        if (count > FEW) {
            return addToMany(at, user, precision);
        }
        if (blocks.holds(user) && blocks.contains(places[at], count, user)) {
            return false;
        }
        if (count == FEW) {
            intoMany(at);
            return addToMany(at, user, precision);
        }
        if (!blocks.holds(user)) {
            blocks = blocks.wide();
        }
        if ((count & (count - 1)) == 0) {
            places[at] = doubled(places[at], count);
        }
        blocks.put(places[at] + count, user);
        counts[at] = count + 1 | CHANGED;
        return true;
    }

    boolean isUsed(int place) {
        return keys[place] != EMPTY;
    }

    long key(int place) {
        return keys[place];
    }

    int count(int place) {
        return counts[place] & ~CHANGED;
    }

    boolean isChanged(int place) {
        return counts[place] < 0;
    }

    void unchanged(int place) {
        counts[place] &= ~CHANGED;
    }

    void markAllChanged() {
        for (int place = 0; place < keys.length; place++) {
            if (keys[place] != EMPTY) {
                counts[place] |= CHANGED;
            }
        }
    }

    /** The key's visitors, if they are many; else null, and {@link #few} gives them. */
    ManyUsers many(int place) {
        return count(place) > FEW ? many[places[place]] : null;
    }

    long few(int place, int number) {
        return blocks.get(places[place] + number);
    }

    /** Puts a key with many visitors into a table that is being read. */
    void putMany(long key, ManyUsers users, int count) {
        int at = find(key);
        keys[at] = key;
        places[at] = append(users);
        counts[at] = count;
        if (++size > keys.length - (keys.length >> 2)) {
            grow();
        }
    }

    private boolean addToMany(int at, long user, int precision) {
        ManyUsers users = many[places[at]];
        if (!users.holds(user)) {
            users = users.wide();
        }
        if (precision > 0 && users.count() >= 1L << (precision - 1)) {
            users = users.sketch(precision);
        }
        many[places[at]] = users;
        if (!users.add(user)) {
            return false;
        }
        int count = (int) Math.min(Integer.MAX_VALUE, users.count());
        boolean changed = count != count(at);
        counts[at] = changed ? count | CHANGED : counts[at];
        return changed;
    }

    private void intoMany(int at) {
        ManyUsers users = ManyUsers.empty();
        int block = places[at];
        for (int number = 0; number < FEW; number++) {
            long user = blocks.get(block + number);
            users = users.holds(user) ? users : users.wide();
            users.add(user);
        }
        blocks.release(block, Integer.numberOfTrailingZeros(FEW));
        places[at] = append(users);
        counts[at] = FEW | CHANGED;
    }

    private int append(ManyUsers users) {
        if (manySize == many.length) {
            many = Arrays.copyOf(many, manySize + (manySize >> 1) + 1);
        }
        many[manySize] = users;
        return manySize++;
    }

    private int newBlock(int log, long user) {
        if (!blocks.holds(user)) {
            blocks = blocks.wide();
        }
        int block = blocks.take(log);
        blocks.put(block, user);
        return block;
    }

    private int doubled(int block, int count) {
        int log = Integer.numberOfTrailingZeros(count);
        int larger = blocks.take(log + 1);
        for (int number = 0; number < count; number++) {
            blocks.put(larger + number, blocks.get(block + number));
        }
        blocks.release(block, log);
        return larger;
    }

    /** The place of the key, or the empty place where it belongs. */
    private int find(long key) {
        long[] all = keys;
        int at = ManyUsers.place(key, all.length);
        while (all[at] != key && all[at] != EMPTY) {
            at = at + 1 == all.length ? 0 : at + 1;
        }
        return at;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldCounts = counts;
        int[] oldPlaces = places;
        allocate(oldKeys.length + (oldKeys.length >> 1));
        for (int old = 0; old < oldKeys.length; old++) {
            if (oldKeys[old] != EMPTY) {
                int at = find(oldKeys[old]);
                keys[at] = oldKeys[old];
                counts[at] = oldCounts[old];
                places[at] = oldPlaces[old];
            }
        }
    }

    private void allocate(int capacity) {
        keys = new long[capacity];
        Arrays.fill(keys, EMPTY);
        counts = new int[capacity];
        places = new int[capacity];
    }
}
