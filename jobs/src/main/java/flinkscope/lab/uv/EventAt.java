package flinkscope.lab.uv;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.functions.MapFunction;

/**
 * Turns the source's running number into the shop's event.
 *
 * <p>The source gives each reader one contiguous range; event {@code i} goes to reader {@code i mod readers}, so that all readers
 * move through event time side by side.
 *
 * <p>If a folder {@code hold} is given, the last events of each range come slowly until the file {@code release} is in it: the
 * state is complete then, and the job is alive and takes checkpoints. With the file {@code freeze} they do not come at all,
 * so that a heap dump and the job's own counts are of the same moment.
 */
final class EventAt implements MapFunction<Long, UserBehavior> {
    private static final long serialVersionUID = 1L;
    private static final long TAIL = 600;
    private static final long PAUSE_MS = 200;

    private final Shop shop;
    private final long events;
    private final int readers;
    private final String hold;
    private transient boolean released;

    EventAt(Shop shop, long events, int readers, String hold) {
        this.shop = shop;
        this.events = events;
        this.readers = readers;
        this.hold = hold;
    }

    @Override
    public UserBehavior map(Long number) throws InterruptedException {
        long base = events / readers;
        long longer = events % readers;
        long inLonger = longer * (base + 1);
        long reader = number < inLonger ? number / (base + 1) : longer + (number - inLonger) / base;
        long start = reader * base + Math.min(reader, longer);
        long length = base + (reader < longer ? 1 : 0);
        long offset = number - start;
        if (length - offset <= TAIL && !released && !hold.isEmpty()) {
            waitInTail(Path.of(hold));
        }
        return shop.event(offset * readers + reader);
    }

    private void waitInTail(Path folder) throws InterruptedException {
        do {
            released = Files.exists(folder.resolve("release"));
            if (released) {
                return;
            }
            Thread.sleep(PAUSE_MS);
        } while (Files.exists(folder.resolve("freeze")));
    }
}
