package flinkscope.lab.uv;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;

/**
 * What one task itself counts, kept in a memory-mapped file so that it survives the death of the process.
 *
 * <p>One file a task thread. Layout, little endian: 8 bytes magic {@code FSTRUTH1}, {@link #SLOTS} longs, int length of the
 * task's name, the name in UTF-8. The key selector and the window function of an operator run in the same thread and
 * share it. Sets of items are bit sets, so that they add no object of a class that the state is made of.
 */
final class TaskTruth {
    static final int RECORDS = 0;
    /** Distinct (day, item) pairs seen: the panes of the window operator. */
    static final int KEYS = 1;
    /** Pairs with an element since their last firing: the entries of window-contents where contents are purged. */
    static final int PENDING = 2;
    /** Pairs for which a visitor set is kept by the user's function. */
    static final int KEPT = 3;
    static final int FIRINGS = 4;
    static final int RESULTS = 5;
    static final int LATE = 6;
    /** Buckets with a timer for the next results. */
    static final int EMIT_TIMERS = 7;
    static final int CLEARED = 8;
    static final int SLOTS = 16;

    private static final long MAGIC = 0x3148545552545346L;
    private static final int SIZE = 4096;
    private static final ThreadLocal<TaskTruth> OF_THREAD = new ThreadLocal<>();

    private final MappedByteBuffer file;
    private final BitSet seen = new BitSet();
    private final BitSet pending = new BitSet();
    private int day = Integer.MIN_VALUE;

    private TaskTruth(MappedByteBuffer file) {
        this.file = file;
    }

    /** The truth of the running task thread; its file is made in {@code folder} at the first call. */
    static TaskTruth ofThisTask(String folder) {
        TaskTruth truth = OF_THREAD.get();
        if (truth == null) {
            truth = create(Path.of(folder), Thread.currentThread().getName());
            OF_THREAD.set(truth);
        }
        return truth;
    }

    private static TaskTruth create(Path folder, String task) {
        try {
            Files.createDirectories(folder);
            Path path = Files.createTempFile(folder, "task-", ".truth");
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                MappedByteBuffer file = channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE);
                file.order(ByteOrder.LITTLE_ENDIAN);
                byte[] name = task.getBytes(StandardCharsets.UTF_8);
                int length = Math.min(name.length, SIZE - 8 - 8 * SLOTS - 4);
                file.position(8 + 8 * SLOTS);
                file.putInt(length).put(name, 0, length);
                file.putLong(0, MAGIC);
                return new TaskTruth(file);
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    void add(int slot, long more) {
        int at = 8 + 8 * slot;
        file.putLong(at, file.getLong(at) + more);
    }

    /** An element of (day, item) enters the operator. */
    void element(int ofDay, long item) {
        if (ofDay != day) {
            seen.clear();
            pending.clear();
            day = ofDay;
        }
        add(RECORDS, 1);
        if (!seen.get((int) item)) {
            seen.set((int) item);
            add(KEYS, 1);
        }
        if (!pending.get((int) item)) {
            pending.set((int) item);
            add(PENDING, 1);
        }
    }

    /** The window function was called for (day, item). */
    void fired(int ofDay, long item) {
        add(FIRINGS, 1);
        if (ofDay == day && pending.get((int) item)) {
            pending.clear((int) item);
            add(PENDING, -1);
        }
    }
}
