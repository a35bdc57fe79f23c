package flinkscope.uv;

import java.util.Arrays;

/**
 * Small sets of users in one array: a set of up to 2^k users is a block of 2^k places; freed blocks are used again.
 *
 * <p>Ids below 2^32 take four bytes each; with the first larger one all take eight ({@link #wide()}). Searching is linear: with
 * at most {@link VisitorTable#FEW} neighbours in a row it is as fast as anything, and adding is one store.
 */
abstract class UserBlocks {
    private static final int SIZES = 8;
    private static final int NONE = -1;

    private final int[] free;
    int used;

    UserBlocks() {
        free = new int[SIZES];
        Arrays.fill(free, NONE);
    }

    UserBlocks(UserBlocks other) {
        free = other.free.clone();
        used = other.used;
    }

    static UserBlocks narrow() {
        return new Ints(new int[4]);
    }

    static boolean isNarrow(long user) {
        return user >>> 32 == 0;
    }

    abstract boolean contains(int block, int count, long user);

    abstract long get(int place);

    abstract void put(int place, long user);

    abstract int capacity();

    abstract void resize(int capacity);

    abstract UserBlocks copy();

    abstract boolean holds(long user);

    /** The same blocks with eight bytes an id. */
    UserBlocks wide() {
        return new Longs(this);
    }

    /** The place of a new block for 2^{@code log} users. */
    int take(int log) {
        int block = free[log];
        if (block != NONE) {
            free[log] = (int) get(block);
            return block;
        }
        block = used;
        used += 1 << log;
        if (used > capacity()) {
            resize(Math.max(used, capacity() + (capacity() >> 2) + 8));
        }
        return block;
    }

    void release(int block, int log) {
        put(block, free[log]);
        free[log] = block;
    }

    private static final class Ints extends UserBlocks {
        private int[] users;

        Ints(int[] users) {
            this.users = users;
        }

        Ints(Ints other) {
            super(other);
            users = other.users.clone();
        }

        @Override
        boolean contains(int block, int count, long user) {
            int wanted = (int) user;
            int[] all = users;
            for (int at = block; at < block + count; at++) {
                if (all[at] == wanted) {
                    return true;
                }
            }
            return false;
        }

        @Override
        long get(int place) {
            return users[place] & 0xFFFFFFFFL;
        }

        @Override
        void put(int place, long user) {
            users[place] = (int) user;
        }

        @Override
        int capacity() {
            return users.length;
        }

        @Override
        void resize(int capacity) {
            users = Arrays.copyOf(users, capacity);
        }

        @Override
        UserBlocks copy() {
            return new Ints(this);
        }

        @Override
        boolean holds(long user) {
            return isNarrow(user);
        }
    }

    private static final class Longs extends UserBlocks {
        private long[] users;

        Longs(UserBlocks other) {
            super(other);
            users = new long[Math.max(4, other.capacity())];
            for (int place = 0; place < other.used; place++) {
                users[place] = other.get(place);
            }
        }

        @Override
        boolean contains(int block, int count, long user) {
            long[] all = users;
            for (int at = block; at < block + count; at++) {
                if (all[at] == user) {
                    return true;
                }
            }
            return false;
        }

        @Override
        long get(int place) {
            return users[place];
        }

        @Override
        void put(int place, long user) {
            users[place] = user;
        }

        @Override
        int capacity() {
            return users.length;
        }

        @Override
        void resize(int capacity) {
            users = Arrays.copyOf(users, capacity);
        }

        @Override
        UserBlocks copy() {
            return new Longs(this);
        }

        @Override
        boolean holds(long user) {
            return true;
        }
    }
}
