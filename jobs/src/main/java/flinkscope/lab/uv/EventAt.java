package flinkscope.lab.uv;

import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.functions.MapFunction;

/**
 * Turns the source's running number into the shop's event.
 *
 * <p>The source gives each reader one contiguous range; event {@code i} goes to reader {@code i mod readers}, so that all readers
 * move through event time side by side. The last events of each range wait until the file {@code release} exists (if one
 * is given): the state is complete then and can be looked at while the job is alive and takes checkpoints.
 */
final class EventAt implements MapFunction<Long, UserBehavior> {
    private static final long serialVersionUID = 1L;
    private static final long TAIL = 600;
    private static final long PAUSE_MS = 200;

    private final Shop shop;
    private final long events;
    private final int readers;
    private final String release;
    private transient boolean released;

    EventAt(Shop shop, long events, int readers, String release) {
        this.shop = shop;
        this.events = events;
        this.readers = readers;
        this.release = release;
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
        if (length - offset <= TAIL && !released && !release.isEmpty()) {
            released = Files.exists(Path.of(release));
            if (!released) {
                Thread.sleep(PAUSE_MS);
            }
        }
        return shop.event(offset * readers + reader);
    }
}
