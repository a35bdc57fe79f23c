package flinkscope.uv;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * The events of a {@link GeneratedShop}. They are dealt out to a fixed number of lanes, event {@code i} to lane {@code i mod
 * lanes}, and a reader goes on with the lane that is furthest behind: all readers move through event time side by side, and a
 * restart with other parallelism moves lanes, not events.
 */
final class GeneratedEvents
        implements Source<Event, GeneratedEvents.Lane, Collection<GeneratedEvents.Lane>> {
    private static final long serialVersionUID = 1L;
    private static final int LANES = 12;
    private static final int BATCH = 128;

    private static final long HOLD_PAUSE_MS = 50;

    private final GeneratedShop shop;
    private final KeyColumn key;
    private final String hold;

    /** @param hold the input does not end before this file is there; empty: it ends with the last event */
    GeneratedEvents(GeneratedShop shop, KeyColumn key, String hold) {
        this.shop = shop;
        this.key = key;
        this.hold = hold;
    }

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.BOUNDED;
    }

    @Override
    public SourceReader<Event, Lane> createReader(SourceReaderContext context) {
        return new Reader(context);
    }

    @Override
    public SplitEnumerator<Lane, Collection<Lane>> createEnumerator(SplitEnumeratorContext<Lane> context) {
        List<Lane> lanes = new ArrayList<>();
        for (int lane = 0; lane < LANES; lane++) {
            lanes.add(new Lane(lane, lane));
        }
        return new Dealer(context, lanes);
    }

    @Override
    public SplitEnumerator<Lane, Collection<Lane>> restoreEnumerator(
            SplitEnumeratorContext<Lane> context, Collection<Lane> undealt) {
        return new Dealer(context, undealt);
    }

    @Override
    public SimpleVersionedSerializer<Lane> getSplitSerializer() {
        return new LaneSerializer();
    }

    @Override
    public SimpleVersionedSerializer<Collection<Lane>> getEnumeratorCheckpointSerializer() {
        return new LanesSerializer();
    }

    /** Every {@link #LANES}th event, from {@code next} on. */
    static final class Lane implements SourceSplit {
        final int number;
        long next;

        Lane(int number, long next) {
            this.number = number;
            this.next = next;
        }

        @Override
        public String splitId() {
            return Integer.toString(number);
        }
    }

    private final class Reader implements SourceReader<Event, Lane> {
        private final SourceReaderContext context;
        private final List<Lane> lanes = new ArrayList<>();
        private boolean dealt;
        private CompletableFuture<Void> available = new CompletableFuture<>();

        Reader(SourceReaderContext context) {
            this.context = context;
        }

        @Override
        public void start() {
            context.sendSplitRequest();
        }

        @Override
        public InputStatus pollNext(ReaderOutput<Event> output) throws InterruptedException {
            for (int i = 0; i < BATCH; i++) {
                Lane lane = furthestBehind();
                if (lane == null) {
                    if (dealt) {
                        return isHeld() ? InputStatus.MORE_AVAILABLE : InputStatus.END_OF_INPUT;
                    }
                    available = new CompletableFuture<>();
                    return InputStatus.NOTHING_AVAILABLE;
                }
                Event event = shop.event(lane.next, key);
                lane.next += LANES;
                output.collect(event, event.timestamp);
            }
            return InputStatus.MORE_AVAILABLE;
        }

        private boolean isHeld() throws InterruptedException {
            if (hold.isEmpty() || Files.exists(Path.of(hold))) {
                return false;
            }
            Thread.sleep(HOLD_PAUSE_MS);
            return true;
        }

        private Lane furthestBehind() {
            Lane found = null;
            for (int at = 0; at < lanes.size(); at++) {
                Lane lane = lanes.get(at);
                if (lane.next < shop.events && (found == null || lane.next < found.next)) {
                    found = lane;
                }
            }
            return found;
        }

        @Override
        public List<Lane> snapshotState(long checkpointId) {
            List<Lane> copies = new ArrayList<>();
            lanes.forEach(lane -> copies.add(new Lane(lane.number, lane.next)));
            return copies;
        }

        @Override
        public CompletableFuture<Void> isAvailable() {
            return available;
        }

        @Override
        public void addSplits(List<Lane> splits) {
            lanes.addAll(splits);
            available.complete(null);
        }

        @Override
        public void notifyNoMoreSplits() {
            dealt = true;
            available.complete(null);
        }

        @Override
        public void close() {}
    }

    /** Deals the lanes out evenly, once; lanes of a reader that has failed come back and are dealt to it again. */
    private static final class Dealer implements SplitEnumerator<Lane, Collection<Lane>> {
        private final SplitEnumeratorContext<Lane> context;
        private final List<Lane> undealt;
        private final Map<Integer, List<Lane>> returned = new HashMap<>();

        Dealer(SplitEnumeratorContext<Lane> context, Collection<Lane> undealt) {
            this.context = context;
            this.undealt = new ArrayList<>(undealt);
        }

        @Override
        public void start() {}

        @Override
        public void handleSplitRequest(int subtask, String host) {
            int readers = context.currentParallelism();
            List<Lane> own = new ArrayList<>();
            for (Lane lane : undealt) {
                if (lane.number % readers == subtask) {
                    own.add(lane);
                }
            }
            undealt.removeAll(own);
            own.addAll(returned.getOrDefault(subtask, List.of()));
            returned.remove(subtask);
            own.forEach(lane -> context.assignSplit(lane, subtask));
            context.signalNoMoreSplits(subtask);
        }

        @Override
        public void addSplitsBack(List<Lane> splits, int subtask) {
            returned.computeIfAbsent(subtask, none -> new ArrayList<>()).addAll(splits);
        }

        @Override
        public void addReader(int subtask) {}

        @Override
        public Collection<Lane> snapshotState(long checkpointId) {
            List<Lane> all = new ArrayList<>(undealt);
            returned.values().forEach(all::addAll);
            return all;
        }

        @Override
        public void close() {}
    }

    private static final class LaneSerializer implements SimpleVersionedSerializer<Lane> {
        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(Lane lane) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeInt(lane.number);
            out.writeLong(lane.next);
            return bytes.toByteArray();
        }

        @Override
        public Lane deserialize(int version, byte[] serialized) throws IOException {
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(serialized));
            return new Lane(in.readInt(), in.readLong());
        }
    }

    private static final class LanesSerializer implements SimpleVersionedSerializer<Collection<Lane>> {
        private final LaneSerializer each = new LaneSerializer();

        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(Collection<Lane> lanes) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeInt(lanes.size());
            for (Lane lane : lanes) {
                out.write(each.serialize(lane));
            }
            return bytes.toByteArray();
        }

        @Override
        public Collection<Lane> deserialize(int version, byte[] serialized) throws IOException {
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(serialized));
            List<Lane> lanes = new ArrayList<>();
            for (int left = in.readInt(); left > 0; left--) {
                lanes.add(new Lane(in.readInt(), in.readLong()));
            }
            return lanes;
        }
    }
}
