package flinkscope.uv;

import java.io.IOException;
import java.util.Arrays;
import java.util.PrimitiveIterator;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.roaringbitmap.RoaringBitmap;

/** The visitors of one key with many of them. Exact as a bitmap or as a table of 64-bit ids, or a sketch. */
abstract class ManyUsers {
    private static final int BITMAP = 0;
    private static final int WIDE = 1;
    private static final int SKETCH = 2;

    static ManyUsers empty() {
        return new Bitmap(new RoaringBitmap());
    }

    /** Adds the user; whether the count has changed. */
    abstract boolean add(long user);

    abstract long count();

    abstract boolean holds(long user);

    abstract ManyUsers copy();

    abstract void write(DataOutputView target) throws IOException;

    /** The same users as a table of 64-bit ids. */
    abstract ManyUsers wide();

    /** The same users as a sketch of 2^{@code precision} registers. */
    abstract ManyUsers sketch(int precision);

    static ManyUsers read(DataInputView source) throws IOException {
        switch (source.readByte()) {
            case BITMAP:
                RoaringBitmap bitmap = new RoaringBitmap();
                bitmap.deserialize(source);
                return new Bitmap(bitmap);
            case WIDE:
                return Wide.readFrom(source);
            case SKETCH:
                return new Sketch(HyperLogLog.read(source));
            default:
                throw new IOException("not a set of users");
        }
    }

    private static final class Bitmap extends ManyUsers {
        private final RoaringBitmap users;

        Bitmap(RoaringBitmap users) {
            this.users = users;
        }

        @Override
        boolean add(long user) {
            return users.checkedAdd((int) user);
        }

        @Override
        long count() {
            return users.getLongCardinality();
        }

        @Override
        boolean holds(long user) {
            return UserBlocks.isNarrow(user);
        }

        @Override
        ManyUsers copy() {
            return new Bitmap(users.clone());
        }

        @Override
        void write(DataOutputView target) throws IOException {
            target.writeByte(BITMAP);
            users.serialize(target);
        }

        @Override
        ManyUsers wide() {
            Wide wide = new Wide(users.getCardinality() * 2);
            users.forEach((org.roaringbitmap.IntConsumer) user -> wide.add(user & 0xFFFFFFFFL));
            return wide;
        }

        @Override
        ManyUsers sketch(int precision) {
            HyperLogLog sketch = new HyperLogLog(precision);
            users.forEach((org.roaringbitmap.IntConsumer) user -> sketch.add(user & 0xFFFFFFFFL));
            return new Sketch(sketch);
        }
    }

    /** Open addressing; the places of ids are their hashes, an empty place is {@link #EMPTY}. */
    private static final class Wide extends ManyUsers {
        private static final long EMPTY = -1; // ids are not negative
        private long[] users;
        private int count;

        Wide(int capacity) {
            users = new long[Math.max(64, capacity)];
            Arrays.fill(users, EMPTY);
        }

        static Wide readFrom(DataInputView source) throws IOException {
            int count = source.readInt();
            Wide set = new Wide(count + (count >> 1));
            for (int i = 0; i < count; i++) {
                set.add(source.readLong());
            }
            return set;
        }

        @Override
        boolean add(long user) {
            int at = place(user, users.length);
            while (users[at] != EMPTY) {
                if (users[at] == user) {
                    return false;
                }
                at = at + 1 == users.length ? 0 : at + 1;
            }
            users[at] = user;
            if (++count > users.length - (users.length >> 2)) {
                grow();
            }
            return true;
        }

        private void grow() {
            long[] old = users;
            users = new long[old.length + (old.length >> 1)];
            Arrays.fill(users, EMPTY);
            count = 0;
            for (long user : old) {
                if (user != EMPTY) {
                    add(user);
                }
            }
        }

        @Override
        long count() {
            return count;
        }

        @Override
        boolean holds(long user) {
            return true;
        }

        @Override
        ManyUsers copy() {
            Wide copy = new Wide(0);
            copy.users = users.clone();
            copy.count = count;
            return copy;
        }

        @Override
        void write(DataOutputView target) throws IOException {
            target.writeByte(WIDE);
            target.writeInt(count);
            PrimitiveIterator.OfLong all = Arrays.stream(users).filter(user -> user != EMPTY).iterator();
            while (all.hasNext()) {
                target.writeLong(all.nextLong());
            }
        }

        @Override
        ManyUsers wide() {
            return this;
        }

        @Override
        ManyUsers sketch(int precision) {
            HyperLogLog sketch = new HyperLogLog(precision);
            Arrays.stream(users).filter(user -> user != EMPTY).forEach(sketch::add);
            return new Sketch(sketch);
        }
    }

    private static final class Sketch extends ManyUsers {
        private final HyperLogLog users;

        Sketch(HyperLogLog users) {
            this.users = users;
        }

        @Override
        boolean add(long user) {
            return users.add(user);
        }

        @Override
        long count() {
            return users.estimate();
        }

        @Override
        boolean holds(long user) {
            return true;
        }

        @Override
        ManyUsers copy() {
            return new Sketch(users.copy());
        }

        @Override
        void write(DataOutputView target) throws IOException {
            target.writeByte(SKETCH);
            users.write(target);
        }

        @Override
        ManyUsers wide() {
            return this;
        }

        @Override
        ManyUsers sketch(int precision) {
            return this;
        }
    }

    /** A hash's place in a table of any capacity (Lemire 2019: multiply instead of divide). */
    static int place(long value, int capacity) {
        return (int) (((Hash.mix(value) & 0xFFFFFFFFL) * capacity) >>> 32);
    }
}
